"""Publications and drafts of flows, what servers have in service, and texts that were never in service."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Keep the revisions, and add the tables."""
    with op.batch_alter_table("flow_revisions") as table:
        table.alter_column("first_loaded_ms", existing_type=sa.BigInteger, nullable=True)
        table.alter_column("loaded_ms", existing_type=sa.BigInteger, nullable=True)
    op.create_index("ix_flow_revisions_app_revision", "flow_revisions", ["app", "revision"])
    op.create_table(
        "flow_publications",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("follows", sa.Integer, nullable=False),
        sa.Column("app", sa.Text, nullable=False),
        sa.Column("revision", sa.Text, nullable=False),
        sa.Column("replaced", sa.Text),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("operator", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("file", "follows"),
        sa.CheckConstraint("kind IN ('publish', 'roll_back')", name="kind"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "flow_drafts",
        sa.Column("file", sa.Text, primary_key=True),
        sa.Column("app", sa.Text, nullable=False),
        sa.Column("revision", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("began_from", sa.Text),
        sa.Column("follows", sa.Integer, nullable=False),
        sa.Column("operator", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "flows_in_service",
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("app", sa.Text, nullable=False),
        sa.Column("revision", sa.Text),
        sa.Column("problem", sa.Text, nullable=False),
        sa.Column("since_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("run", "file"),
    )


def downgrade() -> None:
    """Forget them, and the texts that were never in service."""
    op.drop_table("flows_in_service")
    op.drop_table("flow_drafts")
    op.drop_table("flow_publications")
    op.drop_index("ix_flow_revisions_app_revision", "flow_revisions")
    op.execute("DELETE FROM flow_revisions WHERE loaded_ms IS NULL")
    with op.batch_alter_table("flow_revisions") as table:
        table.alter_column("first_loaded_ms", existing_type=sa.BigInteger, nullable=False)
        table.alter_column("loaded_ms", existing_type=sa.BigInteger, nullable=False)
