"""A few connections to PostgreSQL for what calls wait for, given out and taken back without task or timer.

asyncpg's own pool makes both for each use, which costs a look-up about as much as the look-up itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg


class PostgresConnections:
    """At most `most` at a time, made when they are needed; `options`: those of `asyncpg.connect`."""

    def __init__(self, options: Mapping[str, Any], most: int) -> None:
        self._options = options
        self._idle: list[asyncpg.Connection] = []
        self._free = asyncio.Semaphore(most)
        self._closed = False

    @asynccontextmanager
    async def one(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection for the block, which leaves nothing behind on it. Raises what asyncpg raises."""
        async with self._free:
            connection = await self._take()
            try:
                yield connection
            except BaseException:
                # Perhaps in the midst of a statement, or of the server's end; a new one is in order.
                connection.terminate()
                raise
            self._give_back(connection)

    def forget_idle(self) -> None:
        """Do not use again what nobody uses now: the server may have been restarted."""
        for connection in self._idle:
            connection.terminate()
        self._idle.clear()

    def close(self) -> None:
        """End all connections, those in use when they come back."""
        self._closed = True
        self.forget_idle()

    async def _take(self) -> asyncpg.Connection:
        while self._idle:
            # The last one first: its statements are prepared, and the processor still knows it.
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return await asyncpg.connect(**self._options)

    def _give_back(self, connection: asyncpg.Connection) -> None:
        if self._closed:
            connection.terminate()
        elif not connection.is_closed():
            self._idle.append(connection)
