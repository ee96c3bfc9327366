"""Holds read back: one leg's, those that still stand, and those that nobody looks after any more."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.ledger.hold import Hold, HoldState
from ringflow.ledger.holding import HOLD_COLUMNS, HoldRow, read_hold
from ringflow.store import DirectConnection
from ringflow.store.statement import Statement

# A server that never said that it lives counts from the hold's own beginning.
_ABANDONED = (
    "h.expires_ms < :now_ms OR COALESCE((SELECT s.seen_ms FROM ledger_servers AS s WHERE s.id = h.server), "
    "h.opened_ms) < :seen_ms"
)
_FIND = Statement(f"SELECT {HOLD_COLUMNS} FROM ledger_holds AS h WHERE h.leg_id = :leg_id", leg_id="text")  # noqa: S608
_STANDING = Statement(
    f"SELECT {HOLD_COLUMNS} FROM ledger_holds AS h WHERE h.state = 'held' ORDER BY h.opened_ms, h.leg_id"  # noqa: S608
)
_OPEN = Statement(
    "SELECT count(*) AS standing, min(h.opened_ms) AS oldest_ms FROM ledger_holds AS h WHERE h.state = 'held'"
)
_LEFT = Statement(
    f"SELECT {HOLD_COLUMNS} FROM ledger_holds AS h WHERE h.state = 'held' AND ({_ABANDONED}) "  # noqa: S608
    "ORDER BY h.opened_ms, h.leg_id",
    now_ms="bigint",
    seen_ms="bigint",
)
_LEFT_CALLS = Statement(
    "SELECT DISTINCT m.call_id FROM ledger_marks AS m LEFT JOIN ledger_servers AS s ON s.id = m.server "
    "WHERE COALESCE(s.seen_ms, m.taken_ms) < :seen_ms ORDER BY m.call_id",
    seen_ms="bigint",
)
_SEEN = Statement(
    "INSERT INTO ledger_servers (id, started_ms, seen_ms) VALUES (:id, :now_ms, :now_ms) "
    "ON CONFLICT (id) DO UPDATE SET seen_ms = excluded.seen_ms",
    id="text",
    now_ms="bigint",
)
# What a server left counts by its row, so that goes last.
_FORGET = Statement(
    "DELETE FROM ledger_servers AS s WHERE s.seen_ms < :seen_ms "
    "AND NOT EXISTS (SELECT 1 FROM ledger_holds AS h WHERE h.server = s.id AND h.state = 'held') "
    "AND NOT EXISTS (SELECT 1 FROM ledger_marks AS m WHERE m.server = s.id)",
    seen_ms="bigint",
)


async def find_hold(connection: AsyncConnection, leg_id: str) -> Hold | None:
    """The leg's hold, ended or not."""
    found = await _FIND.run(connection, leg_id=leg_id)
    return read_hold(HoldRow._make(found[0])) if found else None


async def standing_hold(connection: AsyncConnection, leg_id: str) -> Hold | None:
    """The leg's hold, unless it has ended."""
    found = [HoldRow._make(row) for row in await _FIND.run(connection, leg_id=leg_id)]
    return read_hold(found[0]) if found and found[0].state == HoldState.HELD else None


async def standing_holds(connection: AsyncConnection) -> list[Hold]:
    """All holds that have not ended, the oldest first."""
    return [read_hold(HoldRow._make(row)) for row in await _STANDING.run(connection)]


async def open_holds(connection: AsyncConnection) -> tuple[int, int | None]:
    """How many holds stand, and when the oldest was made, in milliseconds since 1970."""
    found = (await _OPEN.run(connection))[0]
    return found.standing, found.oldest_ms


async def abandoned_holds(connection: AsyncConnection, now_ms: int, silent_ms: int) -> list[Hold]:
    """Holds whose server has not been seen for `silent_ms`, and those that stand longer than they may."""
    rows = await _LEFT.run(connection, now_ms=now_ms, seen_ms=now_ms - silent_ms)
    return [read_hold(HoldRow._make(row)) for row in rows]


async def abandoned_calls(connection: AsyncConnection, now_ms: int, silent_ms: int) -> list[str]:
    """Ids of counted calls whose server has not been seen for `silent_ms`."""
    return [row[0] for row in await _LEFT_CALLS.run(connection, seen_ms=now_ms - silent_ms)]


async def see_server(connection: AsyncConnection | DirectConnection, server: str, now_ms: int) -> None:
    """Note that a server lives; to be done several times within the silence that counts as its death."""
    await _SEEN.run(connection, id=server, now_ms=now_ms)


async def forget_servers(connection: AsyncConnection, now_ms: int, silent_ms: int) -> None:
    """Forget servers not seen for `silent_ms` of which no hold stands and no call is counted.

    One that lives all the same is known again by its next sign of life; a hold of its own counts until then
    from its beginning.
    """
    await _FORGET.run(connection, seen_ms=now_ms - silent_ms)
