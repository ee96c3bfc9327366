"""The table of what scripts keep from one call to another."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text

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
