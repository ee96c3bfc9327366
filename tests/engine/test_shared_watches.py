"""Readers of one process who watch the same calls share one watch in the database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from sqlalchemy import insert, select

from ringflow.engine.shared_watches import SharedWatches
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


async def begun(events: AsyncGenerator[dict[str, Any]]) -> asyncio.Task[dict[str, Any]]:
    """Begin to wait for the next event."""
    waiting = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0)
    return waiting


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
