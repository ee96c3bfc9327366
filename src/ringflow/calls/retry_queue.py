"""Work that the database could not take when it was due: repeated until it is done, beside the call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from ringflow.errors import RingflowError
from ringflow.store import StoreGone

log = structlog.get_logger("ringflow.retries")

RETRY_FIRST_S = 0.5
RETRY_LONGEST_S = 10.0
"""Shorter than the silence after which a server counts as dead: nobody else ends what is still owed here."""


class RetryQueue:
    """Work that the database did not take, or perhaps did: doing it twice has the effect of once."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def add(self, what: str, work: Callable[[], Awaitable[object]], *, at_once: bool = False) -> None:
        """Do `work` until it does not raise `StoreGone`. `what` names it in the log.

        `at_once`: it was not tried yet, and nothing is wrong so far.
        """
        if not at_once:
            log.error("owed to the database", what=what)
        task = asyncio.create_task(
            self._retry(what, work, 0.0 if at_once else RETRY_FIRST_S), name=f"retry: {what}"
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self, limit_s: float) -> None:
        """Wait up to `limit_s` for what is owed; what is left then, the reaper of any server finds."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=limit_s)
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _retry(self, what: str, work: Callable[[], Awaitable[object]], delay_s: float) -> None:
        while True:
            await asyncio.sleep(delay_s)
            delay_s = min(max(delay_s * 2, RETRY_FIRST_S), RETRY_LONGEST_S)
            try:
                await work()
            except StoreGone:
                continue
            except RingflowError as error:
                log.error("owed and refused", what=what, detail=str(error))
                return
            except Exception:
                # Boundary: our own bug, or an error of the driver's that we do not know. It stays owed.
                log.exception("owed and failed", what=what)
                continue
            log.info("owed and done", what=what)
            return
