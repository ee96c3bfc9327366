"""The table of answers that the API gave to requests which may come again."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, PrimaryKeyConstraint, Table, Text

from ringflow.store.tables import metadata

# `key` is the request's Idempotency-Key, which belongs to who sent it. `request` is a digest of what was
# asked. A row is written in the transaction of the change that it tells of.
api_answers = Table(
    "api_answers",
    metadata,
    Column("principal", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("request", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("made_ms", BigInteger, nullable=False, index=True),
    PrimaryKeyConstraint("principal", "key"),
    sqlite_with_rowid=False,
)
