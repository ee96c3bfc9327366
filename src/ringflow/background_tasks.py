"""Long-lived tasks of a server, supervised: one that dies is logged and begun again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger("ringflow.tasks")

RESTART_S = 5.0
"""How long after its death a task is begun again: one that cannot live must not take the processor."""


class BackgroundTasks:
    """The tasks that belong to one part of a server, from `start` to `close`.

    Work that returns is done. Work that raises has a bug, whatever it raises: it is logged with its name, and
    begun again after `restart_s`.
    """

    def __init__(self, restart_s: float = RESTART_S) -> None:
        self._restart_s = restart_s
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work` in a task of its own, called `name` in the log."""
        self._tasks.append(asyncio.create_task(self._supervise(name, work), name=name))

    async def close(self) -> None:
        """Cancel what is still going on, and wait for its end."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _supervise(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
                return
            except Exception:
                # Boundary: nobody awaits this task, so nobody else would hear of it.
                log.exception("background task failed", task=name, again_s=self._restart_s)
            await asyncio.sleep(self._restart_s)
