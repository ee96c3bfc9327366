"""Indexes by which lists are read in pages, in each order and with each filter that they have."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


_SPENT = "ix_ledger_movements_debit_created"
_OLD: tuple[tuple[str, str, list[Any], dict[str, Any]], ...] = (
    ("ix_dids_customer_id", "dids", ["customer_id"], {}),
    ("ix_clis_customer_id", "clis", ["customer_id"], {}),
    ("ix_cards_batch_id", "cards", ["batch_id"], {}),
    ("ix_cards_customer_id", "cards", ["customer_id"], {}),
    ("ix_cards_redeemed_by", "cards", ["redeemed_by"], _where("redeemed_by IS NOT NULL")),
    ("ix_vouchers_batch", "vouchers", ["batch"], {}),
    ("ix_vouchers_redeemed_by", "vouchers", ["redeemed_by"], {}),
    ("ix_ledger_movements_credit_id", "ledger_movements", ["credit_id"], {}),
    (_SPENT, "ledger_movements", ["debit_id", "created_ms"], {}),
    ("ix_call_records_started_ms", "call_records", ["started_ms"], {}),
    ("ix_call_records_customer", "call_records", ["customer_id", "started_ms"], {}),
    ("ix_call_records_cli", "call_records", ["cli", "started_ms"], {}),
    ("ix_audit_log_at_ms", "audit_log", ["at_ms"], {}),
    ("ix_audit_log_subject", "audit_log", ["subject"], {}),
)
_OF_CALLS = ["started_ms", "call_id"]
_BEGINS = {"postgresql_ops": {"subject": "text_pattern_ops"}}
_EXPIRES = sa.text("coalesce(expires_ms, 9223372036854775807)")
_NEW: tuple[tuple[str, str, list[Any], dict[str, Any]], ...] = (
    ("ix_customers_name", "customers", [sa.text("lower(name)"), "id"], {}),
    ("ix_dids_customer", "dids", ["customer_id", "number"], {}),
    ("ix_dids_app", "dids", ["app", "number"], {}),
    ("ix_clis_customer", "clis", ["customer_id", "id"], {}),
    ("ix_clis_text", "clis", [sa.text("coalesce(number, pattern)"), "id"], {}),
    ("ix_cards_batch", "cards", ["batch_id", "id"], {}),
    ("ix_cards_customer", "cards", ["customer_id", "id"], {}),
    ("ix_cards_status", "cards", ["status", "id"], {}),
    ("ix_cards_archived", "cards", ["id"], _where("archived_ms IS NOT NULL")),
    ("ix_cards_redeemed_by", "cards", ["redeemed_by", "id"], _where("redeemed_by IS NOT NULL")),
    ("ix_cards_expires", "cards", [_EXPIRES, "id"], {}),
    ("ix_cards_redeemed", "cards", [sa.text("coalesce(redeemed_ms, 0)"), "id"], {}),
    ("ix_vouchers_batch", "vouchers", ["batch", "id"], {}),
    ("ix_vouchers_redeemed_by", "vouchers", ["redeemed_by", "id"], {}),
    ("ix_vouchers_status", "vouchers", ["status", "id"], {}),
    ("ix_ledger_movements_debit", "ledger_movements", ["debit_id", "created_ms", "id"], {}),
    ("ix_ledger_movements_credit", "ledger_movements", ["credit_id", "created_ms", "id"], {}),
    ("ix_ledger_movements_created", "ledger_movements", ["created_ms", "id"], {}),
    ("ix_call_records_started", "call_records", _OF_CALLS, {}),
    ("ix_call_records_customer", "call_records", ["customer_id", *_OF_CALLS], {}),
    ("ix_call_records_cli", "call_records", ["cli", *_OF_CALLS], {}),
    ("ix_call_records_did", "call_records", ["did", *_OF_CALLS], {}),
    ("ix_call_records_card", "call_records", ["card_id", *_OF_CALLS], _where("card_id IS NOT NULL")),
    ("ix_audit_log_at", "audit_log", ["at_ms", "id"], {}),
    ("ix_audit_log_operator", "audit_log", ["operator", "at_ms", "id"], {}),
    ("ix_audit_log_subject", "audit_log", ["subject"], _BEGINS),
)


def upgrade() -> None:
    """Make the indexes, each in the place of the one that it goes beyond."""
    for name, table, _, _ in _OLD:
        op.drop_index(name, table)
    for name, table, columns, options in _NEW:
        op.create_index(name, table, columns, **options)


def downgrade() -> None:
    """Make the old ones again."""
    for name, table, _, _ in _NEW:
        op.drop_index(name, table)
    for name, table, columns, options in _OLD:
        op.create_index(name, table, columns, **options)
