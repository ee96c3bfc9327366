"""All that a server does for the records of its calls, and of those that other servers lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

from ringflow.background_tasks import BackgroundTasks
from ringflow.calls.live_call import LiveCall
from ringflow.records.drafts import Drafts
from ringflow.records.recorder import Recorder
from ringflow.records.recovery import LostLegRecords
from ringflow.records.upkeep import Upkeep
from ringflow.store import Store, StoreGone


class RecordKeeping:
    """`server`: its name in the records; `run_name`: that of this run, under which it says that it lives.

    `calls`: those in progress. `keep_days`: how long records are kept; None: for ever. `silent_s`: a server
    that has been silent for so long is dead.
    """

    def __init__(
        self,
        store: Store,
        server: str,
        run_name: str,
        calls: Callable[[], Mapping[str, LiveCall]],
        *,
        keep_days: int | None,
        silent_s: float,
    ) -> None:
        self.recorder = Recorder(store, server)
        self.lost_legs = LostLegRecords(store, server)
        self.drafts = Drafts(store, server, run_name, calls)
        self._upkeep = Upkeep(store, keep_days, silent_s)
        self._tasks = BackgroundTasks()

    def start(self) -> None:
        """Begin to keep drafts, and to look after what there is."""
        self._tasks.start("upkeep of records", self._upkeep.run)
        self._tasks.start("drafts of records", self.drafts.run)

    async def close(self, limit_s: float) -> None:
        """Write the last records, for at most `limit_s`, and drop their drafts. The store stays open."""
        await self._tasks.close()
        await self.recorder.close(limit_s)
        with suppress(StoreGone):
            await self.drafts.keep()
