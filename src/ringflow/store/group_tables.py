"""The table of whose turn it is in call groups that ring their members in turn."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text

from ringflow.store.tables import metadata

# `turn_ms`: when the member was last rung first, or last answered, as the group goes by the one or the other.
group_turns = Table(
    "group_turns",
    metadata,
    Column("group_name", Text, primary_key=True),
    Column("member", Text, primary_key=True),
    Column("turn_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
