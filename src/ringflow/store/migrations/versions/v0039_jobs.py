"""Jobs: work that the API was asked for, and the files of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

_LIVE = "state IN ('queued', 'running')"
_EXPIRING = "expires_ms IS NOT NULL"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "jobs",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("operator", sa.Text, nullable=False),
        sa.Column("token", sa.Text),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("needed", sa.Text, nullable=False),
        sa.Column("input", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("run", sa.Text),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("done", sa.BigInteger, nullable=False),
        sa.Column("total", sa.BigInteger),
        sa.Column("trace", sa.Text),
        sa.Column("result", sa.Text),
        sa.Column("problem", sa.Text),
        sa.Column("file_name", sa.Text),
        sa.Column("file_type", sa.Text),
        sa.Column("secret", sa.Integer, nullable=False),
        sa.Column("queued_ms", sa.BigInteger, nullable=False),
        sa.Column("started_ms", sa.BigInteger),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("cancel_ms", sa.BigInteger),
        sa.Column("fetched_ms", sa.BigInteger),
        sa.Column("expires_ms", sa.BigInteger),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'failed', 'cancelled', 'interrupted')",
            name="state",
        ),
        sa.CheckConstraint(f"({_LIVE}) = (ended_ms IS NULL)", name="ended"),
        sa.CheckConstraint("state <> 'running' OR run IS NOT NULL", name="run"),
        sa.CheckConstraint("done >= 0 AND total >= 0 AND tries >= 0", name="figures"),
    )
    op.create_index("ix_jobs_queued", "jobs", ["queued_ms", "id"])
    op.create_index("ix_jobs_operator", "jobs", ["operator", "queued_ms", "id"])
    live, expiring = sa.text(_LIVE), sa.text(_EXPIRING)
    op.create_index("ix_jobs_live", "jobs", ["queued_ms"], sqlite_where=live, postgresql_where=live)
    op.create_index(
        "ix_jobs_expires", "jobs", ["expires_ms"], sqlite_where=expiring, postgresql_where=expiring
    )
    op.create_table(
        "job_files",
        sa.Column("job_id", sa.Text, nullable=False),
        sa.Column("part", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("pepper", sa.Text),
        sa.Column("data", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("job_id", "part", "number"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_job_files_job_id", ondelete="CASCADE"),
        sa.CheckConstraint("part IN ('input', 'output')", name="part"),
    )


def downgrade() -> None:
    """Take them away."""
    op.drop_table("job_files")
    op.drop_table("jobs")
