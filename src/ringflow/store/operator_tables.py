"""The tables of operators, their roles and their API tokens.

No password and no token is here: a password only as its argon2id hash, a token only as the SHA-256 of its
text, which has 256 random bits. The secret of a second factor is here as it is: the server computes with it.
Rights are JSON lists of the names in `ringflow.rights`.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    Table,
    Text,
)

from ringflow.store.tables import metadata, partial_index

# Roles that operators have made; those that are always there are in `ringflow.rights`.
roles = Table(
    "roles",
    metadata,
    Column("name", Text, primary_key=True),
    Column("rights", JSON, nullable=False),
    Column("notes", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
)

# Without a password nobody logs in: such an operator is a program that acts by its tokens.
operators = Table(
    "operators",
    metadata,
    # A number is never given twice: nothing of an operator may pass to another one.
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False, index=True),
    Column("enabled", Boolean, nullable=False),
    Column("notes", Text, nullable=False),
    Column("password_hash", Text),
    Column("password_set_ms", BigInteger),
    Column("created_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    # Where links by which it sets its password are sent.
    Column("email", Text),
    # The second factor (RFC 6238): its secret in base32, since when a sign-in needs it (NULL: it is not
    # confirmed yet, and no sign-in needs it), and the last time step whose code was used.
    Column("totp_secret", Text),
    Column("second_factor_ms", BigInteger),
    Column("totp_step", BigInteger),
    # When a script last acted as it.
    Column("script_used_ms", BigInteger),
    CheckConstraint("name <> ''", name="name"),
    CheckConstraint("(password_hash IS NULL) = (password_set_ms IS NULL)", name="password"),
    sqlite_autoincrement=True,
)

# `rights` NULL: all that its operator has. Otherwise those of them that the operator has too.
tokens = Table(
    "tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("operator_id", Integer, ForeignKey("operators.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False, unique=True),
    Column("digest", Text, nullable=False),
    Column("role", Text),
    Column("rights", JSON(none_as_null=True)),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger),
    Column("last_used_ms", BigInteger),
    Column("revoked_ms", BigInteger),
    Column("last_used_from", Text),
    CheckConstraint("role IS NULL OR rights IS NULL", name="role_or_rights"),
    # The name of a token that is revoked is free again.
    partial_index(
        "ix_tokens_operator_id_name", "operator_id", "name", rows="revoked_ms IS NULL", unique=True
    ),
    sqlite_autoincrement=True,
)
