"""The ledger's tables: accounts, movements, holds, in-use marks and rates.

Amounts are micro-units of the row's currency. What must hold whatever the code does stands here as a
constraint; `ledger_movements` is never changed, which triggers see to.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    event,
    false,
    text,
)

from ringflow.money import MAX_AMOUNT_MICROS, MAX_BALANCE_MICROS
from ringflow.store.tables import metadata, partial_index

# SQLite numbers rows by itself only where the key is an INTEGER.
_ROW_NUMBER = BigInteger().with_variant(Integer, "sqlite")

# A customer's account has the customer's id; a house account has a negative one.
ledger_accounts = Table(
    "ledger_accounts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("customer_id", Integer, ForeignKey("customers.id"), unique=True),
    Column("house", Text),
    Column("currency", Text, nullable=False),
    Column("balance_micros", BigInteger, nullable=False),
    Column("held_micros", BigInteger, nullable=False),
    Column("debit_limit_micros", BigInteger, nullable=False),
    Column("daily_limit_micros", BigInteger),
    Column("spent_micros", BigInteger, nullable=False),
    Column("spent_day", Integer, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    UniqueConstraint("id", "currency"),
    CheckConstraint(
        "(customer_id = id AND house IS NULL) OR (customer_id IS NULL AND house IS NOT NULL AND id < 0)",
        name="owner",
    ),
    CheckConstraint("held_micros >= 0", name="held"),
    CheckConstraint("daily_limit_micros >= 0", name="daily_limit"),
    # SQLite turns a sum that does not fit into a float; no float passes this.
    CheckConstraint(
        f"balance_micros BETWEEN -{MAX_BALANCE_MICROS} AND {MAX_BALANCE_MICROS}", name="balance_range"
    ),
    CheckConstraint(
        "house IS NOT NULL OR balance_micros - held_micros >= 0 "
        "OR balance_micros - held_micros + debit_limit_micros >= 0",
        name="limit",
    ),
)

# One row debits one account and credits another, in one currency: unbalanced books cannot be written.
ledger_movements = Table(
    "ledger_movements",
    metadata,
    Column("id", _ROW_NUMBER, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("debit_id", Integer, nullable=False),
    Column("credit_id", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("micros", BigInteger, nullable=False),
    Column("leg_id", Text),
    Column("reason", Text, nullable=False),
    Column("operator", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    ForeignKeyConstraint(["debit_id", "currency"], ["ledger_accounts.id", "ledger_accounts.currency"]),
    ForeignKeyConstraint(["credit_id", "currency"], ["ledger_accounts.id", "ledger_accounts.currency"]),
    CheckConstraint(f"micros BETWEEN 1 AND {MAX_AMOUNT_MICROS}", name="micros"),
    CheckConstraint("debit_id <> credit_id", name="two_accounts"),
    # By these an account's movements are listed, and what it spent in a day is added up.
    Index("ix_ledger_movements_debit", "debit_id", "created_ms", "id"),
    Index("ix_ledger_movements_credit", "credit_id", "created_ms", "id"),
    Index("ix_ledger_movements_created", "created_ms", "id"),
    # By these the few movements that are no charges for calls are listed, and those that somebody made.
    partial_index("ix_ledger_movements_kind", "kind", "created_ms", "id", rows="kind <> 'charge'"),
    partial_index("ix_ledger_movements_operator", "operator", "created_ms", "id", rows="operator <> ''"),
    # By it a call is shown with its charges and refunds.
    partial_index("ix_ledger_movements_leg", "leg_id", rows="leg_id IS NOT NULL"),
    sqlite_autoincrement=True,
)

# `terms`: the rate as it was when the leg was dialled, as JSON, so that any server charges the same.
# `asterisk`: the identity of the Asterisk that the leg lives on, empty where that is not known. `token`: what
# Asterisk must show to have the leg settled. `left_ms`: when its server, which may live on, lost sight of the
# leg.
ledger_holds = Table(
    "ledger_holds",
    metadata,
    Column("leg_id", Text, primary_key=True),
    Column("account_id", Integer, ForeignKey("ledger_accounts.id"), nullable=False, index=True),
    Column("asked_micros", BigInteger, nullable=False),
    Column("micros", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("server", Text, nullable=False),
    Column("terms", Text, nullable=False),
    Column("opened_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
    Column("charged_micros", BigInteger, nullable=False),
    Column("uncollected_micros", BigInteger, nullable=False),
    Column("refunded_micros", BigInteger, nullable=False),
    Column("asterisk", Text, nullable=False, server_default=""),
    Column("token", Text, nullable=False, server_default=""),
    Column("left_ms", BigInteger),
    CheckConstraint("state IN ('held', 'settled', 'released')", name="state"),
    CheckConstraint("(state = 'held') = (ended_ms IS NULL)", name="ended"),
    CheckConstraint("micros >= 0 AND uncollected_micros >= 0", name="amounts"),
    CheckConstraint("state = 'settled' OR charged_micros = 0", name="charged"),
    CheckConstraint("refunded_micros BETWEEN 0 AND charged_micros", name="refunded"),
    partial_index("ix_ledger_holds_held", "server", rows="state = 'held'"),
    # By it the records find the legs of calls whose own record was lost with their server.
    partial_index("ix_ledger_holds_ended", "ended_ms", rows="ended_ms IS NOT NULL"),
)

# How many calls use a subject (`customer:42`); each of them has a mark, so that a reaper can take it back.
ledger_occupancy = Table(
    "ledger_occupancy",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("used", Integer, nullable=False),
    CheckConstraint("used >= 0", name="used"),
)

ledger_marks = Table(
    "ledger_marks",
    metadata,
    Column("call_id", Text, primary_key=True),
    Column("subject", Text, ForeignKey("ledger_occupancy.subject"), primary_key=True, index=True),
    Column("server", Text, nullable=False, index=True),
    Column("taken_ms", BigInteger, nullable=False),
    Column("asterisk", Text, nullable=False, server_default=""),
)

# Runs of servers. `ended_ms`: since then it is certain that the run is over, however lately it was seen.
ledger_servers = Table(
    "ledger_servers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("started_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
)

# Which run goes by a name, and by what a later one on the same machine sees whether it still lives: the
# machine's boot, and the process by its number and start. `asterisk`: the Asterisk that its manager interface
# leads to, when that was started (by its own clock), and when it was last asked.
servers = Table(
    "servers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("run", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("pid_namespace", BigInteger, nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("pid_started", BigInteger, nullable=False),
    Column("asterisk", Text, nullable=False, server_default=""),
    Column("asterisk_started", Text, nullable=False, server_default=""),
    Column("asterisk_seen_ms", BigInteger, nullable=False, server_default="0"),
)

rate_cards = Table(
    "rate_cards",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("currency", Text, nullable=False),
    Column("decimals", Integer, nullable=False),
    Column("rounding", Text, nullable=False),
    Column("is_default", Boolean, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("below_cost", Text, nullable=False, server_default="refuse"),
    # Whose rates are the card's: those with this `card_id`; NULL: its own. An edition, being written or in
    # place, has a row too, which says of which card it is.
    Column("edition", Integer),
    Column("edition_of", Integer),
    CheckConstraint("decimals BETWEEN 0 AND 6", name="decimals"),
    CheckConstraint("below_cost IN ('allow', 'warn', 'refuse')", name="below_cost"),
    CheckConstraint("rounding IN ('up', 'half_up', 'half_even', 'down')", name="rounding"),
    partial_index("ix_rate_cards_default", "currency", rows="is_default", unique=True),
)

rates = Table(
    "rates",
    metadata,
    Column("id", _ROW_NUMBER, primary_key=True),
    Column("card_id", Integer, ForeignKey("rate_cards.id"), nullable=False),
    Column("prefix", Text, nullable=False),
    Column("price_micros", BigInteger, nullable=False),
    Column("connection_micros", BigInteger, nullable=False),
    Column("minimum_s", Integer, nullable=False),
    Column("increment_s", Integer, nullable=False),
    Column("grace_s", Integer, nullable=False),
    Column("from_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger),
    Column("destination", Text, nullable=False, server_default=""),
    Column("blocked", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("card_id", "prefix", "from_ms"),
    CheckConstraint("price_micros >= 0 AND connection_micros >= 0", name="prices"),
    CheckConstraint("minimum_s >= 1 AND increment_s >= 1 AND grace_s >= 0", name="seconds"),
    CheckConstraint("until_ms > from_ms", name="dates"),
)

# What the columns of a carrier's sheets are (`facts`, as JSON), under a name of the operator's.
rate_maps = Table(
    "rate_maps",
    metadata,
    Column("name", Text, primary_key=True),
    Column("facts", Text, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)

# Which rate card a subject (`customer:42`, `trunk:carrier`) goes by.
rate_assignments = Table(
    "rate_assignments",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("card_id", Integer, ForeignKey("rate_cards.id"), nullable=False, index=True),
)

REFUSAL = "movements are never changed, only followed"

# A migration that copies ledger_movements (alembic's batch mode on SQLite) must create the triggers again.
IMMUTABLE: dict[str, tuple[str, ...]] = {
    "sqlite": tuple(
        f"CREATE TRIGGER ledger_movements_{verb} BEFORE {verb} ON ledger_movements "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        for verb in ("update", "delete")
    ),
    "postgresql": (
        (
            "CREATE OR REPLACE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'restrict_violation'; END $$"
        ),
        (
            "CREATE TRIGGER ledger_movements_change BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_movements "
            "FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change()"
        ),
    ),
}


TRIGGERS: dict[str, tuple[str, ...]] = {
    "sqlite": ("ledger_movements_update", "ledger_movements_delete"),
    "postgresql": ("ledger_movements_change",),
}
"""The names of these triggers."""


def _make_immutable(target: Any, connection: Any, **_: Any) -> None:
    for statement in IMMUTABLE[connection.dialect.name]:
        connection.execute(text(statement))


event.listen(ledger_movements, "after_create", _make_immutable)
