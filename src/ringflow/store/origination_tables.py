"""The table of originations: calls that Ringflow has Asterisk make, until the call records have them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Integer, Table, Text

from ringflow.store.tables import metadata

# `token_digest`: the SHA-256 of what a channel of Asterisk shows to be one of the call's two ends.
# `expires_ms`: until then it may begin to dial. `app_call_id`: the call in which who answered is in an app.
# `outcome`: what became of the dialling, NULL while it goes on.
originations = Table(
    "originations",
    metadata,
    Column("call_id", Text, primary_key=True),
    Column("token_digest", Text, nullable=False, unique=True),
    Column("customer_id", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("trunk", Text),
    Column("caller_id", Text),
    Column("ring_s", Integer, nullable=False),
    Column("charged", Boolean, nullable=False),
    Column("app", Text),
    Column("did", Text),
    Column("variables", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_ms", BigInteger, nullable=False, index=True),
    Column("expires_ms", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("app_call_id", Text),
    Column("outcome", Text),
    CheckConstraint("kind IN ('number', 'uri', 'device')", name="kind"),
    CheckConstraint("state IN ('asked', 'dialling', 'ended', 'failed')", name="state"),
    sqlite_with_rowid=False,
)
