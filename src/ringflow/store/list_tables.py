"""The tables of operators' lists: numbers or texts by the million, which flows look values up in."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Integer, Table, Text

from ringflow.store.tables import beginnings_index, metadata

value_lists = Table(
    "value_lists",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("notes", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    CheckConstraint("kind IN ('numbers', 'text')", name="kind"),
    # An id is never given twice: entries of a list that is being deleted must not become another's.
    sqlite_autoincrement=True,
)

# `value` is E.164 digits in the form that identifies, such digits with a `*` behind them for all numbers that
# begin so, or text. A look-up finds it by the primary key, and reads no other row.
value_list_entries = Table(
    "value_list_entries",
    metadata,
    Column("list_id", Integer, ForeignKey("value_lists.id"), primary_key=True, autoincrement=False),
    Column("value", Text, primary_key=True),
    Column("notes", Text, nullable=False),
    Column("expires_ms", BigInteger),
    Column("created_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    # SQLite's primary key finds how texts begin, too.
    beginnings_index("ix_value_list_entries_beginning", "list_id", "value").ddl_if("postgresql"),
    sqlite_with_rowid=False,
)
