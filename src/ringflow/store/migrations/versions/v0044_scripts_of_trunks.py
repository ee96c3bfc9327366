"""The scripts of trunks, and those that run after a DID's calls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

_COLUMNS = (
    ("trunks", "script", sa.Text),
    ("trunks", "script_timeout_s", sa.Float),
    ("trunks", "script_fallback", sa.Text),
    ("trunks", "script_vars", sa.Text),
    ("dids", "hangup_script", sa.Text),
    ("dids", "hangup_script_timeout_s", sa.Float),
    ("dids", "hangup_script_vars", sa.Text),
)


def upgrade() -> None:
    """Add the columns, of which no trunk and no DID has any."""
    for table, name, kind in _COLUMNS:
        op.add_column(table, sa.Column(name, kind))


def downgrade() -> None:
    """Take them away."""
    for table, name, _ in _COLUMNS:
        op.drop_column(table, name)
