"""Prefixes of rates without the international prefix that some were written with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_INTERNATIONAL_PREFIXES = ("0011", "011", "010", "00")
"""Those that begin with 0, the longest first: 0011 in Australia, 011 in North America, 010 in Japan."""


def upgrade() -> None:
    """Take them off, where the card does not have the rest as a prefix too.

    Calls are rated in E.164 now, where no number begins with 0: a row that stays is one of no call.
    """
    bind = op.get_bind()
    found = bind.execute(sa.text("SELECT DISTINCT card_id, prefix FROM rates ORDER BY card_id, prefix"))
    taken = {(row.card_id, row.prefix) for row in found}
    for card_id, written in sorted(taken):
        before = next((one for one in _INTERNATIONAL_PREFIXES if written.startswith(one)), "")
        prefix = written.removeprefix(before)
        if before and prefix and (card_id, prefix) not in taken:
            taken.add((card_id, prefix))
            update = sa.text("UPDATE rates SET prefix = :prefix WHERE card_id = :card AND prefix = :written")
            bind.execute(update, {"prefix": prefix, "card": card_id, "written": written})


def downgrade() -> None:
    """Leave them: rates written without one served the older version as well."""
