"""The SIP code with which the callee's side answered a leg."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of what was recorded before it is not known."""
    op.add_column("call_legs", sa.Column("sip_code", sa.Integer))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("call_legs", "sip_code")
