"""Whose turn it is in a call group, on all servers of a database."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.store import Store
from ringflow.store.group_tables import group_turns as table
from ringflow.store.upsert import upsert


class GroupTurns:
    """`now_ms`: milliseconds since 1970. Groups and members are known by names. Methods raise `StoreGone`."""

    def __init__(self, store: Store, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._now_ms = now_ms

    async def take(self, group: str, members: Sequence[str]) -> Sequence[str]:
        """Return the members in a circle, beginning after who was first the last time; keep who is now."""
        async with self._store.writing() as connection:
            turns = await _turns(connection, group)
            latest = max(members, key=lambda one: turns.get(one, 0))
            begins = members.index(latest) + 1 if latest in turns else 0
            order = (*members[begins:], *members[:begins])
            # A clock that was set back must not make an older turn the latest.
            turn_ms = max(self._now_ms(), turns.get(latest, 0) + 1)
            await _keep(connection, group, order[0], turn_ms)
        return order

    async def longest_ago(self, group: str, members: Sequence[str]) -> Sequence[str]:
        """Return the members, those first who answered the longest ago, or never."""
        async with self._store.reading() as connection:
            turns = await _turns(connection, group)
        return sorted(members, key=lambda one: turns.get(one, 0))

    async def answered(self, group: str, member: str) -> None:
        """Keep that a member has answered now."""
        async with self._store.writing() as connection:
            await _keep(connection, group, member, self._now_ms())


async def _turns(connection: AsyncConnection, group: str) -> dict[str, int]:
    query = select(table.c.member, table.c.turn_ms).where(table.c.group_name == group)
    return {row.member: row.turn_ms for row in await connection.execute(query)}


async def _keep(connection: AsyncConnection, group: str, member: str, turn_ms: int) -> None:
    turn = {"turn_ms": turn_ms}
    await upsert(connection, table, {"group_name": group, "member": member}, turn, turn)
