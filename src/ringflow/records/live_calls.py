"""The calls in progress on all servers of a database, as their drafts say."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.records.rows import LOST, CallRows
from ringflow.store.ledger_tables import ledger_servers
from ringflow.store.pages import Listing, Page, PageRequest
from ringflow.store.record_tables import call_drafts

LIVE_CALLS = Listing("calls in progress", {"started": (call_drafts.c.call_id,)}, first="started")
"""IDs of calls grow with the time of their arrival."""


@dataclass(frozen=True, slots=True)
class LiveCallSummary:
    """A call in progress, as it was when it last came to a slot or customer, or a leg began or ended.

    `dialled` and `trunk` are those of the leg that is under way, None while there is none.
    """

    call_id: str
    server: str
    started_ms: int
    did: str
    cli: str | None
    customer_id: int | None
    app: str | None
    slot: str | None
    dialled: str | None
    trunk: str | None


async def live_call_page(
    connection: AsyncConnection, now_ms: int, silent_ms: int, asked: PageRequest
) -> Page[LiveCallSummary]:
    """Read a page of the calls in progress, of servers that were not silent for so long.

    A call has a draft two seconds after its arrival, and only where `records` is configured.
    """
    query = _drafts(now_ms, silent_ms)
    return await LIVE_CALLS.page(connection, query, asked, lambda row: _summary(CallRows.from_json(row[0])))


async def live_revisions(connection: AsyncConnection, app: str, now_ms: int, silent_ms: int) -> Counter[str]:
    """Count the calls that are in an app now, or come back to it from one that it called, by its revision.

    A call keeps the text with which it came to the app. It is counted as soon as `live_call_page` lists it.
    """
    counts: Counter[str] = Counter()
    # Most calls are in other apps, so the database leaves them out before their rows are read.
    query = _drafts(now_ms, silent_ms).where(call_drafts.c.facts.contains(f'"{app}"', autoescape=True))
    async for some in LIVE_CALLS.all_pages(connection, query, lambda row: _texts(CallRows.from_json(row[0]))):
        counts.update(revision for texts in some for name, revision in texts if name == app)
    return counts


def _drafts(now_ms: int, silent_ms: int) -> Select[tuple[str]]:
    servers = ledger_servers.c
    return (
        select(call_drafts.c.facts)
        .join(ledger_servers, servers.id == call_drafts.c.server)
        .where(servers.ended_ms.is_(None), servers.seen_ms >= now_ms - silent_ms)
    )


def _texts(rows: CallRows) -> set[tuple[str, str]]:
    """Return the apps in which a call is, the one that it came to last and those that called it."""
    frames: list[tuple[str, str]] = []
    for visit in rows.slots:
        # A slot says how many apps wait for its own.
        del frames[_number(visit.get("depth")) or 0 :]
        frames.append((str(visit.get("app")), str(visit.get("revision"))))
    return set(frames)


def _summary(rows: CallRows) -> LiveCallSummary:
    call = rows.call
    slot = rows.slots[-1] if rows.slots else {}
    last = rows.legs[-1] if rows.legs else {}
    leg = last if last.get("status") == LOST else {}
    return LiveCallSummary(
        call_id=str(call["call_id"]),
        server=str(call["server"]),
        started_ms=rows.began_ms,
        did=str(call["did"]),
        cli=_text(call.get("cli")),
        customer_id=_number(call.get("customer_id")),
        app=_text(slot.get("app", call.get("app"))),
        slot=_text(slot.get("slot")),
        dialled=_text(leg.get("dialled")),
        trunk=_text(leg.get("trunk")),
    )


def _text(cell: str | int | None) -> str | None:
    return None if cell is None else str(cell)


def _number(cell: str | int | None) -> int | None:
    return cell if isinstance(cell, int) else None
