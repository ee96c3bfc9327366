"""Editions of rate cards: rates that are written beside those in effect, and put in their place at once."""

# ruff: noqa: S608 -- all that is put into SQL here are our own names
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Every card has its own rates so far."""
    for name in ("edition", "edition_of"):
        op.add_column("rate_cards", sa.Column(name, sa.Integer))


def downgrade() -> None:
    """Give each card the rates of its edition, and delete what was being written."""
    hidden = "SELECT id FROM rate_cards WHERE edition_of IS NOT NULL"
    in_effect = "SELECT edition FROM rate_cards WHERE edition IS NOT NULL"
    op.execute(f"DELETE FROM rates WHERE card_id IN ({hidden}) AND card_id NOT IN ({in_effect})")
    op.execute(
        "DELETE FROM rates WHERE card_id IN (SELECT id FROM rate_cards WHERE edition IS NOT NULL "
        "AND edition <> id)"
    )
    op.execute(
        "UPDATE rates SET card_id = (SELECT c.id FROM rate_cards AS c WHERE c.edition = rates.card_id) "
        f"WHERE card_id IN ({in_effect})"
    )
    op.execute("DELETE FROM rate_cards WHERE edition_of IS NOT NULL")
    for name in ("edition", "edition_of"):
        op.drop_column("rate_cards", name)
