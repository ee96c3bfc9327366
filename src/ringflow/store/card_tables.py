"""The tables of cards and vouchers, and of the failures that lock callers out.

No PIN and no code is here: only their keyed digests, whose pepper is outside the database. Amounts are
micro-units of the row's currency. A card without a digest is one whose PIN was forgotten on purpose.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    func,
    literal_column,
)

from ringflow.money import MAX_AMOUNT_MICROS
from ringflow.store.tables import metadata, partial_index

_CREDIT = f"BETWEEN 0 AND {MAX_AMOUNT_MICROS}"


# `ready_ms`: NULL until every card of the batch is made; before that none of them opens anything.
card_batches = Table(
    "card_batches",
    metadata,
    # A number is never given twice: a command whose batch was taken away must not go on in another one.
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("customer_id", Integer, ForeignKey("customers.id"), nullable=False, index=True),
    Column("credit_micros", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("pin_length", Integer, nullable=False),
    Column("pin_only", Boolean, nullable=False),
    Column("top_up", Text, nullable=False),
    Column("expires_ms", BigInteger),
    Column("operator", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("ready_ms", BigInteger),
    CheckConstraint(f"credit_micros {_CREDIT}", name="credit"),
    CheckConstraint("count >= 1", name="count"),
    CheckConstraint("status IN ('available', 'disabled')", name="status"),
    CheckConstraint("pin_length BETWEEN 4 AND 12", name="pin_length"),
    CheckConstraint("top_up IN ('same', 'anyone')", name="top_up"),
    sqlite_autoincrement=True,
)

# A card opens by its ID with the PIN of `pin_digest`, or by the PIN of `pin_only_digest` alone: only the
# latter are found by an index. `customer_id` is the template; `redeemed_by` got the credit: a customer made
# for the card (`redeemed_as` account), or one that was there (top_up).
cards = Table(
    "cards",
    metadata,
    Column("id", Text, primary_key=True),
    Column("batch_id", Integer, ForeignKey("card_batches.id"), nullable=False),
    Column("customer_id", Integer, ForeignKey("customers.id"), nullable=False),
    Column("credit_micros", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("pin_digest", Text),
    Column("pin_only_digest", Text),
    Column("pepper", Text, nullable=False),
    Column("expires_ms", BigInteger),
    Column("created_ms", BigInteger, nullable=False),
    Column("archived_ms", BigInteger),
    Column("redeemed_by", Integer, ForeignKey("customers.id")),
    Column("redeemed_as", Text),
    Column("redeemed_ms", BigInteger),
    CheckConstraint("length(id) = 12", name="id"),
    CheckConstraint(f"credit_micros {_CREDIT}", name="credit"),
    CheckConstraint("status IN ('available', 'used', 'disabled')", name="status"),
    CheckConstraint("redeemed_as IN ('account', 'top_up')", name="redeemed_as"),
    CheckConstraint(
        "(redeemed_by IS NULL) = (redeemed_ms IS NULL) AND (redeemed_by IS NULL) = (redeemed_as IS NULL)",
        name="redeemed",
    ),
    CheckConstraint(
        "status = 'disabled' OR (status = 'used') = (redeemed_by IS NOT NULL)", name="status_redeemed"
    ),
    CheckConstraint("pin_digest IS NULL OR pin_only_digest IS NULL", name="digest"),
    Index("ix_cards_batch", "batch_id", "id"),
    Index("ix_cards_customer", "customer_id", "id"),
    Index("ix_cards_status", "status", "id"),
    partial_index("ix_cards_archived", "id", rows="archived_ms IS NOT NULL"),
    partial_index("ix_cards_redeemed_by", "redeemed_by", "id", rows="redeemed_by IS NOT NULL"),
    partial_index("ix_cards_pin_only", "pin_only_digest", rows="pin_only_digest IS NOT NULL", unique=True),
)

NEVER_MS = 2**63 - 1
"""When a card that is good for ever expires, for those who sort by it."""

# By these cards are listed in the order in which they expire, and were redeemed.
cards_by_expiry = Index(
    "ix_cards_expires", func.coalesce(cards.c.expires_ms, literal_column(str(NEVER_MS))), cards.c.id
)
cards_by_redemption = Index(
    "ix_cards_redeemed", func.coalesce(cards.c.redeemed_ms, literal_column("0")), cards.c.id
)

# From which callers (`trunk/CLI`) a card was opened: they are known to it.
card_sources = Table(
    "card_sources",
    metadata,
    Column("card_id", Text, ForeignKey("cards.id"), primary_key=True),
    Column("source", Text, primary_key=True),
    Column("seen_ms", BigInteger, nullable=False),
)

# One row for each subject that failed lately. `clear_ms - failed_ms` is how much stood against it when it
# last failed; at `clear_ms` all of it is forgotten.
lockouts = Table(
    "lockouts",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("failed_ms", BigInteger, nullable=False),
    Column("clear_ms", BigInteger, nullable=False, index=True),
    CheckConstraint("clear_ms > failed_ms", name="times"),
)

vouchers = Table(
    "vouchers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("batch", Text, nullable=False),
    Column("code_digest", Text, nullable=False, unique=True),
    Column("pepper", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("value_micros", BigInteger),
    Column("multiplier_millionths", BigInteger),
    Column("currency", Text, nullable=False),
    Column("minimum_micros", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("expires_ms", BigInteger),
    Column("operator", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("redeemed_by", Integer, ForeignKey("customers.id")),
    Column("redeemed_ms", BigInteger),
    Column("redeemed_micros", BigInteger),
    CheckConstraint("kind IN ('value', 'multiplier', 'addition')", name="kind"),
    CheckConstraint("(kind = 'multiplier') = (multiplier_millionths IS NOT NULL)", name="multiplier"),
    CheckConstraint("(kind = 'multiplier') = (value_micros IS NULL)", name="value"),
    CheckConstraint(f"value_micros BETWEEN 1 AND {MAX_AMOUNT_MICROS}", name="value_range"),
    CheckConstraint("multiplier_millionths BETWEEN 1000001 AND 10000000", name="multiplier_range"),
    CheckConstraint(f"minimum_micros {_CREDIT}", name="minimum"),
    CheckConstraint("status IN ('available', 'used', 'disabled')", name="status"),
    CheckConstraint(
        "(status = 'used') = (redeemed_by IS NOT NULL) AND (redeemed_by IS NULL) = (redeemed_ms IS NULL) "
        "AND (redeemed_by IS NULL) = (redeemed_micros IS NULL)",
        name="redeemed",
    ),
    Index("ix_vouchers_batch", "batch", "id"),
    Index("ix_vouchers_redeemed_by", "redeemed_by", "id"),
    Index("ix_vouchers_status", "status", "id"),
    Index("ix_vouchers_kind", "kind", "id"),
    sqlite_autoincrement=True,
)
