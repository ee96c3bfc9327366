"""Watches of calls that all readers of a process share, so that the database is asked once for all of them.

All who watch all calls have one watch, and so have all who watch the same call. Who comes to a call later
gets first what the others have had.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ringflow.engine.watched_events import watch_calls
from ringflow.store import Store

Event: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Over:
    failure: Exception


@dataclass(slots=True, eq=False)
class _Shared:
    """One watch: its task, its readers, and of a single call what has happened so far."""

    readers: list[asyncio.Queue[Event | _Over]] = field(default_factory=list)
    past: list[Event] = field(default_factory=list)
    task: asyncio.Task[None] | None = None


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
        self._shared: dict[str | None, _Shared] = {}

    async def watch(self, call_id: str | None) -> AsyncGenerator[Event]:
        """Yield what `watch_calls` does. Each reader takes its events at once. Raises `StoreGone`."""
        shared = self._shared.get(call_id)
        if shared is None:
            shared = self._shared[call_id] = _Shared()
            shared.task = asyncio.create_task(self._run(call_id, shared))
        events: asyncio.Queue[Event | _Over] = asyncio.Queue()
        for event in shared.past:
            events.put_nowait(event)
        shared.readers.append(events)
        try:
            while True:
                came = await events.get()
                if isinstance(came, _Over):
                    raise came.failure
                yield came
        finally:
            shared.readers.remove(events)
            if not shared.readers:
                self._forget(call_id, shared)
                assert shared.task is not None
                shared.task.cancel()
                # The watch is out of the database when its last reader is gone.
                await asyncio.gather(shared.task, return_exceptions=True)

    async def _run(self, call_id: str | None, shared: _Shared) -> None:
        try:
            async with aclosing(watch_calls(self._store, call_id, self._now_ms, self._sleep)) as events:
                async for event in events:
                    if call_id is not None:
                        shared.past.append(event)
                    for reader in shared.readers:
                        reader.put_nowait(event)
        except Exception as error:  # noqa: BLE001 -- each reader raises it
            # Who comes from now on begins another watch.
            self._forget(call_id, shared)
            for reader in shared.readers:
                reader.put_nowait(_Over(error))

    def _forget(self, call_id: str | None, shared: _Shared) -> None:
        if self._shared.get(call_id) is shared:
            del self._shared[call_id]
