"""The ledger: accounts, movements, holds, in-use marks, servers and rates."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_REFUSAL = "movements are never changed, only followed"


def upgrade() -> None:
    """Create the ledger's tables, and the triggers that keep movements as they are."""
    _create_accounts()
    _create_movements()
    _create_holds()
    _create_marks()
    _create_rates()


def downgrade() -> None:
    """Drop them all."""
    for name in (
        "rate_assignments",
        "rates",
        "rate_cards",
        "ledger_servers",
        "ledger_marks",
        "ledger_occupancy",
        "ledger_holds",
        "ledger_movements",
        "ledger_accounts",
    ):
        op.drop_table(name)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION ledger_refuse_change()")


def _create_accounts() -> None:
    op.create_table(
        "ledger_accounts",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("customer_id", sa.Integer, sa.ForeignKey("customers.id"), unique=True),
        sa.Column("house", sa.Text),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("balance_micros", sa.BigInteger, nullable=False),
        sa.Column("held_micros", sa.BigInteger, nullable=False),
        sa.Column("debit_limit_micros", sa.BigInteger, nullable=False),
        sa.Column("daily_limit_micros", sa.BigInteger),
        sa.Column("spent_micros", sa.BigInteger, nullable=False),
        sa.Column("spent_day", sa.Integer, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("id", "currency"),
        sa.CheckConstraint(
            "(customer_id = id AND house IS NULL) OR (customer_id IS NULL AND house IS NOT NULL AND id < 0)",
            name="owner",
        ),
        sa.CheckConstraint("held_micros >= 0", name="held"),
        sa.CheckConstraint("daily_limit_micros >= 0", name="daily_limit"),
        sa.CheckConstraint(
            "balance_micros BETWEEN -4000000000000000000 AND 4000000000000000000", name="balance_range"
        ),
        sa.CheckConstraint(
            "house IS NOT NULL OR balance_micros - held_micros >= 0 "
            "OR balance_micros - held_micros + debit_limit_micros >= 0",
            name="limit",
        ),
    )


def _create_movements() -> None:
    accounts = ["ledger_accounts.id", "ledger_accounts.currency"]
    op.create_table(
        "ledger_movements",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("debit_id", sa.Integer, nullable=False, index=True),
        sa.Column("credit_id", sa.Integer, nullable=False, index=True),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("micros", sa.BigInteger, nullable=False),
        sa.Column("leg_id", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("operator", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["debit_id", "currency"], accounts),
        sa.ForeignKeyConstraint(["credit_id", "currency"], accounts),
        sa.CheckConstraint("micros BETWEEN 1 AND 1000000000000000", name="micros"),
        sa.CheckConstraint("debit_id <> credit_id", name="two_accounts"),
        sqlite_autoincrement=True,
    )
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER ledger_movements_{verb} BEFORE {verb} ON ledger_movements "
                f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
            )
        return
    op.execute(
        "CREATE OR REPLACE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'restrict_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER ledger_movements_change BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_movements "
        "FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change()"
    )


def _create_holds() -> None:
    op.create_table(
        "ledger_holds",
        sa.Column("leg_id", sa.Text, primary_key=True),
        sa.Column("account_id", sa.Integer, sa.ForeignKey("ledger_accounts.id"), nullable=False, index=True),
        sa.Column("asked_micros", sa.BigInteger, nullable=False),
        sa.Column("micros", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("server", sa.Text, nullable=False),
        sa.Column("terms", sa.Text, nullable=False),
        sa.Column("opened_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("charged_micros", sa.BigInteger, nullable=False),
        sa.Column("uncollected_micros", sa.BigInteger, nullable=False),
        sa.Column("refunded_micros", sa.BigInteger, nullable=False),
        sa.CheckConstraint("state IN ('held', 'settled', 'released')", name="state"),
        sa.CheckConstraint("(state = 'held') = (ended_ms IS NULL)", name="ended"),
        sa.CheckConstraint("micros >= 0 AND uncollected_micros >= 0", name="amounts"),
        sa.CheckConstraint("state = 'settled' OR charged_micros = 0", name="charged"),
        sa.CheckConstraint("refunded_micros BETWEEN 0 AND charged_micros", name="refunded"),
    )
    held = sa.text("state = 'held'")
    op.create_index(
        "ix_ledger_holds_held", "ledger_holds", ["server"], sqlite_where=held, postgresql_where=held
    )


def _create_marks() -> None:
    op.create_table(
        "ledger_occupancy",
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("used", sa.Integer, nullable=False),
        sa.CheckConstraint("used >= 0", name="used"),
    )
    op.create_table(
        "ledger_marks",
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column(
            "subject", sa.Text, sa.ForeignKey("ledger_occupancy.subject"), primary_key=True, index=True
        ),
        sa.Column("server", sa.Text, nullable=False, index=True),
        sa.Column("taken_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "ledger_servers",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("started_ms", sa.BigInteger, nullable=False),
        sa.Column("seen_ms", sa.BigInteger, nullable=False),
    )


def _create_rates() -> None:
    op.create_table(
        "rate_cards",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("decimals", sa.Integer, nullable=False),
        sa.Column("rounding", sa.Text, nullable=False),
        sa.Column("is_default", sa.Boolean, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.CheckConstraint("decimals BETWEEN 0 AND 6", name="decimals"),
        sa.CheckConstraint("rounding IN ('up', 'half_up', 'half_even', 'down')", name="rounding"),
    )
    default = sa.text("is_default")
    op.create_index(
        "ix_rate_cards_default",
        "rate_cards",
        ["currency"],
        unique=True,
        sqlite_where=default,
        postgresql_where=default,
    )
    op.create_table(
        "rates",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("card_id", sa.Integer, sa.ForeignKey("rate_cards.id"), nullable=False),
        sa.Column("prefix", sa.Text, nullable=False),
        sa.Column("price_micros", sa.BigInteger, nullable=False),
        sa.Column("connection_micros", sa.BigInteger, nullable=False),
        sa.Column("minimum_s", sa.Integer, nullable=False),
        sa.Column("increment_s", sa.Integer, nullable=False),
        sa.Column("grace_s", sa.Integer, nullable=False),
        sa.Column("from_ms", sa.BigInteger, nullable=False),
        sa.Column("until_ms", sa.BigInteger),
        sa.UniqueConstraint("card_id", "prefix", "from_ms"),
        sa.CheckConstraint("price_micros >= 0 AND connection_micros >= 0", name="prices"),
        sa.CheckConstraint("minimum_s >= 1 AND increment_s >= 1 AND grace_s >= 0", name="seconds"),
        sa.CheckConstraint("until_ms > from_ms", name="dates"),
    )
    op.create_table(
        "rate_assignments",
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("card_id", sa.Integer, sa.ForeignKey("rate_cards.id"), nullable=False, index=True),
    )
