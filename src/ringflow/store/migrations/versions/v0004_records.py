"""Records of calls, their legs and their slots; and the way from an ended hold to its record."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of call records, and the index by which ended holds are found."""
    _create_calls()
    _create_parts()
    ended = sa.text("ended_ms IS NOT NULL")
    op.create_index(
        "ix_ledger_holds_ended", "ledger_holds", ["ended_ms"], sqlite_where=ended, postgresql_where=ended
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_ledger_holds_ended", "ledger_holds")
    for name in ("call_slots", "call_legs", "call_records"):
        op.drop_table(name)


def _create_calls() -> None:
    op.create_table(
        "call_records",
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("server", sa.Text, nullable=False),
        sa.Column("started_ms", sa.BigInteger, nullable=False, index=True),
        sa.Column("duration_ms", sa.BigInteger, nullable=False),
        sa.Column("did", sa.Text, nullable=False),
        sa.Column("cli", sa.Text),
        sa.Column("app", sa.Text),
        sa.Column("revision", sa.Text),
        sa.Column("card_id", sa.Text),
        sa.Column("customer_id", sa.Integer),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("reject_sip", sa.Integer),
        sa.Column("release_cause", sa.Integer),
        sa.CheckConstraint("duration_ms >= 0", name="duration"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_call_records_customer", "call_records", ["customer_id", "started_ms"])
    op.create_index("ix_call_records_cli", "call_records", ["cli", "started_ms"])


def _create_parts() -> None:
    op.create_table(
        "call_legs",
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("leg_id", sa.Text),
        sa.Column("dialled", sa.Text, nullable=False),
        sa.Column("trunk", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("talked_ms", sa.BigInteger),
        sa.Column("hangup_cause", sa.Integer),
        sa.Column("caller_id", sa.Text),
        sa.CheckConstraint("position >= 1 AND talked_ms >= 0", name="figures"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "call_slots",
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("app", sa.Text, nullable=False),
        sa.Column("slot", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("entered_ms", sa.BigInteger, nullable=False),
        sa.Column("exit", sa.Text),
        sa.Column("keys", sa.Text, nullable=False),
        sa.CheckConstraint("position >= 1 AND entered_ms >= 0", name="figures"),
        sqlite_with_rowid=False,
    )
