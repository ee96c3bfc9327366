"""What is done to records from time to time: old ones deleted, lost ones made of what is left of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count

import structlog

from ringflow.moments import system_now_ms
from ringflow.records.recovery import recover_drafts, recover_legs
from ringflow.records.retention import prune_records
from ringflow.store import Store, StoreGone

log = structlog.get_logger("ringflow.records")

EVERY_S = 3600.0
LOOK_BACK_MS = 7 * 86_400_000
"""How far the first look into the ledger goes back: a server may have been down for some days."""

OVERLAP_MS = 6 * 3600 * 1000
"""How far each later look goes back beyond the one before: longer than any call lasts."""

DAY_MS = 86_400_000


class Upkeep:
    """`keep_days`: how long records are kept; None: for ever.

    `silent_s`: a server that has been silent for so long is dead.
    """

    def __init__(self, store: Store, keep_days: int | None, silent_s: float) -> None:
        self._store = store
        self._keep_days = keep_days
        self._silent_s = silent_s
        self._looked_ms: int | None = None

    async def run(self, every_s: float = EVERY_S) -> None:
        """Look after the records until cancelled; a database that is away is tried again the next time.

        Drafts of dead servers are looked for more often, after each time in which one may have died.
        """
        rounds = max(1, round(every_s / self._silent_s))
        for number in count():
            await _tried(self.recover_drafts)
            if number % rounds == 0:
                await _tried(self.look_after)
            await asyncio.sleep(self._silent_s)

    async def recover_drafts(self, now_ms: int) -> int:
        """Make records of the calls that dead servers left; gives how many. Raises `StoreGone`."""
        recovered = await recover_drafts(self._store, now_ms, round(self._silent_s * 1000))
        if recovered:
            log.warning("lost calls recorded", calls=recovered)
        return recovered

    async def look_after(self, now_ms: int) -> tuple[int, int]:
        """Do it once; gives how many calls were deleted and how many legs recorded. Raises `StoreGone`."""
        deleted = 0
        if self._keep_days is not None:
            deleted = await prune_records(self._store, now_ms - self._keep_days * DAY_MS)
        since_ms = now_ms - LOOK_BACK_MS if self._looked_ms is None else self._looked_ms - OVERLAP_MS
        recovered = await recover_legs(self._store, since_ms, now_ms)
        self._looked_ms = now_ms
        if deleted or recovered:
            log.info("records looked after", deleted=deleted, recovered=recovered)
        return deleted, recovered


async def _tried(work: Callable[[int], Awaitable[object]]) -> None:
    try:
        await work(system_now_ms())
    except StoreGone as error:
        log.warning("records not looked after", detail=str(error))
    except Exception:
        # Boundary: what breaks one of the two must not keep the other from being done, now and for ever.
        log.exception("looking after records failed")
