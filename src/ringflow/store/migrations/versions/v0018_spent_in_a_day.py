"""An index that finds what an account spent in a day, in place of the one that finds what it ever spent."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Put the new index in place of the old one."""
    op.create_index("ix_ledger_movements_debit_created", "ledger_movements", ["debit_id", "created_ms"])
    op.drop_index("ix_ledger_movements_debit_id", "ledger_movements")


def downgrade() -> None:
    """Put the old one back."""
    op.create_index("ix_ledger_movements_debit_id", "ledger_movements", ["debit_id"])
    op.drop_index("ix_ledger_movements_debit_created", "ledger_movements")
