"""Indexes by which the filters of lists find few rows among many, in the order of the list."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


_OF_CALLS = ["started_ms", "call_id"]
_BOOKED = ["created_ms", "id"]
_NEW: tuple[tuple[str, str, list[str], dict[str, Any]], ...] = (
    ("ix_customers_status", "customers", ["status", "id"], {}),
    ("ix_customers_currency", "customers", ["currency", "id"], {}),
    ("ix_dids_disabled", "dids", ["number"], _where("NOT enabled")),
    ("ix_clis_patterns", "clis", ["id"], _where("pattern IS NOT NULL")),
    ("ix_vouchers_kind", "vouchers", ["kind", "id"], {}),
    ("ix_ledger_movements_kind", "ledger_movements", ["kind", *_BOOKED], _where("kind <> 'charge'")),
    ("ix_ledger_movements_operator", "ledger_movements", ["operator", *_BOOKED], _where("operator <> ''")),
    ("ix_call_records_app", "call_records", ["app", *_OF_CALLS], {}),
    ("ix_call_records_outcome", "call_records", ["outcome", *_OF_CALLS], {}),
    ("ix_audit_log_verb", "audit_log", ["verb", "at_ms", "id"], {}),
)


def upgrade() -> None:
    """Add the indexes."""
    for name, table, columns, options in _NEW:
        op.create_index(name, table, columns, **options)


def downgrade() -> None:
    """Take them away."""
    for name, table, _, _ in _NEW:
        op.drop_index(name, table)
