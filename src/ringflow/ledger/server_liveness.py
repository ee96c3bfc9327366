"""Which servers live: each says so every few seconds, and is dead once it has not for long enough.

A run of a server that said that it is over is dead at once. Other servers end what a dead one left behind:
see `abandoned.py`.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.store import DirectConnection
from ringflow.store.statement import Statement

SEEN_MS = "CASE WHEN s.ended_ms IS NULL THEN s.seen_ms ELSE 0 END"
"""SQL: when the run `s` of `ledger_servers` was last seen; a run that is over was never seen."""

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


async def see_server(connection: AsyncConnection | DirectConnection, server: str, now_ms: int) -> None:
    """Note that a server lives. Do so several times within the silence that counts as its death."""
    await _SEEN.run(connection, id=server, now_ms=now_ms)


async def forget_servers(connection: AsyncConnection, now_ms: int, silent_ms: int) -> None:
    """Forget servers not seen for `silent_ms` of which no hold stands and no call is counted.

    One that lives all the same is known again by its next sign of life; a hold of its own counts until then
    from its beginning.
    """
    await _FORGET.run(connection, seen_ms=now_ms - silent_ms)
