"""What became of a flow file: its publications, and the texts that went into service from the disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Subquery, case, exists, literal, null, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.flows.publication import How
from ringflow.store.flow_tables import flow_publications, flow_revisions
from ringflow.store.pages import Listing, Page, PageRequest

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


_published = flow_publications.alias("published")
_loaded = flow_revisions.alias("loaded")


def _entries(file: str) -> Subquery:
    """The rows of `HistoryEntry`, and a number that no two of one moment share."""
    published, loaded = _published.c, _loaded.c
    by_an_operator = select(
        published.at_ms,
        published.revision,
        published.app,
        case((published.kind == "publish", How.PUBLISHED.value), else_=How.ROLLED_BACK.value).label("how"),
        published.operator,
        published.note,
        (published.id * 2 + 1).label("number"),
    ).where(published.file == file)
    before = flow_publications.c
    was_published = exists().where(
        before.file == loaded.file,
        before.revision == loaded.revision,
        before.at_ms <= loaded.first_loaded_ms + CLOCKS_APART_MS,
    )
    on_disk = select(
        loaded.first_loaded_ms,
        loaded.revision,
        loaded.app,
        literal(How.ON_DISK.value),
        null(),
        literal(""),
        loaded.id * 2,
    ).where(loaded.file == file, loaded.first_loaded_ms.is_not(None), ~was_published)
    return union_all(by_an_operator, on_disk).subquery("entries")


async def read_history(connection: AsyncConnection, file: str, asked: PageRequest) -> Page[HistoryEntry]:
    """Read a page of a file's entries, the newest first. Raises `Refused`, `WrongCursor`."""
    entries = _entries(file).c
    query = select(entries.at_ms, entries.revision, entries.app, entries.how, entries.operator, entries.note)
    listing = Listing(HISTORY.name, {"at": (entries.at_ms, entries.number)}, HISTORY.first)
    return await listing.page(connection, query, asked, _entry)


HISTORY = Listing("texts of a flow", {"at": (_published.c.at_ms, _published.c.id)}, first="-at")
"""What a page of history is sorted by; its columns are those of a file's own entries."""


def _entry(row: Sequence[Any]) -> HistoryEntry:
    at_ms, revision, app, how, operator, note = row
    return HistoryEntry(at_ms, revision, app, How(how), operator, note)
