"""The scripts of DIDs, and the values that scripts keep."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

_OF_DIDS = (
    ("script", sa.Text),
    ("script_timeout_s", sa.Float),
    ("script_fallback", sa.Text),
    ("script_vars", sa.Text),
)


def upgrade() -> None:
    """Add the columns, of which no DID has any, and the table."""
    for name, kind in _OF_DIDS:
        op.add_column("dids", sa.Column(name, kind))
    op.create_table(
        "script_values",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("expires_ms", sa.BigInteger),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_script_values_expires", "script_values", ["expires_ms"])


def downgrade() -> None:
    """Take them away."""
    op.drop_table("script_values")
    for name, _ in _OF_DIDS:
        op.drop_column("dids", name)
