"""What becomes of a call that would cost more than it brings, for each rate card."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; cards that there are refuse such calls too."""
    # Written out: SQLite adds a constraint only as a part of its column.
    op.execute(
        "ALTER TABLE rate_cards ADD COLUMN below_cost TEXT DEFAULT 'refuse' NOT NULL "
        "CONSTRAINT ck_rate_cards_below_cost CHECK (below_cost IN ('allow', 'warn', 'refuse'))"
    )


def downgrade() -> None:
    """Drop it."""
    op.execute("ALTER TABLE rate_cards DROP COLUMN below_cost")
