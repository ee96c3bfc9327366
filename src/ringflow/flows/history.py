"""What became of a flow file: its publications, and the texts that went into service from the disk."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.flows.publication import How, publications_of
from ringflow.store.flow_tables import flow_revisions

NEVER_MS = 2**63
CLOCKS_APART_MS = 10_000
"""How far apart the clocks of the machine that publishes a text and of one that serves it may be."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One text of a file. `at_ms`: when it was published, or first put into service (ms since 1970).

    Nobody knows who changed a file on disk: `operator` is None then.
    """

    at_ms: int
    revision: str
    app: str
    how: How
    operator: str | None
    note: str


async def read_history(connection: AsyncConnection, file: str, limit: int) -> list[HistoryEntry]:
    """The newest entries, the newest first."""
    published = await publications_of(connection, file)
    entries = [
        HistoryEntry(one.at_ms, one.revision, one.app, one.how, one.operator, one.note) for one in published
    ]
    revisions = flow_revisions.c
    first_published: dict[str, int] = {one.revision: one.at_ms for one in published}
    rows = await connection.execute(
        select(revisions.first_loaded_ms, revisions.revision, revisions.app)
        .where(revisions.file == file, revisions.first_loaded_ms.is_not(None))
        .order_by(revisions.id.desc())
    )
    entries += [
        HistoryEntry(row.first_loaded_ms, row.revision, row.app, How.ON_DISK, None, "")
        for row in rows
        if row.first_loaded_ms < first_published.get(row.revision, NEVER_MS) - CLOCKS_APART_MS
    ]
    return sorted(entries, key=lambda one: one.at_ms, reverse=True)[:limit]
