"""The tables by which processes reach calls of other servers: orders, and events that somebody watches.

Rows are short-lived: an order is answered within a second or so, a watched event is read and deleted.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, Table, Text

from ringflow.store.tables import metadata

# `arguments`: JSON. `taken_ms` is NULL until the server that has the call took the order, or nobody did in
# time and `server` is empty. `answer` says in words what came of it, `refused` 1 that it was not done.
call_orders = Table(
    "call_orders",
    metadata,
    Column("id", Text, primary_key=True),
    Column("call_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("arguments", Text, nullable=False),
    Column("operator", Text, nullable=False),
    Column("ordered_ms", BigInteger, nullable=False, index=True),
    Column("taken_ms", BigInteger),
    Column("server", Text),
    Column("answer", Text),
    Column("refused", Integer),
)

# Somebody reads the events of a call (NULL: of all) until `until_ms`, which is moved while it does.
call_watches = Table(
    "call_watches",
    metadata,
    Column("id", Text, primary_key=True),
    Column("call_id", Text),
    Column("until_ms", BigInteger, nullable=False),
)

# `event`: the JSON form of a call event.
watched_events = Table(
    "watched_events",
    metadata,
    Column("watch_id", Text, primary_key=True),
    Column("call_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("event", Text, nullable=False),
    Column("kept_ms", BigInteger, nullable=False, index=True),
    sqlite_with_rowid=False,
)
