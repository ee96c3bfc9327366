"""After which answers of a trunk the next one is tried, and how long a trunk may be silent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_FAILOVER = '["401", "403", "407", "408", "5xx"]'


def upgrade() -> None:
    """Add the columns; trunks that are there get the defaults."""
    op.add_column("trunks", sa.Column("failover", sa.JSON, nullable=False, server_default=_FAILOVER))
    op.add_column("trunks", sa.Column("silent_s", sa.Integer, nullable=False, server_default="6"))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("trunks", "silent_s")
    op.drop_column("trunks", "failover")
