"""The table of recordings: a row for each, from before Asterisk begins to write it until its file is gone."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Integer, Table, Text

from ringflow.store.tables import metadata, partial_index

# `id` is the name of the file, 32 hexadecimal digits of chance. `server` has the file, by its name in
# `charging.server`. `status`: `recording` while Asterisk writes it, `kept`, and `deleting` until the server
# that has the file has deleted it. `until_ms`: by then Asterisk has ended it, whatever happens.
# `expires_ms` is NULL where it is kept for ever. Nothing here refers to calls or customers by a foreign key:
# a recording may be kept longer, or shorter, than the record of its call.
recordings = Table(
    "recordings",
    metadata,
    Column("id", Text, primary_key=True),
    Column("call_id", Text, nullable=False),
    Column("server", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("started_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("length_ms", BigInteger),
    Column("bytes", BigInteger, nullable=False),
    Column("did", Text, nullable=False),
    Column("cli", Text),
    Column("customer_id", Integer),
    Column("app", Text, nullable=False),
    Column("slot", Text, nullable=False),
    Column("levelled", Boolean, nullable=False),
    Column("least_ms", Integer, nullable=False),
    Column("expires_ms", BigInteger),
    CheckConstraint("status IN ('recording', 'kept', 'deleting')", name="status"),
    CheckConstraint("bytes >= 0 AND length_ms >= 0", name="figures"),
    Index("ix_recordings_call", "call_id", "started_ms", "id"),
    Index("ix_recordings_started", "started_ms", "id"),
    Index("ix_recordings_customer", "customer_id", "started_ms", "id"),
    Index("ix_recordings_cli", "cli", "started_ms", "id"),
    partial_index("ix_recordings_expires", "expires_ms", rows="expires_ms IS NOT NULL"),
    partial_index("ix_recordings_unfinished", "server", "until_ms", rows="status <> 'kept'"),
    partial_index("ix_recordings_raw", "server", "started_ms", rows="status = 'kept' AND NOT levelled"),
    sqlite_with_rowid=False,
)
