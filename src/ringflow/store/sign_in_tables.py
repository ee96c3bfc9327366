"""The tables of operators' sign-in: sessions, devices, recovery codes and links.

Tokens and codes are here only as the SHA-256 of their text, which has 80 random bits or more.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, PrimaryKeyConstraint, Table, Text

from ringflow.store.tables import metadata

# A session that is over has no row: the audit log tells of it.
operator_sessions = Table(
    "operator_sessions",
    metadata,
    # A number is never given twice, so that nobody ends a session that began after they looked.
    Column("id", Integer, primary_key=True),
    Column("operator_id", Integer, ForeignKey("operators.id"), nullable=False, index=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("device", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False, index=True),
    Column("used_ms", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

# Browsers from which an operator has signed in, by the digest of a cookie that outlives the sessions.
operator_devices = Table(
    "operator_devices",
    metadata,
    Column("operator_id", Integer, ForeignKey("operators.id"), nullable=False),
    Column("digest", Text, nullable=False),
    Column("seen_ms", BigInteger, nullable=False, index=True),
    PrimaryKeyConstraint("operator_id", "digest"),
    sqlite_with_rowid=False,
)

# Codes that stand in for the second factor, each once. A code that was used has no row.
recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("operator_id", Integer, ForeignKey("operators.id"), nullable=False),
    Column("digest", Text, nullable=False),
    PrimaryKeyConstraint("operator_id", "digest"),
    sqlite_with_rowid=False,
)

# Links by which somebody sets a password, each once; one that was used has no row. Without an operator it is
# the link of a first start, by which the first operator is made.
operator_links = Table(
    "operator_links",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("operator_id", Integer, ForeignKey("operators.id"), index=True),
    Column("kind", Text, nullable=False),
    Column("digest", Text, nullable=False, unique=True),
    Column("expires_ms", BigInteger, nullable=False, index=True),
)
