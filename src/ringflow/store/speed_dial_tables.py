"""The table of speed dials: numbers that customers keep under short keys."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Integer, Table, Text

from ringflow.store.tables import metadata

# `number` is what is dialled, in the words of who stored it. A customer's go when the customer does.
speed_dials = Table(
    "speed_dials",
    metadata,
    Column("customer_id", Integer, ForeignKey("customers.id"), primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("number", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    CheckConstraint("place BETWEEN 0 AND 99", name="place"),
    sqlite_with_rowid=False,
)
