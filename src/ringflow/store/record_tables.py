"""The tables of call records: a row for each call, for each of its legs, and for each slot it went through.

Nothing here refers to customers, DIDs or cards by a foreign key: a record outlives what it tells of. What a
customer is charged for a leg is not here but in `ledger_holds`, which has the leg's id. Times within a call
are milliseconds from its arrival.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Integer, Table, Text

from ringflow.store.tables import beginnings_index, metadata, partial_index

# `release_cause` is the Q.850 cause of the caller's side; `reject_sip` the SIP code of a call that was
# refused before answer. `asterisk`: the Asterisk that the call and its legs live on.
call_records = Table(
    "call_records",
    metadata,
    Column("call_id", Text, primary_key=True),
    Column("server", Text, nullable=False),
    Column("started_ms", BigInteger, nullable=False),
    Column("duration_ms", BigInteger, nullable=False),
    Column("did", Text, nullable=False),
    Column("cli", Text),
    Column("app", Text),
    Column("revision", Text),
    Column("card_id", Text),
    Column("customer_id", Integer),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("reject_sip", Integer),
    Column("release_cause", Integer),
    Column("released_by", Text),
    Column("asterisk", Text),
    CheckConstraint("duration_ms >= 0", name="duration"),
    Index("ix_call_records_started", "started_ms", "call_id"),
    Index("ix_call_records_customer", "customer_id", "started_ms", "call_id"),
    Index("ix_call_records_cli", "cli", "started_ms", "call_id"),
    Index("ix_call_records_did", "did", "started_ms", "call_id"),
    Index("ix_call_records_app", "app", "started_ms", "call_id"),
    Index("ix_call_records_outcome", "outcome", "started_ms", "call_id"),
    partial_index("ix_call_records_card", "card_id", "started_ms", "call_id", rows="card_id IS NOT NULL"),
    sqlite_with_rowid=False,
)

# `position` counts from 1 and is the number in the leg's id. `leg_id` is NULL where nothing was held;
# `ended_ms` and `talked_ms` are NULL where nobody who knew was left to write them. `cost_micros` is what the
# trunk's owner charges us, NULL where the trunk has no rate; `cost_prefix` names the row of its card,
# `cost_destination` what that row calls the destination.
# `sip_code` is the callee's final response, NULL where there was none. `keyed` is the number as the caller
# or the flow gave it, `dialled` the same in E.164, `sent` what the trunk was given; `as_keyed`: they are one.
# `reason`: why Ringflow did not dial it.
call_legs = Table(
    "call_legs",
    metadata,
    Column("call_id", Text, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("leg_id", Text),
    Column("dialled", Text, nullable=False),
    Column("trunk", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("ended_ms", BigInteger),
    Column("talked_ms", BigInteger),
    Column("hangup_cause", Integer),
    Column("caller_id", Text),
    Column("released_by", Text),
    Column("cost_micros", BigInteger),
    Column("cost_currency", Text),
    Column("cost_prefix", Text),
    Column("sip_code", Integer),
    Column("keyed", Text),
    Column("sent", Text),
    Column("as_keyed", Boolean),
    Column("cost_destination", Text),
    Column("reason", Text),
    CheckConstraint("position >= 1 AND talked_ms >= 0", name="figures"),
    beginnings_index("ix_call_legs_dialled", "dialled"),
    sqlite_with_rowid=False,
)

# What a call in progress would leave if its server died now: its rows as JSON (`facts`). `server` is the
# server's name in `ledger_servers`, where it says that it lives. The record of the call takes its place.
call_drafts = Table(
    "call_drafts",
    metadata,
    Column("call_id", Text, primary_key=True),
    Column("server", Text, nullable=False, index=True),
    Column("kept_ms", BigInteger, nullable=False),
    Column("facts", Text, nullable=False),
    Column("asterisk", Text, nullable=False, server_default=""),
    sqlite_with_rowid=False,
)

# `keys` are what the caller keyed there, one word for each time; secret ones are `****`. `depth`: how many
# apps waited for the slot's app, each having called the next; NULL, as in earlier versions, counts as 0.
# `revision` is that of the app's file, NULL in earlier versions.
call_slots = Table(
    "call_slots",
    metadata,
    Column("call_id", Text, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("app", Text, nullable=False),
    Column("slot", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("entered_ms", BigInteger, nullable=False),
    Column("exit", Text),
    Column("keys", Text, nullable=False),
    Column("depth", Integer),
    Column("revision", Text),
    CheckConstraint("position >= 1 AND entered_ms >= 0", name="figures"),
    sqlite_with_rowid=False,
)
