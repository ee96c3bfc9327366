"""An index by which the calls to a number are found."""

from __future__ import annotations

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    op.create_index(
        "ix_call_legs_dialled", "call_legs", ["dialled"], postgresql_ops={"dialled": "text_pattern_ops"}
    )


def downgrade() -> None:
    """Take it away."""
    op.drop_index("ix_call_legs_dialled", "call_legs")
