"""The tables of jobs: work that the API was asked for and that a server does beside the calls."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from ringflow.store.tables import metadata, partial_index

# `operator` asked for it, as the `principal` (JSON) that it acts as; `needed` is the right for that. `run` is
# the run of the server that does it, and `tries` how often it was begun: both together tell one attempt from
# another. `trace` (JSON) is what an attempt left that somebody must clean up. `result` and `problem` are
# JSON; a file belongs to the job where `file_name` is there. `secret`: the file is fetched once.
jobs = Table(
    "jobs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("operator", Text, nullable=False),
    Column("token", Text),
    Column("principal", Text, nullable=False),
    Column("needed", Text, nullable=False),
    Column("input", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("run", Text),
    Column("tries", Integer, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger),
    Column("trace", Text),
    Column("result", Text),
    Column("problem", Text),
    Column("file_name", Text),
    Column("file_type", Text),
    Column("secret", Integer, nullable=False),
    Column("queued_ms", BigInteger, nullable=False),
    Column("started_ms", BigInteger),
    Column("ended_ms", BigInteger),
    Column("cancel_ms", BigInteger),
    Column("fetched_ms", BigInteger),
    Column("expires_ms", BigInteger),
    CheckConstraint(
        "state IN ('queued', 'running', 'done', 'failed', 'cancelled', 'interrupted')", name="state"
    ),
    CheckConstraint("(state IN ('queued', 'running')) = (ended_ms IS NULL)", name="ended"),
    CheckConstraint("state <> 'running' OR run IS NOT NULL", name="run"),
    CheckConstraint("done >= 0 AND total >= 0 AND tries >= 0", name="figures"),
    Index("ix_jobs_queued", "queued_ms", "id"),
    Index("ix_jobs_operator", "operator", "queued_ms", "id"),
    partial_index("ix_jobs_live", "queued_ms", rows="state IN ('queued', 'running')"),
    partial_index("ix_jobs_expires", "expires_ms", rows="expires_ms IS NOT NULL"),
)

# What a job was given (`part` input) and what it made (output), piece by piece, in base64. `pepper` is the
# version of the one under whose key the piece is sealed; NULL: it is no secret.
job_files = Table(
    "job_files",
    metadata,
    Column("job_id", Text, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("part", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("pepper", Text),
    Column("data", Text, nullable=False),
    PrimaryKeyConstraint("job_id", "part", "number"),
    CheckConstraint("part IN ('input', 'output')", name="part"),
)
