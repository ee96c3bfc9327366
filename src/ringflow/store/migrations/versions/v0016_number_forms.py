"""The form of numbers on a trunk and on record, and what a withheld number does at a DID."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_FORMS = "'e164', '+e164', '00', 'national'"
_ADDED = (
    ("trunks", "number_form", "TEXT NOT NULL DEFAULT 'e164'", f"IN ({_FORMS})"),
    ("trunks", "number_prefix", "TEXT NOT NULL DEFAULT ''", ""),
    ("trunks", "caller_id_form", "TEXT", f"IN ({_FORMS})"),
    ("trunks", "caller_id_prefix", "TEXT NOT NULL DEFAULT ''", ""),
    ("trunks", "as_keyed", "JSON NOT NULL DEFAULT '[]'", ""),
    ("dids", "withheld", "TEXT NOT NULL DEFAULT 'identify'", "IN ('reject', 'identify')"),
)
_OF_LEGS: dict[str, sa.Text | sa.Boolean] = {
    "keyed": sa.Text(),
    "sent": sa.Text(),
    "as_keyed": sa.Boolean(),
}


def upgrade() -> None:
    """Add the columns; of legs recorded before nobody knows what was keyed."""
    for table, name, kind, check in _ADDED:
        # SQLite adds a check to a table only together with its column.
        constraint = f" CONSTRAINT ck_{table}_{name} CHECK ({name} {check})" if check else ""
        op.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}{constraint}")
    for name, of_type in _OF_LEGS.items():
        op.add_column("call_legs", sa.Column(name, of_type))


def downgrade() -> None:
    """Drop them."""
    for name in _OF_LEGS:
        op.drop_column("call_legs", name)
    for table, name, _, check in reversed(_ADDED):
        if check and op.get_bind().dialect.name != "sqlite":
            op.drop_constraint(f"ck_{table}_{name}", table)
        op.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
