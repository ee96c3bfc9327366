"""Wrong PINs are held against other subjects: what was counted before, and the index of sources, go."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forget the failures of the older rules; no rule asks any more which cards a source has opened."""
    op.execute("DELETE FROM lockouts")
    op.drop_index("ix_card_sources_source", "card_sources")


def downgrade() -> None:
    """Forget the failures of these rules, and create the index."""
    op.execute("DELETE FROM lockouts")
    op.create_index("ix_card_sources_source", "card_sources", ["source"])
