"""aiosqlite's connections, none of whose threads outlives the event loop.

aiosqlite tells the thread of a connection that failed, or whose opening was cancelled, to end, and does not
wait for it. What the thread then still says would come to a loop that may be closed by then.
"""

from __future__ import annotations

import asyncio
from threading import Thread
from time import monotonic
from typing import Any
from weakref import WeakSet

import aiosqlite

LONGEST_END_S = 5.0


class SqliteThreads:
    """Opens connections for SQLAlchemy, as its `async_creator_fn`, and waits for their threads."""

    def __init__(self) -> None:
        self._threads: WeakSet[Thread] = WeakSet()

    async def connect(self, *arguments: Any, **options: Any) -> aiosqlite.Connection:
        """As `aiosqlite.connect`; a connection that does not come about has no thread any more."""
        connection = aiosqlite.connect(*arguments, **options)
        thread = connection._thread  # aiosqlite has no other way to it; SQLAlchemy takes it too
        # A process that ends for another reason than ours does not wait for it.
        thread.daemon = True
        self._threads.add(thread)
        try:
            return await connection
        except BaseException:
            await _ended([thread])
            raise

    async def ended(self) -> None:
        """Wait until every thread is over, and no longer than `LONGEST_END_S` where one does not end."""
        await _ended(list(self._threads))


async def _ended(threads: list[Thread]) -> None:
    def join() -> None:
        limit_s = monotonic() + LONGEST_END_S
        for thread in threads:
            thread.join(max(0.0, limit_s - monotonic()))

    # The loop waits for its executor before it is closed, also where this is cancelled.
    await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, join))
