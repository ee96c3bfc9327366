"""On which Asterisk a call lives, what proves a settlement, and which server goes by a name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_OF_A_CALL = ("ledger_holds", "ledger_marks", "call_drafts")


def upgrade() -> None:
    """Add the columns, empty for what was written before, and the table of names."""
    for table in _OF_A_CALL:
        op.add_column(table, sa.Column("asterisk", sa.Text, nullable=False, server_default=""))
    op.add_column("call_records", sa.Column("asterisk", sa.Text))
    op.add_column("ledger_holds", sa.Column("token", sa.Text, nullable=False, server_default=""))
    op.add_column("ledger_holds", sa.Column("left_ms", sa.BigInteger))
    op.add_column("ledger_servers", sa.Column("ended_ms", sa.BigInteger))
    op.create_table(
        "servers",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("boot_id", sa.Text, nullable=False),
        sa.Column("pid_namespace", sa.BigInteger, nullable=False),
        sa.Column("pid", sa.BigInteger, nullable=False),
        sa.Column("pid_started", sa.BigInteger, nullable=False),
        sa.Column("asterisk", sa.Text, nullable=False, server_default=""),
        sa.Column("asterisk_started", sa.Text, nullable=False, server_default=""),
        sa.Column("asterisk_seen_ms", sa.BigInteger, nullable=False, server_default="0"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("servers")
    op.drop_column("ledger_servers", "ended_ms")
    op.drop_column("ledger_holds", "left_ms")
    op.drop_column("ledger_holds", "token")
    op.drop_column("call_records", "asterisk")
    for table in _OF_A_CALL:
        op.drop_column(table, "asterisk")
