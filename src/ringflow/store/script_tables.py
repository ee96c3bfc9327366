"""The tables of what scripts keep from one call to another, and of the texts that scripts had."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, Table, Text, UniqueConstraint

from ringflow.store.tables import metadata

script_values = Table(
    "script_values",
    metadata,
    Column("key", Text, primary_key=True),
    # JSON.
    Column("value", Text, nullable=False),
    # None: until it is deleted.
    Column("expires_ms", BigInteger),
    Column("updated_ms", BigInteger, nullable=False),
    # How long it was to live when it was made.
    Column("ttl_ms", BigInteger),
    Index("ix_script_values_expires", "expires_ms"),
)

# Every text of a script's file that was published, or that a server found in its folder. Rows are never
# changed. `follows` is the id of the publication of the same file before this one, 0 for the first, so that
# two writers who saw the same one cannot both publish; it is NULL for a text that was found on disk.
# `replaced` is the text that a publication found in its file. A database
# that was restored gives an id a second time, and never a `key`.
script_texts = Table(
    "script_texts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("file", Text, nullable=False),
    Column("follows", Integer),
    Column("revision", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("replaced", Text),
    Column("kind", Text, nullable=False),
    Column("operator", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    UniqueConstraint("file", "follows"),
    CheckConstraint("kind IN ('publish', 'roll_back', 'disk')", name="kind"),
    Index("ix_script_texts_at", "file", "at_ms", "id"),
    sqlite_autoincrement=True,
)
