"""The table of flow revisions: every text of a flow file that was in service."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, Table, Text, UniqueConstraint

from ringflow.store.tables import metadata

# `file` is a name within the folder of flows, `revision` the short hash of `text` that records of calls have.
# `loaded_ms`: when a server last put the text into service; of one file the newest is the last good one.
flow_revisions = Table(
    "flow_revisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("file", Text, nullable=False),
    Column("app", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("first_loaded_ms", BigInteger, nullable=False),
    Column("loaded_ms", BigInteger, nullable=False),
    UniqueConstraint("file", "revision"),
)
