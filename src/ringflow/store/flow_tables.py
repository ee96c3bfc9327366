"""The tables of flows: every text that was in service or published, publications, drafts, what servers run.

`file` is a name within the folder of flows; `revision` is the short hash of a text, which
records of calls have.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from ringflow.store.tables import metadata

# `loaded_ms`: when a server last put the text into service; of one file the newest is the last good one. Both
# times are NULL for a text that was published, or replaced on disk, and never in service.
flow_revisions = Table(
    "flow_revisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("file", Text, nullable=False),
    Column("app", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("first_loaded_ms", BigInteger),
    Column("loaded_ms", BigInteger),
    UniqueConstraint("file", "revision"),
    Index("ix_flow_revisions_app_revision", "app", "revision"),
)

# Rows are never changed. `follows` is the id of the publication of the same file before this one, 0 for the
# first: two writers who saw the same one cannot both publish. `replaced` is the text that stood in the file,
# NULL where there was none. A database that was restored gives an id a second time, and never a `key`.
flow_publications = Table(
    "flow_publications",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("file", Text, nullable=False),
    Column("follows", Integer, nullable=False),
    Column("app", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("replaced", Text),
    Column("kind", Text, nullable=False),
    Column("operator", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    UniqueConstraint("file", "follows"),
    CheckConstraint("kind IN ('publish', 'roll_back')", name="kind"),
    sqlite_autoincrement=True,
)

# One draft for each file. `began_from` is the text of the file that it began from, NULL for a new file;
# `follows` the newest publication of the file then, 0 where there was none.
flow_drafts = Table(
    "flow_drafts",
    metadata,
    Column("file", Text, primary_key=True),
    Column("app", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("began_from", Text),
    Column("follows", Integer, nullable=False),
    Column("operator", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
)

# What each run of a server has in service. `problem`: why the file's published text is not, if it is not.
flows_in_service = Table(
    "flows_in_service",
    metadata,
    Column("run", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("app", Text, nullable=False),
    Column("revision", Text),
    Column("problem", Text, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("run", "file"),
)
