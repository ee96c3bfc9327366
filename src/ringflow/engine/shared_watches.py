"""Watches of calls that all readers of a process share, so that the database is asked once for all of them.

All who watch all calls have one watch, and so have all who watch the same call; and all watches together are
looked for by the same few statements, however many there are. Who comes to a call later gets first what the
others have had.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from ringflow.engine.watched_events import READ_EVERY_S, RENEW_EVERY, Event, end_watch, move_on, take_events
from ringflow.store import Store


@dataclass(frozen=True, slots=True)
class _Over:
    failure: Exception


@dataclass(slots=True, eq=False)
class _Watch:
    """One watch: its row, its readers, and of a single call what has happened so far."""

    call_id: str | None
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    readers: list[asyncio.Queue[Event | _Over]] = field(default_factory=list)
    past: list[Event] = field(default_factory=list)

    def tell(self, event: Event) -> None:
        if self.call_id is not None:
            self.past.append(event)
        for reader in self.readers:
            reader.put_nowait(event)


_Watches: TypeAlias = dict[str | None, _Watch]


class SharedWatches:
    """The watches of a process. `sleep` waits between two looks into the database."""

    def __init__(
        self,
        store: Store,
        now_ms: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._now_ms = now_ms
        self._sleep = sleep
        self._watches: _Watches = {}
        self._looking: asyncio.Task[None] | None = None

    async def watch(self, call_id: str | None) -> AsyncGenerator[Event]:
        """Yield what `watch_calls` does. Each reader takes its events at once. Raises `StoreGone`."""
        watch = self._watches.get(call_id)
        is_new = watch is None
        if watch is None:
            watch = self._watches[call_id] = _Watch(call_id)
        events: asyncio.Queue[Event | _Over] = asyncio.Queue()
        for event in watch.past:
            events.put_nowait(event)
        watch.readers.append(events)
        try:
            if is_new:
                # At once, and not with the next look: a call may be over by then.
                await self._move_on([watch])
            # It may have ended meanwhile, because the database is away.
            if self._looking is None and self._watches.get(call_id) is watch:
                self._looking = asyncio.create_task(self._look(self._watches))
            while True:
                came = await events.get()
                if isinstance(came, _Over):
                    raise came.failure
                yield came
        finally:
            watch.readers.remove(events)
            if not watch.readers:
                await self._end(watch)

    async def _look(self, watches: _Watches) -> None:
        """Look for the events of all watches, for as long as there are any."""
        looks = 0
        try:
            while True:
                looks += 1
                if looks % RENEW_EVERY == 0:
                    await self._move_on([*watches.values()])
                by_id = {one.id: one for one in watches.values()}
                alone = {one.id for one in watches.values() if one.call_id is not None}
                for watch_id, events in (await take_events(self._store, [*by_id], alone)).items():
                    for event in events:
                        by_id[watch_id].tell(event)
                await self._sleep(READ_EVERY_S)
        except Exception as error:  # noqa: BLE001 -- each reader raises it
            # Who comes from now on begins anew.
            self._looking, self._watches = None, {}
            for watch in watches.values():
                for reader in watch.readers:
                    reader.put_nowait(_Over(error))

    async def _move_on(self, watches: list[_Watch]) -> None:
        await move_on(self._store, {one.id: one.call_id for one in watches}, self._now_ms())

    async def _end(self, watch: _Watch) -> None:
        """End a watch that nobody reads: it is out of the database when its last reader is gone."""
        if self._watches.get(watch.call_id) is watch:
            del self._watches[watch.call_id]
            if not self._watches and self._looking is not None:
                looking, self._looking = self._looking, None
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)
        await end_watch(self._store, watch.id)
