"""Records read back: pages of the calls that a filter lets through, and one call with all its parts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.calls.outcome import NEVER_DIALLED, LegStatus, Outcome
from ringflow.errors import Unknown
from ringflow.plain_text import plain
from ringflow.records.legs import RecordedLeg, read_legs
from ringflow.store import Store
from ringflow.store.conditions import begins_with, equal
from ringflow.store.ledger_tables import ledger_holds
from ringflow.store.page_filters import Filters, OwnIndex, since_until
from ringflow.store.pages import Listing, Page, PageRequest
from ringflow.store.record_tables import call_legs, call_records, call_slots

PAGE = 500

LOOKED_THROUGH = 2000
"""So many calls are looked through for a page at most, each with its legs where a filter is of these."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which calls are wanted; None lets all through. Times are milliseconds since 1970, `until_ms` excluded.

    `search`: the call's ID, or the number that called or was called. `trunk`, `number` (the beginning of what
    was dialled) and `status` ask for a leg that fits all of them. `refused`: the call was rejected before
    answer, or Ringflow did not dial a leg of it. `unpaid`: a part of a leg's charge could not be taken.
    """

    since_ms: int | None = None
    until_ms: int | None = None
    did: str | None = None
    cli: str | None = None
    customer: int | None = None
    card: str | None = None
    app: str | None = None
    outcome: str | None = None
    trunk: str | None = None
    number: str | None = None
    status: LegStatus | None = None
    refused: bool = False
    unpaid: bool = False
    search: str | None = None


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A call as it is kept; the fields are those of the table `call_records`."""

    call_id: str
    server: str
    started_ms: int
    duration_ms: int
    did: str
    cli: str | None
    app: str | None
    revision: str | None
    card_id: str | None
    customer_id: int | None
    outcome: str
    reason: str
    reject_sip: int | None
    release_cause: int | None
    released_by: str | None
    asterisk: str | None
    legs: tuple[RecordedLeg, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordedSlot:
    """A slot that a call passed through; `keys` has a word for each time digits were taken.

    `depth`: how many apps waited for the slot's app, each having called the next. `revision`: which text of
    the app it was; None in records of earlier versions.
    """

    position: int
    app: str
    slot: str
    type: str
    entered_ms: int
    exit: str | None
    keys: str
    depth: int
    revision: str | None


_COLUMNS = tuple(call_records.c[name] for name in RecordedCall.__slots__ if name != "legs")
_SLOT_COLUMNS = (
    *(call_slots.c[name] for name in RecordedSlot.__slots__ if name not in ("depth", "revision")),
    func.coalesce(call_slots.c.depth, 0),
    call_slots.c.revision,
)


CALLS = Listing(
    "calls",
    {"started": (call_records.c.started_ms, call_records.c.call_id)},
    first="-started",
    reach=LOOKED_THROUGH,
)


async def call_page(connection: AsyncConnection, wanted: Filter, asked: PageRequest) -> Page[RecordedCall]:
    """Read a page of calls, with their legs."""
    page = await CALLS.page(connection, _queries(wanted), asked, _call, _filters(wanted))
    return replace(page, items=await _with_legs(connection, page.items))


async def is_outcome_of_a_call(connection: AsyncConnection, outcome: str) -> bool:
    """Return whether any call on record ended so. Reads every record if none did."""
    query = select(call_records.c.call_id).where(call_records.c.outcome == outcome).limit(1)
    return (await connection.execute(query)).first() is not None


async def find_call(connection: AsyncConnection, call_id: str) -> tuple[RecordedCall, list[RecordedSlot]]:
    """One call. Raises `Refused` when no record has this id."""
    rows = await connection.execute(select(*_COLUMNS).where(call_records.c.call_id == call_id))
    found = await _with_legs(connection, [_call(row) for row in rows])
    if not found:
        raise Unknown("call.unknown", f"call {plain(call_id)} is not on record", call=call_id)
    slots = await read_slots(connection, [call_id])
    return found[0], slots.get(call_id, [])


async def is_on_record(connection: AsyncConnection, call_id: str) -> bool:
    """Whether a call has its record, and so is over."""
    query = select(call_records.c.call_id).where(call_records.c.call_id == call_id)
    return (await connection.execute(query)).first() is not None


async def read_slots(connection: AsyncConnection, call_ids: Sequence[str]) -> dict[str, list[RecordedSlot]]:
    """The slots that these calls went through, in order, by the call's id."""
    slots = call_slots.c
    query = select(slots.call_id, *_SLOT_COLUMNS).where(slots.call_id.in_(call_ids))
    found: dict[str, list[RecordedSlot]] = {}
    for call_id, *row in await connection.execute(query.order_by(slots.call_id, slots.position)):
        found.setdefault(call_id, []).append(RecordedSlot(*row))
    return found


async def every_call(store: Store, wanted: Filter) -> AsyncIterator[Sequence[RecordedCall]]:
    """Read all calls, the oldest first, page by page: any number of them takes no more memory than a page.

    Calls that end meanwhile may be among them; none comes twice. Each page has a connection of its own.
    """
    after = None
    while True:
        async with store.reading() as connection:
            page = await call_page(connection, wanted, PageRequest(PAGE, after, "started"))
        if page.items:
            yield page.items
        after = page.next
        if after is None:
            return


def _call(row: Sequence[Any]) -> RecordedCall:
    return RecordedCall(*row)


async def _with_legs(connection: AsyncConnection, calls: Sequence[RecordedCall]) -> list[RecordedCall]:
    legs = await read_legs(connection, [call.call_id for call in calls])
    return [replace(call, legs=tuple(legs.get(call.call_id, ()))) for call in calls]


def _has_leg(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    # Not as EXISTS: PostgreSQL may read all legs that fit, of a million, to find which calls they are of.
    found = select(literal(1)).where(call_legs.c.call_id == call_records.c.call_id, *conditions).limit(1)
    return found.correlate(call_records).scalar_subquery().is_not(None)


def _queries(wanted: Filter) -> Sequence[Select[Any]]:
    """Return the query for all calls, or those for what a search may name, each of which an index answers."""
    query = select(*_COLUMNS)
    if wanted.search is None:
        return [query]
    call_id, did, cli = (call_records.c[name] == wanted.search for name in ("call_id", "did", "cli"))
    return [query.where(call_id), query.where(did), query.where(cli, call_records.c.did != wanted.search)]


def _filters(wanted: Filter) -> Filters:
    records = call_records.c
    own = (
        (records.card_id, wanted.card),
        (records.cli, wanted.cli),
        (records.customer_id, wanted.customer),
        (records.did, wanted.did),
        (records.outcome, wanted.outcome),
        (records.app, wanted.app),
    )
    tried: list[ColumnElement[bool]] = []
    few = []
    of_leg: list[ColumnElement[bool]] = []
    if wanted.trunk is not None:
        of_leg.append(call_legs.c.trunk == wanted.trunk)
    if wanted.status is not None:
        of_leg.append(call_legs.c.status == wanted.status.value)
    if wanted.number is not None:
        of_leg.append(begins_with(call_legs.c.dialled, wanted.number))
        few.append(OwnIndex(records.call_id, select(call_legs.c.call_id).where(of_leg[-1])))
    if of_leg:
        tried.append(_has_leg(*of_leg))
    if wanted.refused:
        not_dialled = _has_leg(call_legs.c.status.in_(sorted(NEVER_DIALLED)))
        tried.append(or_(records.outcome == Outcome.REJECTED.value, not_dialled))
    if wanted.unpaid:
        holds = ledger_holds.c
        tried.append(_has_leg(holds.leg_id == call_legs.c.leg_id, holds.uncollected_micros > 0))
    period = since_until(records.started_ms, wanted.since_ms, wanted.until_ms)
    if wanted.search is not None:
        return Filters(tried=[*equal(own), *tried], between=period)
    return Filters(own, tried, few, between=period)
