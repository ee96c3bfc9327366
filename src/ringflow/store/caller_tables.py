"""What customers say on the telephone beside cards: codes at a number that several share, and passwords.

Only their keyed digests are here, as of PINs; `digits` is how many there are, `set_ms` when it was made.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from ringflow.store.tables import metadata

# A number here is not among `clis`: by itself it identifies nobody.
cli_codes = Table(
    "cli_codes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", Text, nullable=False),
    Column("customer_id", Integer, ForeignKey("customers.id"), nullable=False),
    Column("code_digest", Text, nullable=False),
    Column("pepper", Text, nullable=False),
    Column("digits", Integer, nullable=False),
    Column("notes", Text, nullable=False),
    Column("set_ms", BigInteger, nullable=False),
    UniqueConstraint("number", "code_digest"),
    UniqueConstraint("number", "customer_id"),
    Index("ix_cli_codes_number", "number", "id"),
    Index("ix_cli_codes_customer", "customer_id", "id"),
    sqlite_autoincrement=True,
)

service_passwords = Table(
    "service_passwords",
    metadata,
    Column("customer_id", Integer, ForeignKey("customers.id"), primary_key=True, autoincrement=False),
    Column("password_digest", Text, nullable=False),
    Column("pepper", Text, nullable=False),
    Column("digits", Integer, nullable=False),
    Column("set_ms", BigInteger, nullable=False),
)
