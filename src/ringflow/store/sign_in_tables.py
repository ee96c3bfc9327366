"""The tables of operators' sign-in: sessions, devices, recovery codes, links and passkeys.

Tokens and codes are here only as the SHA-256 of their text, which has 80 random bits or more.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
)

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
    # The passkey that it was begun with; NULL: it was a password.
    Column("passkey_id", Integer),
    sqlite_autoincrement=True,
)

# The public keys with which operators sign in (WebAuthn). The key is COSE, the ID base64url.
operator_passkeys = Table(
    "operator_passkeys",
    metadata,
    # A number is never given twice: it is in the audit log, and sessions name it.
    Column("id", Integer, primary_key=True),
    Column("operator_id", Integer, ForeignKey("operators.id"), nullable=False),
    Column("credential_id", Text, nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("synced", Boolean, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("used_ms", BigInteger),
    Index("ix_operator_passkeys_operator_id", "operator_id", "id"),
    sqlite_autoincrement=True,
)

# What authenticators were asked and have not answered, each once. Without an operator: to sign in.
passkey_challenges = Table(
    "passkey_challenges",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("operator_id", Integer),
    Column("expires_ms", BigInteger, nullable=False, index=True),
    sqlite_with_rowid=False,
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
