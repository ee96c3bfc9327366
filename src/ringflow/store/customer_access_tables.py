"""The tables by which customers and their own programs reach the API: logins, tokens, and call-backs.

No password, no token and no code is here: a password only as its argon2id hash, the others as SHA-256.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
)

from ringflow.store.tables import metadata

# `email` is in small letters.
customer_logins = Table(
    "customer_logins",
    metadata,
    # A number is never given twice: no token of a login that was deleted may pass to another one.
    Column("id", Integer, primary_key=True),
    Column("customer_id", Integer, ForeignKey("customers.id"), nullable=False),
    Column("email", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("password_set_ms", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Index("ix_customer_logins_customer", "customer_id", "id"),
    sqlite_autoincrement=True,
)

# What stays of a sign-in while its secrets are exchanged: a device; or a program that was given a token.
# `ends_ms`: when the last of its secrets expires, NULL: never.
customer_tokens = Table(
    "customer_tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("customer_id", Integer, ForeignKey("customers.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("login_id", Integer, ForeignKey("customer_logins.id"), index=True),
    Column("card_id", Text, ForeignKey("cards.id"), index=True),
    Column("made_by", Text, nullable=False),
    Column("address", Text),
    Column("created_ms", BigInteger, nullable=False),
    Column("ends_ms", BigInteger),
    Column("last_used_ms", BigInteger),
    Column("revoked_ms", BigInteger),
    CheckConstraint("kind IN ('sign_in', 'program')", name="kind"),
    Index("ix_customer_tokens_customer", "customer_id", "id"),
    sqlite_autoincrement=True,
)

# `prefix` is the part of both texts by which the row is found. `used_ms`: when the refresh token was
# exchanged for `next_prefix`; 0: it never may be.
customer_secrets = Table(
    "customer_secrets",
    metadata,
    Column("prefix", Text, primary_key=True),
    Column("token_id", Integer, ForeignKey("customer_tokens.id"), nullable=False, index=True),
    Column("access_digest", Text, nullable=False),
    Column("access_expires_ms", BigInteger),
    Column("refresh_digest", Text),
    Column("refresh_expires_ms", BigInteger),
    Column("used_ms", BigInteger),
    Column("next_prefix", Text),
    CheckConstraint("(refresh_digest IS NULL) = (refresh_expires_ms IS NULL)", name="refresh"),
    sqlite_with_rowid=False,
)

# A number that a customer wants to be known by, and the code that it is called with.
call_backs = Table(
    "call_backs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("customer_id", Integer, ForeignKey("customers.id"), nullable=False),
    Column("number", Text, nullable=False),
    Column("code_digest", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("wrong_codes", Integer, nullable=False),
    Column("asked_ms", BigInteger, nullable=False, index=True),
    Column("expires_ms", BigInteger, nullable=False),
    CheckConstraint(
        "state IN ('calling', 'answered', 'not_answered', 'failed', 'confirmed', 'refused')", name="state"
    ),
    Index("ix_call_backs_customer", "customer_id", "asked_ms"),
    Index("ix_call_backs_number", "number", "asked_ms"),
    sqlite_with_rowid=False,
)
