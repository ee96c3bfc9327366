"""Orders for calls of any server of a database, and events for those who watch from elsewhere."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

import pytest
from sqlalchemy import select

from ringflow.actor import Opener, acting, shell_operator
from ringflow.agi.server import FastAgiServer
from ringflow.agi.settings import AgiSettings
from ringflow.audit import EntryFilter, entry_page
from ringflow.calls.events import OrderKind
from ringflow.calls.manager import Manager
from ringflow.engine.engine import Engine
from ringflow.engine.live_calls import Done
from ringflow.engine.remote_orders import (
    ASK_EVERY_S,
    STALE_MS,
    TAKEN_WITHIN_S,
    CallOrder,
    RemoteOrders,
    give_order,
)
from ringflow.engine.watched_events import LASTS_MS, WatchedEvents, watch_calls
from ringflow.errors import Conflict, Refused, Unknown
from ringflow.flows.flow import Flow
from ringflow.simulator.held_keys import VirtualKeys
from ringflow.simulator.talks import VirtualTalks
from ringflow.slots.audio import Audio
from ringflow.slots.ivr import Ivr
from ringflow.store import Store
from ringflow.store.live_tables import call_orders, call_watches, watched_events
from ringflow.store.pages import PageRequest

from .conftest import Place
from .test_engine import GREETING

NOW_MS = 1_767_225_600_000
ASK = Ivr(slot="ivr", id="ask", file="IVR/ask", min=1, max=1, attempts=1, result="choice")
GOODBYE = Audio(slot="audio", id="goodbye", file="IVR/goodbye")


@dataclass
class Servers:
    """Two servers on one database; the first one has a call that waits for digits."""

    store: Store
    first: Engine
    writer: asyncio.StreamWriter
    reader: asyncio.StreamReader
    now_ms: int = NOW_MS
    desks: list[RemoteOrders] = field(default_factory=list)
    watched: list[WatchedEvents] = field(default_factory=list)

    def act(self) -> Opener:
        return lambda: acting(self.store, shell_operator("ann"), "US", self.now_ms)

    async def look(self, _: float = 0) -> None:
        """What time passes for: every server looks into the database."""
        for one in self.desks:
            await one.carry_out_new()
        for watched in self.watched:
            await watched.write_new()

    async def answer_until(self, command: bytes, read: bytes = b"TIMEOUT:") -> bytes:
        """Be Asterisk, up to this command; `read`: what `Read` takes."""
        self.writer.write(b"200 result=0\n")
        while not (line := await self.reader.readuntil(b"\n")).startswith(command):
            value = b"200 result=1 (" + read + b")\n"
            self.writer.write(value if line.startswith(b"GET FULL VARIABLE") else b"200 result=0\n")
        return line

    async def give(self, order: CallOrder) -> str:
        return await give_order(self.store, self.act(), order, self.look)


@asynccontextmanager
async def two_servers(place: Place, manager: Manager | None = None) -> AsyncIterator[Servers]:
    flows = [Flow("tested", "", (ASK, GOODBYE), "t", "r1")]
    engines = [place.engine(flows, manager=manager) for _ in range(2)]
    server = FastAgiServer(engines[0].run, AgiSettings(host="127.0.0.1", port=0))
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(GREETING)
    while not (await reader.readuntil(b"\n")).startswith(b"EXEC Read"):
        writer.write(b"200 result=0\n")
    servers = Servers(place.store, engines[0], writer, reader)
    servers.desks = [
        RemoteOrders(place.store, one.live, name, lambda: servers.now_ms)
        for one, name in zip(engines, ("one", "two"), strict=True)
    ]
    servers.watched = [WatchedEvents(place.store, one.live, lambda: servers.now_ms) for one in engines]
    try:
        yield servers
    finally:
        writer.close()
        await server.drain(5)
        await server.close()


async def rows(store: Store) -> list[tuple[object, ...]]:
    orders = call_orders.c
    async with store.reading() as connection:
        found = await connection.execute(select(orders.kind, orders.operator, orders.server, orders.refused))
        return [tuple(one) for one in found]


async def test_an_order_is_carried_out_by_the_server_that_has_the_call(place: Place) -> None:
    async with two_servers(place) as servers:
        servers.desks.reverse()
        answer = await servers.give(CallOrder("c1", OrderKind.REDIRECT, {"app": "tested", "slot": "goodbye"}))
        assert answer == "when what the caller hears or keys now is over"
        assert b"IVR/goodbye" in await servers.answer_until(b"STREAM FILE")
    assert await rows(place.store) == [("redirect", "ann", "one", 0)]
    async with place.store.reading() as connection:
        page = await entry_page(connection, EntryFilter(subject="call"), PageRequest(10))
    (entry,) = page.items
    assert (entry.operator, entry.verb, entry.subject) == ("ann", "order", "call c1")
    assert entry.after == {"order": "redirect", "app": "tested", "slot": "goodbye"}


async def test_an_order_that_cannot_be_carried_out_says_why(place: Place) -> None:
    async with two_servers(place) as servers:
        with pytest.raises(Conflict, match="call c1 has no leg under way"):
            await servers.give(CallOrder("c1", OrderKind.HANG_UP_LEG))
        with pytest.raises(Refused, match="there is no app other"):
            await servers.give(CallOrder("c1", OrderKind.REDIRECT, {"app": "other"}))
    assert await rows(place.store) == [
        ("hang_up_leg", "ann", "one", 1),
        ("redirect", "ann", "one", 1),
    ]


async def test_an_order_that_nobody_took_is_withdrawn(place: Place) -> None:
    async with two_servers(place) as servers:
        with pytest.raises(Unknown, match="no server has a call c2 in progress"):
            await servers.give(CallOrder("c2", OrderKind.HANG_UP))
        assert await rows(place.store) == [("hang_up", "ann", "", None)]


async def test_an_order_that_is_taken_in_the_last_moment_is_not_withdrawn(place: Place) -> None:
    looks = count(1)

    async with two_servers(place) as servers:

        async def late(_: float) -> None:
            if next(looks) == round(TAKEN_WITHIN_S / ASK_EVERY_S):
                await servers.look()

        order = CallOrder("c1", OrderKind.PLAY, {"prompt": "IVR/notice"})
        assert "when what the caller hears" in await give_order(servers.store, servers.act(), order, late)
        assert await rows(place.store) == [("play", "ann", "one", 0)]


async def test_an_order_that_waits_for_asterisk_keeps_no_other_order_waiting(place: Place) -> None:
    asked, told = asyncio.Event(), asyncio.Event()

    async def leads_to(asterisk: str) -> bool:
        asked.set()
        await told.wait()
        return True

    async def nobody_looks(_: float) -> None:
        await asyncio.sleep(0)

    manager = Manager(VirtualKeys(), VirtualTalks(place.clock), leads_to)
    async with two_servers(place, manager) as servers:
        order = CallOrder("c1", OrderKind.HANG_UP)
        first = asyncio.create_task(give_order(servers.store, servers.act(), order, nobody_looks))
        async with asyncio.timeout(5):
            while not asked.is_set():
                await servers.desks[0].carry_out_new()
                # A look-up in a file is made at once: nobody else gets a turn by it.
                await asyncio.sleep(0)
        answer = await servers.give(CallOrder("c1", OrderKind.PLAY, {"prompt": "IVR/notice"}))
        assert "when what the caller hears" in answer
        assert not first.done()
        told.set()
        assert await first == Done.NOW
        assert [row[3] for row in await rows(place.store)] == [0, 0]


async def test_an_order_that_somebody_left_is_not_carried_out_later(place: Place) -> None:
    class CutOff(Exception):
        pass

    async def cut_off(_: float) -> None:
        raise CutOff

    async with two_servers(place) as servers:
        with pytest.raises(CutOff):
            await give_order(servers.store, servers.act(), CallOrder("c1", OrderKind.HANG_UP), cut_off)
        servers.now_ms += STALE_MS
        await servers.look()
        assert await rows(place.store) == [("hang_up", "ann", None, None)]
        with pytest.raises(CutOff):
            await give_order(servers.store, servers.act(), CallOrder("c1", OrderKind.HANG_UP), cut_off)
        servers.now_ms += STALE_MS - 1
        await servers.look()
        assert [row[2] for row in await rows(place.store)] == [None, "one"]


async def test_a_call_is_watched_from_its_beginning_and_nothing_is_left_of_it(place: Place) -> None:
    async with two_servers(place) as servers:
        types = []
        async with aclosing(watch_calls(servers.store, "c1", lambda: servers.now_ms, servers.look)) as events:
            async for event in events:
                types.append(event["type"])
                if event["type"] == "digits_collected":
                    break
                if event["type"] == "prompt_played":
                    await servers.answer_until(b"STREAM FILE", b"OK:1")
        assert types == [
            *("call_started", "call_identified", "slot_entered", "call_answered", "prompt_played"),
            "digits_collected",
        ]
        async with servers.store.reading() as connection:
            assert (await connection.execute(select(call_watches))).all() == []
            assert (await connection.execute(select(watched_events))).all() == []


async def test_events_that_nobody_has_read_go_with_the_watch(place: Place) -> None:
    async with two_servers(place) as servers:
        events = watch_calls(servers.store, "c1", lambda: servers.now_ms, servers.look)
        await anext(events)
        await servers.answer_until(b"STREAM FILE", b"OK:1")
        await servers.look()
        async with servers.store.reading() as connection:
            assert (await connection.execute(select(watched_events))).all() != []
        await events.aclose()
        async with servers.store.reading() as connection:
            assert (await connection.execute(select(watched_events))).all() == []


async def test_events_of_all_calls_come_by_their_times(store: Store) -> None:
    happened = [("a", 5, "10:00:01"), ("b", 1, "10:00:02"), ("a", 6, "10:00:03")]

    async def write(_: float) -> None:
        async with store.writing() as connection:
            watch_id = (await connection.execute(select(call_watches.c.id))).scalar_one()
            rows = [
                {
                    "watch_id": watch_id,
                    "call_id": call_id,
                    "number": number,
                    "event": json.dumps({"call_id": call_id, "number": number, "at": at}),
                    "kept_ms": NOW_MS,
                }
                for call_id, number, at in reversed(happened)
            ]
            await connection.execute(watched_events.insert().values(rows))

    async with aclosing(watch_calls(store, None, lambda: NOW_MS, write)) as events:
        came = [await anext(events) for _ in happened]
    assert [(one["call_id"], one["number"], one["at"]) for one in came] == happened


async def test_events_are_written_no_longer_than_somebody_watches(place: Place) -> None:
    async with two_servers(place) as servers:
        looks = count()

        async def stop(_: float) -> None:
            if next(looks):
                raise asyncio.CancelledError
            await servers.look()

        watching = watch_calls(servers.store, None, lambda: servers.now_ms, stop)
        with pytest.raises(asyncio.CancelledError):
            await anext(watching)
        async with servers.store.writing() as connection:
            await connection.execute(call_watches.insert().values(id="gone", until_ms=NOW_MS + 1))
        await servers.look()
        assert servers.watched[0]._watches.keys() == {"gone"}
        servers.now_ms += LASTS_MS + 2
        await servers.look()
        assert not servers.watched[0]._watches
        async with servers.store.reading() as connection:
            assert (await connection.execute(select(call_watches))).all() == []
