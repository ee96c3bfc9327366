"""Holds read back: one leg's, those that still stand, and those that nobody looks after any more."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.ledger.hold import Hold, HoldState
from ringflow.ledger.hold_requests import HOLD_COLUMNS, HoldRow, read_hold
from ringflow.store import DirectConnection
from ringflow.store.statement import Statement

# When a run of a server was seen last; of one that is known to be over, never.
SEEN_MS = "CASE WHEN s.ended_ms IS NULL THEN s.seen_ms ELSE 0 END"

# A server that never said that it lives counts from the hold's own beginning.
_GONE = f"COALESCE((SELECT {SEEN_MS} FROM ledger_servers AS s WHERE s.id = h.server), h.opened_ms) < :seen_ms"  # noqa: S608
_ABANDONED = f"h.expires_ms < :now_ms OR h.left_ms IS NOT NULL OR {_GONE}"
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
_IS_GONE = Statement(
    f"SELECT 1 FROM ledger_holds AS h WHERE h.leg_id = :leg_id AND {_GONE}",  # noqa: S608
    leg_id="text",
    seen_ms="bigint",
)
_LEAVE = Statement(
    "UPDATE ledger_holds SET left_ms = :now_ms WHERE leg_id = :leg_id AND state = 'held' AND left_ms IS NULL",
    leg_id="text",
    now_ms="bigint",
)
_LEFT_CALLS = Statement(
    "SELECT m.call_id, m.asterisk, m.server, max(COALESCE(s.seen_ms, m.taken_ms)) FROM ledger_marks AS m "  # noqa: S608
    f"LEFT JOIN ledger_servers AS s ON s.id = m.server WHERE COALESCE({SEEN_MS}, m.taken_ms) < :seen_ms "
    "GROUP BY m.call_id, m.asterisk, m.server ORDER BY m.call_id",
    seen_ms="bigint",
)
_SEEN = Statement(
    "INSERT INTO ledger_servers (id, started_ms, seen_ms) VALUES (:id, :now_ms, :now_ms) "
    "ON CONFLICT (id) DO UPDATE SET seen_ms = excluded.seen_ms, ended_ms = NULL",
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


async def is_hold_gone(connection: AsyncConnection, leg_id: str, now_ms: int, silent_ms: int) -> bool:
    """Whether the server of a leg's hold is over, or has not been seen for `silent_ms`."""
    return bool(await _IS_GONE.run(connection, leg_id=leg_id, seen_ms=now_ms - silent_ms))


async def leave_hold(connection: AsyncConnection, leg_id: str, now_ms: int) -> None:
    """Note that the server of a leg lost sight of it, unless the leg has ended."""
    await _LEAVE.run(connection, leg_id=leg_id, now_ms=now_ms)


async def abandoned_holds(connection: AsyncConnection, now_ms: int, silent_ms: int) -> list[Hold]:
    """Holds that nobody looks after: of a server that is over, silent for `silent_ms` or lost sight of the
    leg.

    Those that stand longer than they may are among them.
    """
    rows = await _LEFT.run(connection, now_ms=now_ms, seen_ms=now_ms - silent_ms)
    return [read_hold(HoldRow._make(row)) for row in rows]


@dataclass(frozen=True, slots=True)
class AbandonedCall:
    """A counted call of a server last seen at `seen_ms`. `asterisk`: where it lives, empty if unknown."""

    mark: str
    asterisk: str
    server: str
    seen_ms: int


async def abandoned_calls(connection: AsyncConnection, now_ms: int, silent_ms: int) -> list[AbandonedCall]:
    """Counted calls whose server is over, or has not been seen for `silent_ms`."""
    rows = await _LEFT_CALLS.run(connection, seen_ms=now_ms - silent_ms)
    return [AbandonedCall(*tuple(row)) for row in rows]


async def see_server(connection: AsyncConnection | DirectConnection, server: str, now_ms: int) -> None:
    """Note that a server lives; to be done several times within the silence that counts as its death."""
    await _SEEN.run(connection, id=server, now_ms=now_ms)


async def forget_servers(connection: AsyncConnection, now_ms: int, silent_ms: int) -> None:
    """Forget servers not seen for `silent_ms` of which no hold stands and no call is counted.

    One that lives all the same is known again by its next sign of life; a hold of its own counts until then
    from its beginning.
    """
    await _FORGET.run(connection, seen_ms=now_ms - silent_ms)
