"""Legs that the ledger knows and the records do not: their server was killed, or lost its wire, in mid-call.

Every leg that was charged gets a record in this way, within the time between two looks. It says what the
ledger says: who paid, when, and (read with it) how much; the number and the talk died with the server.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.records.rows import CallRows, lost_rows, read_leg_id
from ringflow.records.writing import write_rows
from ringflow.store import Store
from ringflow.store.ledger_tables import ledger_holds, ledger_marks
from ringflow.store.record_tables import call_legs

SETTLED_FOR_MS = 600_000
"""How long ago a leg must have ended: its server writes the record when the call is over, and not at once."""

AT_ONCE = 500


async def recover_lost(store: Store, since_ms: int, now_ms: int) -> int:
    """Record legs that ended between `since_ms` and ten minutes ago; gives how many. Raises `StoreGone`.

    Calls that are still up are left alone. Any number of servers may do so at the same time.
    """
    recovered, after = 0, (since_ms, "")
    while True:
        async with store.reading() as connection:
            ended = await _ended(connection, after, now_ms - SETTLED_FOR_MS)
            lost = await _lost(connection, ended)
        if lost:
            async with store.writing_directly() as connection:
                await write_rows(connection, lost)
            recovered += len(lost)
        if len(ended) < AT_ONCE:
            return recovered
        after = (ended[-1].ended_ms, ended[-1].leg_id)


async def _ended(connection: AsyncConnection, after: tuple[int, str], before_ms: int) -> Sequence[Row[Any]]:
    holds = ledger_holds.c
    query: Select[Any] = (
        select(holds.leg_id, holds.account_id, holds.server, holds.asterisk, holds.opened_ms, holds.ended_ms)
        # The first condition is what the index is for.
        .where(holds.ended_ms >= after[0], holds.ended_ms < before_ms)
        .where(tuple_(holds.ended_ms, holds.leg_id) > tuple_(*after))
        .order_by(holds.ended_ms, holds.leg_id)
        .limit(AT_ONCE)
    )
    found: Sequence[Row[Any]] = (await connection.execute(query)).all()
    return found


async def _lost(connection: AsyncConnection, ended: Sequence[Row[Any]]) -> list[CallRows]:
    named = [read_leg_id(row.leg_id) for row in ended]
    calls = {one[0] for one in named if one is not None}
    known = await _recorded(connection, calls)
    up = await _up(connection, calls)
    found = [
        lost_rows(row.leg_id, row.account_id, row.server, row.asterisk, row.opened_ms, row.ended_ms)
        for row, one in zip(ended, named, strict=True)
        if one is not None and one not in known and one[0] not in up
    ]
    return [rows for rows in found if rows is not None]


async def _recorded(connection: AsyncConnection, calls: set[str]) -> set[tuple[str, int]]:
    legs = call_legs.c
    query = select(legs.call_id, legs.position).where(legs.call_id.in_(calls))
    return {(row.call_id, row.position) for row in await connection.execute(query)}


async def _up(connection: AsyncConnection, calls: set[str]) -> set[str]:
    """Those of the calls that are counted as up, or have another leg that is."""
    marks = await connection.execute(select(ledger_marks.c.call_id).distinct())
    # A mark is CALL@UNIQUEID of Asterisk's.
    up = {row.call_id.partition("@")[0] for row in marks} & calls
    held = select(ledger_holds.c.leg_id).where(ledger_holds.c.state == "held")
    for row in await connection.execute(held):
        named = read_leg_id(row.leg_id)
        if named is not None and named[0] in calls:
            up.add(named[0])
    return up
