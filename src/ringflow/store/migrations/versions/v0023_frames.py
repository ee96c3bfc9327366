"""How many apps waited for the app of a slot, each having called the next."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Slots so far were all of an app that none had called: NULL, which counts as 0."""
    op.add_column("call_slots", sa.Column("depth", sa.Integer()))


def downgrade() -> None:
    """Take it away."""
    op.drop_column("call_slots", "depth")
