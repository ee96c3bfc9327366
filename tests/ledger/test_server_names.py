"""Two living servers never go by one name, and a server that was killed starts again at once."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from tests.paying_customers import add_customer, as_ann

from ringflow.errors import StartError
from ringflow.ledger.hold import abandoned_holds
from ringflow.ledger.ledger import Ledger
from ringflow.ledger.server_liveness import see_server
from ringflow.ledger.server_names import ServerName, attended_asterisks
from ringflow.ledger.server_process import ServerProcess, this_process
from ringflow.store import Store

SILENT_S = 30.0
NOW_MS = 1_750_000_000_000
HERE = this_process()
# As they are seen from here: another machine, another container on this one, and a process that is over.
ELSEWHERE = replace(HERE, host="two", boot_id="another boot")
IN_A_CONTAINER = replace(HERE, pid_namespace=HERE.pid_namespace + 1)
KILLED = replace(HERE, pid_started=HERE.pid_started + 1)


class World:
    """Servers on one store, and a clock that they watch each other by."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now_ms = NOW_MS
        self.beating: list[str] = []

    def server(self, run: str, process: ServerProcess = HERE) -> ServerName:
        return ServerName(self.store, run, SILENT_S, lambda: self.now_ms, process, self.sleep)

    async def sleep(self, wait_s: float) -> None:
        self.now_ms += round(wait_s * 1000)
        async with self.store.writing() as connection:
            for run in self.beating:
                await see_server(connection, run, self.now_ms)

    @property
    def waited_s(self) -> float:
        return (self.now_ms - NOW_MS) / 1000


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


async def test_a_second_server_of_a_living_ones_name_is_refused_and_told_where_the_first_is(
    world: World,
) -> None:
    await world.server("one#a").take()
    with pytest.raises(StartError, match=f"'one' lives .process {os.getpid()} on .*`charging.server`"):
        await world.server("one#b").take()
    assert world.waited_s == 0
    await world.server("two#c").take()


async def test_a_server_that_lives_but_has_not_said_so_for_long_keeps_its_name(world: World) -> None:
    await world.server("one#a").take()
    world.now_ms += 3_600_000
    with pytest.raises(StartError):
        await world.server("one#b").take()


async def test_a_killed_server_starts_again_at_once(world: World) -> None:
    killed, after = world.server("one#a", KILLED), world.server("one#b")
    await killed.take()
    await after.take()
    assert world.waited_s == 0
    assert await after.is_ours()
    assert not await killed.is_ours()


async def test_what_a_killed_server_left_may_be_taken_up_at_once(world: World) -> None:
    await world.server("one#a", KILLED).take()
    ledger = Ledger(world.store, "one#a", lambda: world.now_ms)
    async with as_ann(world.store, NOW_MS) as ann:
        await add_customer(ann, 42, 1_000_000)
    await ledger.hold("leg", 42, 1_000_000)

    async def abandoned() -> list[str]:
        async with world.store.reading() as connection:
            return [one.leg_id for one in await abandoned_holds(connection, world.now_ms, 30_000)]

    assert await abandoned() == []
    await world.server("one#b").take()
    assert await abandoned() == ["leg"]
    async with world.store.writing() as connection:
        # It lived after all: another machine took it for dead.
        await see_server(connection, "one#a", world.now_ms)
    assert await abandoned() == []
    await ledger.release("leg")


@pytest.mark.parametrize("process", [ELSEWHERE, IN_A_CONTAINER])
async def test_a_server_that_cannot_be_seen_from_here_is_watched(
    world: World, process: ServerProcess
) -> None:
    await world.server("one#a", process).take()
    world.beating = ["one#a"]
    with pytest.raises(StartError, match="process"):
        await world.server("one#b").take()
    world.beating = []
    at_s = world.waited_s
    await world.server("one#b").take()
    # Shorter than the silence after which others take it for dead, and longer than two signs of life.
    assert SILENT_S / 3 < world.waited_s - at_s < SILENT_S


async def test_a_server_that_was_silent_or_said_goodbye_is_not_watched(world: World) -> None:
    await world.server("one#a", ELSEWHERE).take()
    world.now_ms += round(SILENT_S * 1000) + 1
    before_s = world.waited_s
    stopped = world.server("one#b", ELSEWHERE)
    await stopped.take()
    await stopped.leave()
    await world.server("one#c").take()
    assert world.waited_s == before_s
    # What was left before is not left by the server that has the name now.
    await stopped.leave()
    assert await world.server("one#c").is_ours()


async def test_of_servers_that_start_at_the_same_time_one_gets_the_name(world: World) -> None:
    await world.server("one#a", KILLED).take()
    first, second = world.server("one#b"), world.server("one#c")
    holder = await second._take_free()
    assert holder is not None
    await first.take()
    assert not await second._take_over(holder)
    with pytest.raises(StartError):
        await second.take()


async def test_servers_on_a_copy_of_an_asterisk_find_each_other(world: World) -> None:
    one, two, three = world.server("one#a"), world.server("two#b"), world.server("three#c")
    for server in (one, two, three):
        await server.take()
    assert await one.note_asterisk("id", "started at 8") == []
    assert await two.note_asterisk("id", "started at 9") == ["one"]
    assert await three.note_asterisk("another", "started at 9") == []
    # It was started anew, and the first server has noticed.
    assert await one.note_asterisk("id", "started at 9") == []
    assert await two.note_asterisk("id", "started at 9") == []
    async with world.store.reading() as connection:
        assert await attended_asterisks(connection, world.now_ms) == {"id", "another"}
        assert await attended_asterisks(connection, world.now_ms + 1) == set()
    world.now_ms += round(SILENT_S * 1000) + 1
    assert await two.note_asterisk("id", "started at 10") == []


def test_a_process_is_told_from_another_of_its_number() -> None:
    assert HERE.is_running() is True
    assert KILLED.is_running() is False
    assert replace(HERE, pid=2**22 + 1).is_running() is False
    assert ELSEWHERE.is_running() is None
    assert IN_A_CONTAINER.is_running() is None
