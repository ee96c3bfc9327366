"""Which text of its app each slot was, that a call went through."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of slots so far it is not known."""
    op.add_column("call_slots", sa.Column("revision", sa.Text()))


def downgrade() -> None:
    """Take it away."""
    op.drop_column("call_slots", "revision")
