"""What a reaper judges of what dead servers left: what is on the Asterisk that its manager link leads to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from tests.paying_customers import add_customer, as_ann

from ringflow.ami.identity import AsteriskIdentity
from ringflow.ami.link import AmiLink
from ringflow.calls.charging import Charging, ChargingSettings
from ringflow.calls.manager import Manager
from ringflow.engine.lost_legs import Settlements
from ringflow.engine.reaper import FORGET, Reaper
from ringflow.ledger.abandoned import say_alive
from ringflow.ledger.check import check_books
from ringflow.ledger.hold import standing_holds
from ringflow.ledger.ledger import Ledger
from ringflow.ledger.server_names import ServerName
from ringflow.ledger.terms import Terms
from ringflow.store import Store
from ringflow.store.ledger_tables import ledger_holds, ledger_marks

if TYPE_CHECKING:
    from tests.ami.conftest import Peer, PeerConnection

NOW_MS = 1_750_000_000_000
HERE, THERE = "1749999000-1", "1749999000-2"
SILENT_S = 0.02
LONGEST_MS = 3_600_000
RINGING_MS = 1_800_000
TERMS = Terms("USD", price_micros=60_000_000)
ROUNDS = 3
PATIENCE_S = 60.0


@dataclass
class VirtualManager:
    """An Asterisk as its manager interface shows it. `made`: how often it was asked to make its identity."""

    identity: str = HERE
    makes: str = ""
    channels: tuple[str, ...] = ()
    """The channels that are up: each a unique ID, or one and the one that it is linked to, with a space."""
    kept: dict[str, str] = field(default_factory=dict)
    made: int = 0
    forgotten: list[str] = field(default_factory=list)
    rounds: int = 0

    async def serve(self, connection: PeerConnection) -> None:
        while True:
            action = await connection.read()
            await self._answer(connection, action)

    async def _answer(self, connection: PeerConnection, action: Mapping[str, str]) -> None:
        name, answer = action["Action"], connection.answer
        if name == "Getvar":
            assert action["Variable"] == "RINGFLOW_ASTERISK"
            assert "Channel" not in action
            await answer(dict(action), "Response: Success", f"Value: {self.identity}")
        elif name == "CoreSettings":
            await answer(dict(action), "Response: Success", "AsteriskVersion: 22.10.1")
        elif name == "CoreStatus":
            times = ("CoreStartupDate: 2026-01-01", "CoreStartupTime: 08:00:00")
            reload = ("CoreReloadDate: 2026-01-01", "CoreReloadTime: 08:00:00")
            await answer(dict(action), "Response: Success", *times, *reload, "CoreCurrentCalls: 0")
        elif name == "CoreShowChannels":
            await answer(dict(action), "Response: Success", "EventList: start")
            for unique_id in self.channels:
                await answer(dict(action), "Event: CoreShowChannel", *_channel(unique_id))
            complete = ("Event: CoreShowChannelsComplete", "EventList: Complete")
            await answer(dict(action), *complete, f"ListItems: {len(self.channels)}")
        elif name == "DBGetTree":
            await answer(dict(action), "Response: Success", "EventList: start")
            for leg_id, value in self.kept.items():
                row = (f"Key: /ringflow/{leg_id}", f"Val: {value}")
                await answer(dict(action), "Event: DBGetTreeResponse", *row)
            await answer(dict(action), "Event: DBGetTreeComplete", "EventList: Complete", "ListItems: 1")
            self.rounds += 1
        elif name == "Originate":
            if action["Channel"] == FORGET:
                leg_id = action["Variable"].partition("=")[2].strip('"')
                self.forgotten.append(leg_id)
                self.kept.pop(leg_id, None)
            else:
                self.made += 1
                self.identity = self.makes
            await answer(dict(action), "Response: Success", "Message: Originate successfully queued")
            await answer(dict(action), "Event: OriginateResponse", "Response: Failure", "Reason: 0")


def _channel(described: str) -> tuple[str, ...]:
    unique_id, _, linked_id = described.partition(" ")
    fields = {
        "Channel": "PJSIP/x-1", "Uniqueid": unique_id, "Linkedid": linked_id or unique_id, "CallerIDNum": "1",
        "ConnectedLineNum": "2", "Exten": "3", "ChannelStateDesc": "Up", "Application": "Dial",
        "Duration": "00:00:10",
    }  # fmt: skip
    return tuple(f"{name}: {value}" for name, value in fields.items())


class World:
    """A dead server's legs and counted calls, and the reaper of a living one."""

    def __init__(self, store: Store, link: AmiLink, manager: VirtualManager) -> None:
        self.store, self.manager = store, manager
        self.now_ms = NOW_MS
        self.dead = self.charging("one#dead")
        self.alive = self.charging("two#alive")
        self.name = ServerName(store, "two#alive", SILENT_S, lambda: self.now_ms)
        settlements = Settlements(self.alive, None, SILENT_S)
        self.reaper = Reaper(self.alive, link, SILENT_S, settlements, self.name)

    def charging(self, run: str) -> Charging:
        settings = ChargingSettings(longest_ms=LONGEST_MS)
        return Charging(Ledger(self.store, run, lambda: self.now_ms), settings)

    async def dial(self, leg_id: str, asterisk: str, token: str = "t") -> None:
        """A leg of the server that dies, with ten minutes held for it."""
        await say_alive(self.dead.ledger)
        await self.dead.ledger.hold(
            leg_id, 42, 600_000_000, terms=TERMS, lasts_ms=LONGEST_MS, asterisk=asterisk, token=token
        )

    async def reap(self, passes_ms: int = 60_000) -> None:
        """Let a time pass without a word of the dead server, and some rounds of the reaper after it."""
        self.now_ms += passes_ms
        until = self.manager.rounds + ROUNDS
        running = asyncio.create_task(self.reaper.run())
        async with asyncio.timeout(PATIENCE_S):
            while self.manager.rounds < until:  # noqa: ASYNC110
                await asyncio.sleep(SILENT_S / 2)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    async def standing(self) -> list[str]:
        async with self.store.reading() as connection:
            return sorted(hold.leg_id for hold in await standing_holds(connection))

    async def charged(self, leg_id: str) -> int:
        async with self.store.reading() as connection:
            query = select(ledger_holds.c.charged_micros).where(ledger_holds.c.leg_id == leg_id)
            return int((await connection.execute(query)).scalar_one())

    async def counted(self) -> list[str]:
        async with self.store.reading() as connection:
            return sorted((await connection.execute(select(ledger_marks.c.call_id))).scalars())


@pytest.fixture
def manager() -> VirtualManager:
    return VirtualManager()


@pytest.fixture
async def world(
    store: Store, peer: Peer, make_link: Callable[..., AmiLink], manager: VirtualManager
) -> AsyncIterator[World]:
    link = make_link()
    await link.start()
    serving = asyncio.create_task(manager.serve(await peer.accept_login()))
    await link.wait_up(PATIENCE_S)
    async with as_ann(store, NOW_MS) as ann:
        await add_customer(ann, 42, 10_000_000_000)
    world = World(store, link, manager)
    await world.name.take()
    yield world
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    await link.close()
    assert await check_books(store, world.now_ms) == []


async def test_of_two_legs_of_one_unique_id_only_the_one_of_its_own_asterisk_is_judged(world: World) -> None:
    await world.dial("a.1@1750000000.7", HERE)
    await world.dial("b.1@1750000000.7", THERE)
    world.manager.channels = ("1750000000.7",)
    await world.reap()
    assert await world.standing() == ["a.1@1750000000.7", "b.1@1750000000.7"]
    assert (world.reaper.findings.waiting, world.reaper.findings.unattended) == (2, 1)
    world.manager.channels = ()
    await world.reap(0)
    assert await world.standing() == ["b.1@1750000000.7"]
    assert world.reaper.findings.released == 1
    # Nobody is on the other Asterisk: in the end the credit is free again.
    await world.reap(LONGEST_MS)
    assert await world.standing() == []


async def test_a_leg_is_not_settled_while_its_callers_channel_is_up_or_its_callees_is(
    world: World,
) -> None:
    leg = "a.1@1750000000.7"
    await world.dial(leg, HERE)
    for channel in ("1750000000.7", "1750000000.8 1750000000.7"):
        world.manager.channels = (channel,)
        await world.reap()
        assert (await world.standing(), world.reaper.findings.released) == ([leg], 0)
    world.manager.channels = ("1750000000.9",)
    await world.reap(0)
    assert (await world.standing(), world.reaper.findings.released) == ([], 1)


async def test_of_two_counted_calls_of_one_unique_id_only_the_one_of_its_own_asterisk_is_judged(
    world: World,
) -> None:
    await say_alive(world.dead.ledger)
    await world.dead.ledger.occupy("a@1750000000.7", {"customer:42": None}, HERE)
    await world.dead.ledger.occupy("b@1750000000.7", {"customer:42": None}, THERE)
    world.manager.channels = ("1750000000.7",)
    await world.reap()
    assert await world.counted() == ["a@1750000000.7", "b@1750000000.7"]
    assert (world.reaper.findings.waiting_calls, world.reaper.findings.unattended) == (2, 1)
    world.manager.channels = ()
    await world.reap(0)
    assert await world.counted() == ["b@1750000000.7"]
    # It cannot be up for longer than any call lasts.
    world.now_ms = NOW_MS
    await world.reap(LONGEST_MS + RINGING_MS)
    assert await world.counted() == ["b@1750000000.7"]
    await world.reap(1)
    assert await world.counted() == []


async def test_what_is_on_an_asterisk_that_another_server_is_on_is_left_to_that_one(world: World) -> None:
    await world.dial("b.1@1750000000.7", THERE)
    other = ServerName(world.store, "three#c", SILENT_S, lambda: world.now_ms + 60_000)
    await other.take()
    await other.note_asterisk(THERE, "2026-01-01T09:00:00")
    await world.reap()
    assert (world.reaper.findings.waiting, world.reaper.findings.unattended) == (1, 0)
    await world.dead.ledger.release("b.1@1750000000.7")


async def test_what_astdb_keeps_is_settled_once_its_server_is_gone_and_forgotten(world: World) -> None:
    leg = "a.1@1750000000.7"
    await world.dial(leg, HERE)
    world.manager.kept = {leg: "1750000000000|1750000090000|ANSWER|16|t"}
    await say_alive(world.dead.ledger)
    await world.reap(0)
    # The server that dialled it lives, and settles it.
    assert (await world.standing(), world.manager.forgotten) == ([leg], [])
    await world.reap(100_000)
    assert (await world.standing(), world.manager.forgotten) == ([], [leg])
    assert await world.charged(leg) == 90_000_000
    assert world.reaper.findings.from_astdb == 1


async def test_what_astdb_keeps_of_a_leg_that_is_over_or_of_nobody_is_forgotten(world: World) -> None:
    leg = "a.1@1750000000.7"
    await world.dial(leg, HERE)
    await world.dead.ledger.settle(leg, 1_000_000)
    world.manager.kept = {
        leg: "1750000000000|1750000090000|ANSWER|16|t",
        "x.1@9": "0|999999999999999|ANSWER|16|",
    }
    await world.reap()
    assert sorted(world.manager.forgotten) == [leg, "x.1@9"]
    assert await world.charged(leg) == 1_000_000


async def test_a_forged_entry_of_astdb_settles_nothing(world: World) -> None:
    leg = "a.1@1750000000.7"
    await world.dial(leg, HERE)
    world.manager.channels = ("1750000000.7",)
    world.manager.kept = {leg: "|1750000090000|ANSWER|16|guessed"}
    await world.reap()
    assert (await world.standing(), world.manager.forgotten) == ([leg], [leg])
    world.manager.kept = {leg: "1750000000000|1750000050000|ANSWER|16|t"}
    await world.reap(0)
    assert await world.charged(leg) == 50_000_000


@pytest.mark.parametrize("left_by", ["another server", "this server"])
async def test_a_leg_that_its_living_server_lost_sight_of_is_judged_on_its_own_asterisk(
    world: World, left_by: str
) -> None:
    here, there = "a.1@1750000000.7", "b.1@1750000000.7"
    owner = world.dead if left_by == "another server" else world.alive
    for leg, asterisk in ((here, HERE), (there, THERE)):
        await owner.ledger.hold(leg, 42, 0, terms=TERMS, lasts_ms=LONGEST_MS, asterisk=asterisk)
        owner.leave(leg)
    await owner.retries.close(PATIENCE_S)
    await say_alive(owner.ledger)
    world.manager.channels = ("1750000000.7",)
    await world.reap(0)
    assert await world.standing() == [here, there]
    world.manager.channels = ()
    await world.reap(0)
    assert await world.standing() == [there]
    if owner is world.alive:
        assert owner.left == {there}
    await owner.ledger.release(there)


async def test_an_expired_hold_of_another_asterisk_is_released_whatever_has_its_id_here(world: World) -> None:
    await world.dial("a.1@1750000000.7", HERE)
    await world.dial("b.1@1750000000.7", THERE)
    world.manager.channels = ("1750000000.7",)
    await world.reap(LONGEST_MS + 1)
    assert await world.standing() == ["a.1@1750000000.7"]
    await world.dead.ledger.release("a.1@1750000000.7")


async def test_an_asterisk_that_does_not_say_which_it_is_has_nothing_judged(world: World) -> None:
    world.manager.identity = ""
    await world.dial("a.1@1750000000.7", HERE)
    await world.dial("b.1@1750000000.7", "")
    await world.reap()
    assert await world.standing() == ["a.1@1750000000.7", "b.1@1750000000.7"]
    assert world.reaper.asterisk_id == ""
    await world.reap(LONGEST_MS)


async def test_an_asterisk_of_which_there_is_a_copy_has_nothing_judged(world: World) -> None:
    await world.dial("a.1@1750000000.7", HERE)
    copy = ServerName(world.store, "three#c", SILENT_S, lambda: world.now_ms + 60_000)
    await copy.take()
    await copy.note_asterisk(HERE, "2026-01-01T09:00:00")
    await world.reap()
    assert await world.standing() == ["a.1@1750000000.7"]
    assert list(world.reaper.twins) == ["three"]
    await world.reap(120_000)
    assert (await world.standing(), list(world.reaper.twins)) == ([], [])


async def test_a_server_whose_name_was_taken_says_so(world: World) -> None:
    await world.reap()
    assert not world.reaper.name_lost
    async with world.store.writing() as connection:
        await connection.exec_driver_sql("UPDATE servers SET run = 'two#b'")
    await world.reap(0)
    assert world.reaper.name_lost


async def test_an_identity_is_made_where_no_call_has_come_yet_and_asked_once_for_each_connection(
    world: World, manager: VirtualManager
) -> None:
    assert world.reaper._asterisk is not None
    manager.identity, manager.makes = "", THERE
    identity = AsteriskIdentity(world.reaper._asterisk)
    assert [await identity.current() for _ in range(3)] == [THERE] * 3
    assert manager.made == 1
    manager.identity = HERE
    assert await identity.current() == THERE
    assert await identity.ask() == HERE


async def test_a_manager_link_leads_to_its_own_asterisk_and_to_none_that_is_not_known(
    world: World, manager: VirtualManager
) -> None:
    assert world.reaper._asterisk is not None
    leads_to = Manager.on(world.reaper._asterisk).leads_to
    assert [await leads_to(asterisk) for asterisk in (HERE, THERE, "")] == [True, False, False]
    manager.identity = ""
    assert not await Manager.on(world.reaper._asterisk).leads_to("")
