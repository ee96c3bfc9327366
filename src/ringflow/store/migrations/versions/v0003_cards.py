"""Cards and vouchers: batches, cards, the callers known to them, and the failures that lock callers out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _create_batches()
    _create_cards()
    _create_vouchers()


def downgrade() -> None:
    """Drop them."""
    for name in ("vouchers", "lockouts", "card_sources", "cards", "card_batches"):
        op.drop_table(name)


def _create_batches() -> None:
    op.create_table(
        "card_batches",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("customer_id", sa.Integer, sa.ForeignKey("customers.id"), nullable=False, index=True),
        sa.Column("credit_micros", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("pin_length", sa.Integer, nullable=False),
        sa.Column("pin_only", sa.Boolean, nullable=False),
        sa.Column("top_up", sa.Text, nullable=False),
        sa.Column("expires_ms", sa.BigInteger),
        sa.Column("operator", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("ready_ms", sa.BigInteger),
        sa.CheckConstraint("credit_micros BETWEEN 0 AND 1000000000000000", name="credit"),
        sa.CheckConstraint("count >= 1", name="count"),
        sa.CheckConstraint("status IN ('available', 'disabled')", name="status"),
        sa.CheckConstraint("pin_length BETWEEN 4 AND 12", name="pin_length"),
        sa.CheckConstraint("top_up IN ('same', 'anyone')", name="top_up"),
        sqlite_autoincrement=True,
    )


def _create_cards() -> None:
    op.create_table(
        "cards",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("batch_id", sa.Integer, sa.ForeignKey("card_batches.id"), nullable=False, index=True),
        sa.Column("customer_id", sa.Integer, sa.ForeignKey("customers.id"), nullable=False, index=True),
        sa.Column("credit_micros", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("pin_digest", sa.Text),
        sa.Column("pin_only_digest", sa.Text),
        sa.Column("pepper", sa.Text, nullable=False),
        sa.Column("expires_ms", sa.BigInteger),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("archived_ms", sa.BigInteger),
        sa.Column("redeemed_by", sa.Integer, sa.ForeignKey("customers.id")),
        sa.Column("redeemed_as", sa.Text),
        sa.Column("redeemed_ms", sa.BigInteger),
        sa.CheckConstraint("length(id) = 12", name="id"),
        sa.CheckConstraint("credit_micros BETWEEN 0 AND 1000000000000000", name="credit"),
        sa.CheckConstraint("status IN ('available', 'used', 'disabled')", name="status"),
        sa.CheckConstraint("redeemed_as IN ('account', 'top_up')", name="redeemed_as"),
        sa.CheckConstraint(
            "(redeemed_by IS NULL) = (redeemed_ms IS NULL) AND (redeemed_by IS NULL) = (redeemed_as IS NULL)",
            name="redeemed",
        ),
        sa.CheckConstraint(
            "status = 'disabled' OR (status = 'used') = (redeemed_by IS NOT NULL)", name="status_redeemed"
        ),
        sa.CheckConstraint("pin_digest IS NULL OR pin_only_digest IS NULL", name="digest"),
    )
    for name, column, unique in (
        ("ix_cards_redeemed_by", "redeemed_by", False),
        ("ix_cards_pin_only", "pin_only_digest", True),
    ):
        there = sa.text(f"{column} IS NOT NULL")
        op.create_index(name, "cards", [column], unique=unique, sqlite_where=there, postgresql_where=there)
    op.create_table(
        "card_sources",
        sa.Column("card_id", sa.Text, sa.ForeignKey("cards.id"), primary_key=True),
        sa.Column("source", sa.Text, primary_key=True, index=True),
        sa.Column("seen_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "lockouts",
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("failed_ms", sa.BigInteger, nullable=False),
        sa.Column("clear_ms", sa.BigInteger, nullable=False, index=True),
        sa.CheckConstraint("clear_ms > failed_ms", name="times"),
    )


def _create_vouchers() -> None:
    op.create_table(
        "vouchers",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("batch", sa.Text, nullable=False, index=True),
        sa.Column("code_digest", sa.Text, nullable=False, unique=True),
        sa.Column("pepper", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("value_micros", sa.BigInteger),
        sa.Column("multiplier_millionths", sa.BigInteger),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("minimum_micros", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("expires_ms", sa.BigInteger),
        sa.Column("operator", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("redeemed_by", sa.Integer, sa.ForeignKey("customers.id"), index=True),
        sa.Column("redeemed_ms", sa.BigInteger),
        sa.Column("redeemed_micros", sa.BigInteger),
        sa.CheckConstraint("kind IN ('value', 'multiplier', 'addition')", name="kind"),
        sa.CheckConstraint("(kind = 'multiplier') = (multiplier_millionths IS NOT NULL)", name="multiplier"),
        sa.CheckConstraint("(kind = 'multiplier') = (value_micros IS NULL)", name="value"),
        sa.CheckConstraint("value_micros BETWEEN 1 AND 1000000000000000", name="value_range"),
        sa.CheckConstraint("multiplier_millionths BETWEEN 1000001 AND 10000000", name="multiplier_range"),
        sa.CheckConstraint("minimum_micros BETWEEN 0 AND 1000000000000000", name="minimum"),
        sa.CheckConstraint("status IN ('available', 'used', 'disabled')", name="status"),
        sa.CheckConstraint(
            "(status = 'used') = (redeemed_by IS NOT NULL) AND (redeemed_by IS NULL) = (redeemed_ms IS NULL) "
            "AND (redeemed_by IS NULL) = (redeemed_micros IS NULL)",
            name="redeemed",
        ),
        sqlite_autoincrement=True,
    )
