"""Readers of one process who watch the same calls share one watch in the database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from sqlalchemy import insert, select

from ringflow.engine.shared_watches import SharedWatches
from ringflow.engine.watched_events import LASTS_MS, RENEW_EVERY
from ringflow.store import Store, StoreGone
from ringflow.store.live_tables import call_watches, watched_events

NOW_MS = 1_800_000_000_000


class Looks:
    """The waits between two looks: a test lets the watches look, and meanwhile waits itself."""

    def __init__(self) -> None:
        self.count = 0
        self.failure: Exception | None = None
        self._next = asyncio.Event()

    async def sleep(self, _: float) -> None:
        self.count += 1
        await self._next.wait()
        self._next.clear()
        if self.failure is not None:
            raise self.failure

    def go_on(self) -> None:
        self._next.set()

    async def until(self, count: int) -> None:
        """Wait until so many looks are over."""
        while self.count < count:
            over = self.count
            await asyncio.sleep(0)
            assert self.count in (over, over + 1)


async def begun(events: AsyncGenerator[dict[str, Any]]) -> asyncio.Task[dict[str, Any]]:
    """Begin to wait for the next event."""
    waiting = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0)
    return waiting


async def all_begun(store: Store, looks: Looks, count: int) -> None:
    """Wait until there are so many watches, and they were looked for once."""
    found: list[str] = []
    while len(found) < count:
        await asyncio.sleep(0)
        found = await watch_ids(store)
    await looks.until(1)


async def watch_ids(store: Store) -> list[str]:
    async with store.reading() as connection:
        return list((await connection.execute(select(call_watches.c.id))).scalars())


async def happen(store: Store, looks: Looks, *numbers: int) -> None:
    """Write events for the one watch there is, and have it look."""
    found: list[str] = []
    while not found:
        await asyncio.sleep(0)
        found = await watch_ids(store)
    (watch,) = found
    async with store.writing() as connection:
        for number in numbers:
            event = {"call_id": "c1", "number": number, "at": f"10:00:0{number}"}
            row = {"watch_id": watch, "call_id": "c1", "number": number, "kept_ms": NOW_MS}
            await connection.execute(insert(watched_events).values(**row, event=json.dumps(event)))
    looks.go_on()


@pytest.mark.parametrize("call_id", [None, "c1"])
async def test_two_readers_share_a_watch_that_ends_with_the_last_of_them(
    store: Store, call_id: str | None
) -> None:
    looks = Looks()
    watches = SharedWatches(store, lambda: NOW_MS, looks.sleep)
    first, second = watches.watch(call_id), watches.watch(call_id)
    waiting = [await begun(first), await begun(second)]
    await happen(store, looks, 1)
    assert [(await one)["number"] for one in waiting] == [1, 1]
    await first.aclose()
    going_on = await begun(second)
    await happen(store, looks, 2)
    assert (await going_on)["number"] == 2
    await second.aclose()
    assert await watch_ids(store) == []
    # Whoever comes then begins another one.
    third = watches.watch(call_id)
    again = await begun(third)
    await happen(store, looks, 3)
    assert (await again)["number"] == 3
    await third.aclose()
    assert await watch_ids(store) == []


async def test_who_comes_later_gets_a_call_from_its_beginning_and_all_calls_from_then_on(
    store: Store,
) -> None:
    for call_id, expected in (("c1", [1, 2, 3]), (None, [3])):
        looks = Looks()
        watches = SharedWatches(store, lambda: NOW_MS, looks.sleep)
        first = watches.watch(call_id)
        waiting = await begun(first)
        await happen(store, looks, 1, 2)
        assert [(await waiting)["number"], (await anext(first))["number"]] == [1, 2]
        later = watches.watch(call_id)
        waiting = await begun(later)
        await happen(store, looks, 3)
        came = [(await waiting)["number"]]
        while came[-1] != 3:
            came.append((await anext(later))["number"])
        assert came == expected
        await first.aclose()
        await later.aclose()


async def test_watches_of_different_calls_are_looked_for_together(store: Store) -> None:
    looks = Looks()
    watches = SharedWatches(store, lambda: NOW_MS, looks.sleep)
    calls = ["c1", "c2", "c3", None]
    readers = [watches.watch(call) for call in calls]
    waiting = [await begun(one) for one in readers]
    await all_begun(store, looks, len(calls))
    before = looks.count
    async with store.writing() as connection:
        kept = (await connection.execute(select(call_watches.c.id, call_watches.c.call_id))).all()
        for watch, call in kept:
            for number in (2, 1):
                event = {"call_id": call, "number": number, "at": f"10:00:0{3 - number}"}
                row = {"watch_id": watch, "call_id": call or "c9", "number": number, "kept_ms": NOW_MS}
                await connection.execute(insert(watched_events).values(**row, event=json.dumps(event)))
    looks.go_on()
    # Each has its own, those of a call by their numbers and those of all calls by their times.
    came = [((await first)["number"], await anext(one)) for first, one in zip(waiting, readers, strict=True)]
    assert [(number, event["call_id"]) for number, event in came] == [
        *((1, "c1"), (1, "c2"), (1, "c3"), (2, None)),
    ]
    await looks.until(before + 1)
    assert looks.count == before + 1
    # All are moved on by one look, and one that ends takes none of the others with it.
    await readers[0].aclose()
    assert len(await watch_ids(store)) == 3
    again = await begun(readers[1])
    async with store.writing() as connection:
        (watch,) = [one for one, call in kept if call == "c2"]
        event = {"call_id": "c2", "number": 3, "at": "10:00:03"}
        row = {"watch_id": watch, "call_id": "c2", "number": 3, "kept_ms": NOW_MS}
        await connection.execute(insert(watched_events).values(**row, event=json.dumps(event)))
    looks.go_on()
    assert (await again)["number"] == 3
    for one in readers[1:]:
        await one.aclose()
    assert await watch_ids(store) == []


async def test_all_watches_are_moved_on_while_somebody_reads(store: Store) -> None:
    now = NOW_MS
    looks = Looks()
    watches = SharedWatches(store, lambda: now, looks.sleep)
    readers = [watches.watch(call) for call in ("c1", "c2")]
    waiting = [await begun(one) for one in readers]
    await all_begun(store, looks, 2)
    now += 4000
    for count in range(looks.count + 1, RENEW_EVERY + 1):
        looks.go_on()
        await looks.until(count)
    async with store.reading() as connection:
        until = (await connection.execute(select(call_watches.c.until_ms))).scalars().all()
    assert until == [now + LASTS_MS] * 2
    for one, reader in zip(waiting, readers, strict=True):
        one.cancel()
        await asyncio.gather(one, return_exceptions=True)
        await reader.aclose()


async def test_a_database_that_is_gone_ends_all_readers_and_the_next_one_begins_anew(store: Store) -> None:
    looks = Looks()
    watches = SharedWatches(store, lambda: NOW_MS, looks.sleep)
    both = [watches.watch(None), watches.watch(None)]
    waiting = [await begun(one) for one in both]
    looks.failure = StoreGone("the database is away")
    looks.go_on()
    for one in waiting:
        with pytest.raises(StoreGone):
            await one
    looks.failure = None
    later = watches.watch(None)
    again = await begun(later)
    await happen(store, looks, 1)
    assert (await again)["number"] == 1
    await later.aclose()
