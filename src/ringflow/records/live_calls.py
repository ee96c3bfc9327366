"""The calls in progress on all servers of a database, as their drafts say."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
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
    servers = ledger_servers.c
    query = (
        select(call_drafts.c.facts)
        .join(ledger_servers, servers.id == call_drafts.c.server)
        .where(servers.ended_ms.is_(None), servers.seen_ms >= now_ms - silent_ms)
    )
    return await LIVE_CALLS.page(connection, query, asked, lambda row: _summary(CallRows.from_json(row[0])))


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
