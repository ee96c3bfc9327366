"""Events of calls for processes elsewhere, through the database, for as long as somebody reads them.

Whoever watches writes a row, and moves its end while it watches. Each server looks for such rows, writes the
events of its calls for them, and stops when the row's end is past. Nothing is written while nobody watches.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeAlias

import structlog
from sqlalchemy import bindparam, select

from ringflow.calls.event_json import event_json
from ringflow.calls.event_stream import Subscription
from ringflow.engine.live_calls import LiveCalls
from ringflow.store import Store
from ringflow.store.database import LookUp
from ringflow.store.live_tables import call_watches
from ringflow.store.statement import Statement

log = structlog.get_logger("ringflow.live")

LASTS_MS = 15_000
"""How long a server writes events for a watch that nobody moved on."""

READ_EVERY_S = 0.4
RENEW_EVERY = 10
"""A watch is moved on with every so many looks."""

Event: TypeAlias = dict[str, Any]
"""The JSON form of an event."""

_WATCH = Statement(
    "INSERT INTO call_watches (id, call_id, until_ms) "
    "SELECT v.id, v.call_id, :until_ms FROM {rows} WHERE true "
    "ON CONFLICT (id) DO UPDATE SET until_ms = excluded.until_ms",
    rows={"id": "text", "call_id": "text"},
    until_ms="bigint",
)
_WATCHES = LookUp(
    select(call_watches.c.id, call_watches.c.call_id).where(call_watches.c.until_ms > bindparam("now_ms")),
    ["now_ms"],
)
_TELL = Statement(
    "INSERT INTO watched_events (watch_id, call_id, number, event, kept_ms) "
    "SELECT v.watch_id, v.call_id, v.number, v.event, :now_ms FROM {rows} WHERE true "
    "ON CONFLICT (watch_id, call_id, number) DO NOTHING",
    rows={"watch_id": "text", "call_id": "text", "number": "bigint", "event": "text"},
    now_ms="bigint",
)
_NEWS = Statement(
    "SELECT 1 FROM watched_events WHERE watch_id IN (SELECT v.id FROM {rows}) LIMIT 1", rows={"id": "text"}
)
_TAKE = Statement(
    "DELETE FROM watched_events WHERE watch_id IN (SELECT v.id FROM {rows}) RETURNING watch_id, event",
    rows={"id": "text"},
)
_END = Statement("DELETE FROM call_watches WHERE id = :id", id="text")
_FORGET = Statement("DELETE FROM call_watches WHERE until_ms < :before_ms", before_ms="bigint")
_FORGET_EVENTS = Statement("DELETE FROM watched_events WHERE kept_ms < :before_ms", before_ms="bigint")


async def watch_calls(
    store: Store,
    call_id: str | None,
    now_ms: Callable[[], int],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncGenerator[Event]:
    """The events of a call from its beginning, or of all calls from now on, in their JSON form.

    Those of one call come by their numbers, those of all calls, as far as they come together, by their times.
    Raises `StoreGone`.
    """
    watch_id, looks = secrets.token_hex(16), 0
    alone = set() if call_id is None else {watch_id}
    try:
        while True:
            if looks % RENEW_EVERY == 0:
                await move_on(store, {watch_id: call_id}, now_ms())
            looks += 1
            for event in (await take_events(store, [watch_id], alone)).get(watch_id, ()):
                yield event
            await sleep(READ_EVERY_S)
    finally:
        await end_watch(store, watch_id)


async def move_on(store: Store, watches: Mapping[str, str | None], now_ms: int) -> None:
    """Have servers write the events for watches for a while longer: their IDs, each with a call or all."""
    rows = [{"id": watch_id, "call_id": call_id} for watch_id, call_id in watches.items()]
    async with store.writing() as connection:
        await _WATCH.run(connection, rows, until_ms=now_ms + LASTS_MS)


async def take_events(
    store: Store, watch_ids: Sequence[str], alone: Collection[str]
) -> Mapping[str, Sequence[Event]]:
    """Take what has been written for watches, in order; `alone` are those of a single call."""
    rows = [{"id": one} for one in watch_ids]
    # Writing waits for other writers, so look first.
    async with store.reading() as connection:
        if not await _NEWS.run(connection, rows):
            return {}
    async with store.writing() as connection:
        taken = await _TAKE.run(connection, rows)
    found: dict[str, list[Event]] = {}
    for row in taken:
        found.setdefault(row.watch_id, []).append(json.loads(row.event))
    return {one: sorted(found[one], key=_number if one in alone else _time) for one in found}


async def end_watch(store: Store, watch_id: str) -> None:
    """Have servers write no more events for a watch, and forget those that nobody took."""
    async with store.writing() as connection:
        await _END.run(connection, id=watch_id)
        await _TAKE.run(connection, [{"id": watch_id}])


def _number(event: Event) -> tuple[str | int, ...]:
    return (event["number"],)


def _time(event: Event) -> tuple[str | int, ...]:
    return event["at"], event["call_id"], event["number"]


@dataclass(frozen=True, slots=True)
class _Watch:
    block: AbstractContextManager[Subscription]
    subscription: Subscription


class WatchedEvents:
    """Writes the events of this server's calls for those who watch."""

    def __init__(self, store: Store, live: LiveCalls, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._live = live
        self._now_ms = now_ms
        self._watches: dict[str, _Watch] = {}

    async def write_new(self) -> None:
        """Write what has happened since the last time. Raises `StoreGone`."""
        found = await self._store.look_up(_WATCHES, self._now_ms())
        wanted: dict[str, str | None] = dict(map(tuple, found))
        rows = [row for watch_id, call_id in wanted.items() for row in self._rows(watch_id, call_id)]
        over = self._watches.keys() - wanted.keys()
        for watch_id in over:
            self._end(watch_id)
        if rows or over:
            now_ms = self._now_ms()
            async with self._store.writing() as connection:
                if rows:
                    await _TELL.run(connection, rows, now_ms=now_ms)
                await _FORGET.run(connection, before_ms=now_ms - LASTS_MS)
                await _FORGET_EVENTS.run(connection, before_ms=now_ms - 4 * LASTS_MS)

    def close(self) -> None:
        """Write no more."""
        for watch_id in [*self._watches]:
            self._end(watch_id)

    def _rows(self, watch_id: str, call_id: str | None) -> list[dict[str, object]]:
        watch = self._watches.get(watch_id)
        if watch is not None:
            happened = watch.subscription.take()
        else:
            block = self._live.subscribed(call_id)
            self._watches[watch_id] = _Watch(block, block.__enter__())
            happened = (
                [*self._live.find(call_id).happened] if call_id is not None and call_id in self._live else []
            )
        return [
            {
                "watch_id": watch_id,
                "call_id": event.call_id,
                "number": event.number,
                "event": json.dumps(event_json(event)),
            }
            for event in happened
        ]

    def _end(self, watch_id: str) -> None:
        watch = self._watches.pop(watch_id)
        if watch.subscription.missed:
            log.warning("watched events lost", events=watch.subscription.missed)
        watch.block.__exit__(None, None, None)
