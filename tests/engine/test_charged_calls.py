"""Charged calls through the engine: credit that many want at once, limits across servers, a database away.

`CHARGED_REPETITIONS=20 pytest tests/engine/test_charged_calls.py -k two_hundred` has two hundred calls want
the same credit so many times on each database.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.paying_customers import add_card, as_ann, give_credit, rate

from ringflow.accounts.declarations import apply_declarations
from ringflow.accounts.directory import Directory
from ringflow.accounts.security_key import SecurityKeys
from ringflow.calls.call import Call
from ringflow.calls.call_record import CallRecord
from ringflow.calls.charging import Charging, ChargingSettings
from ringflow.calls.dial_attempt import DialOptions, Prospect
from ringflow.calls.event_stream import Observer
from ringflow.calls.live_call import LiveCall
from ringflow.calls.manager import Manager
from ringflow.calls.world import CallWorld
from ringflow.config import Config, CustomerDeclaration, DidDeclaration, TrunkDeclaration
from ringflow.engine.engine import Engine
from ringflow.errors import ChannelGone, CommandRefused, PeerSilent
from ringflow.flows.book import FlowBook
from ringflow.flows.flow import Flow
from ringflow.flows.slot import Slot
from ringflow.flows.template import Template
from ringflow.ledger.check import check_books
from ringflow.ledger.ledger import Ledger
from ringflow.simulator.asterisk import Greeting
from ringflow.simulator.callee import Callee
from ringflow.simulator.caller import CallerStep, ScriptedCaller
from ringflow.simulator.clock import VirtualClock
from ringflow.simulator.line import LineEvent, Sound
from ringflow.simulator.talks import Work
from ringflow.simulator.virtual_call import Arrival, CarriedCall, carry_call
from ringflow.slots.destination import Destination
from ringflow.store import Store
from ringflow.store.ledger_tables import ledger_holds, ledger_marks

DID, CLI, UNIT = "18005550100", "441910000001", 1_000_000
NUMBER = "441234567890"
REPETITIONS = int(os.environ.get("CHARGED_REPETITIONS", "1"))
HERE = Greeting(DID, CLI).asterisk
NOW_MS = round(VirtualClock().now_s() * 1000)


class Gate:
    """Keeps talks going until as many calls as are awaited have either been answered or ended."""

    def __init__(self, awaited: int) -> None:
        self.awaited = awaited
        self.talking = 0
        self.open = asyncio.Event()

    def count(self, talking: bool) -> None:
        self.talking += talking
        self.awaited -= 1
        if self.awaited <= 0:
            self.open.set()


class Staying(ScriptedCaller):
    """Talks until the gate opens, in real time; then the virtual clock goes on."""

    def __init__(self, clock: VirtualClock, gate: Gate) -> None:
        super().__init__(clock, ())
        self.gate = gate
        self.in_talk = False

    def starts(self, sound: str, takes_keys: bool) -> None:
        super().starts(sound, takes_keys)
        if sound == Sound.CALLEE:
            self.in_talk = True
            self.gate.count(talking=True)

    async def until(self, deadline_ms: int | None) -> LineEvent | None:
        if self.in_talk:
            await self.gate.open.wait()
        return await super().until(deadline_ms)

    def ended(self) -> None:
        super().ended()
        if not self.in_talk:
            self.gate.count(talking=False)


class Server:
    """One Ringflow on a store: its own directory and ledger."""

    def __init__(
        self, store: Store, name: str, slice_s: int = 60, prolongs: bool = False, leads_to: str = HERE
    ) -> None:
        self.prolongs = prolongs
        self.leads_to = leads_to
        self.carried: CarriedCall | None = None
        self.calls: Callable[[], Mapping[str, LiveCall]] = dict
        self.charging = Charging(
            Ledger(store, name, lambda: NOW_MS), ChargingSettings(slice_ms=slice_s * 1000)
        )
        self.directory = Directory(store, "US")

    async def call(
        self,
        gate: Gate | None = None,
        steps: tuple[CallerStep, ...] = (),
        *,
        cli: str = CLI,
        talk_ms: int = 60_000,
        observers: Sequence[Observer] = (),
        in_talk: Sequence[tuple[int, Work]] = (),
        slot: Slot | None = None,
    ) -> CallRecord:
        """One call, on a clock of its own, of a flow that dials, or of the slot that is given."""
        clock = VirtualClock()
        destination = slot or Destination(slot="destination", external=Template.parse(NUMBER))
        world = CallWorld(
            trunks=self.directory.trunks,
            may_call=self.directory.may_call,
            security_keys=SecurityKeys("a secret for tests only"),
            asterisk_sounds="/sounds",
            apology="MISC/sorry",
            uri_dial="PJSIP/ringflow-uri/{uri}",
            charging=self.charging,
            clock=clock,
        )
        book = FlowBook.of([Flow("tested", "", (destination,), "tested.yaml", "r1")])

        def make_engine(own: Sequence[Observer], manager: Manager) -> Engine:
            led = replace(manager, leads_to=self.is_led_to) if self.prolongs else None
            ready = replace(world, manager=led)
            engine = Engine(self.directory, book, ready, [*own, *observers])
            self.calls = lambda: engine.calls_in_progress
            return engine

        carried = await carry_call(
            Arrival(DID, cli),
            make_engine,
            Staying(clock, gate) if gate is not None else ScriptedCaller(clock, steps),
            clock,
            lambda attempt, target: Callee(talk_ms=None if gate is not None else talk_ms),
            lambda name: 2.0,
            in_talk=in_talk,
        )
        self.carried = carried
        return carried.record

    async def is_led_to(self, asterisk: str) -> bool:
        """Whether the manager link leads to this Asterisk."""
        return asterisk == self.leads_to


async def furnish(store: Store, units: int, channels: int | None = None) -> None:
    """A customer with credit; a minute to 44... costs one unit, billed by the minute."""
    config = Config(
        customers=(CustomerDeclaration(id=42, clis=(CLI,), channels=channels),),
        dids=(DidDeclaration(number=DID, app="tested"),),
        trunks=(TrunkDeclaration(name="carrier", dial="PJSIP/{number}@carrier"),),
    )
    await apply_declarations(store, config)
    async with as_ann(store, NOW_MS) as ann:
        await give_credit(ann, 42, units * UNIT)
        await add_card(ann, rate(UNIT, increment_s=60))


async def left_over(store: Store) -> tuple[int, int]:
    """Holds that stand, and marks of counted calls."""
    async with store.reading() as connection:
        holds = await connection.execute(ledger_holds.select().where(ledger_holds.c.state == "held"))
        marks = await connection.execute(ledger_marks.select())
        return len(holds.all()), len(marks.all())


@pytest.mark.parametrize("repetition", range(REPETITIONS))
async def test_of_two_hundred_calls_at_once_exactly_those_connect_that_there_is_credit_for(
    store: Store, repetition: int
) -> None:
    await furnish(store, units=50)
    servers = [Server(store, "one"), Server(store, "two")]
    gate = Gate(200)
    records = await asyncio.gather(*(servers[number % 2].call(gate) for number in range(200)))
    outcomes = [record.outcome for record in records]
    assert gate.talking == 50
    assert {one: outcomes.count(one) for one in set(outcomes)} == {"completed": 50, "no_credit": 150}
    # Spent by some, not enough for the others to begin.
    ended_by = {(one.released_by, leg.released_by) for one in records for leg in one.legs}
    assert ended_by == {("credit", "credit")}
    account = await servers[0].charging.ledger.account(42)
    assert account is not None
    assert (account.balance_micros, account.held_micros) == (0, 0)
    assert sum(leg.charged_micros or 0 for record in records for leg in record.legs) == 50 * UNIT
    assert await left_over(store) == (0, 0)
    assert await check_books(store, NOW_MS) == []


async def test_talks_that_are_prolonged_at_once_share_the_credit_to_the_last_unit(store: Store) -> None:
    await furnish(store, units=30)
    servers = [Server(store, name, prolongs=True) for name in ("one", "two")]
    gate = Gate(12)
    records = await asyncio.gather(*(servers[number % 2].call(gate) for number in range(12)))
    assert gate.talking == 12
    # Each held a minute at first; eighteen more were there for whoever asked.
    talked = [leg.talked_ms // 60_000 for record in records for leg in record.legs]
    assert sum(talked) == 30
    assert min(talked) >= 1
    account = await servers[0].charging.ledger.account(42)
    assert account is not None
    assert (account.balance_micros, account.held_micros) == (0, 0)
    assert await left_over(store) == (0, 0)
    assert await check_books(store, NOW_MS) == []


async def test_without_a_manager_link_asterisk_itself_warns_of_the_end_of_the_credit(store: Store) -> None:
    await furnish(store, units=3)
    server = Server(store, "one", slice_s=180)
    await server.call()
    assert server.carried is not None
    assert server.carried.legs[0].options["L"] == "180000:60000"


async def test_a_silent_trunk_is_watched_by_the_manager_link_where_there_is_one(store: Store) -> None:
    await furnish(store, units=3)
    for prolongs, subroutine in ((True, "ringflow-callee^two^1"), (False, "ringflow-silent^two^1")):
        server = Server(store, "one", prolongs=prolongs)
        await server.call()
        assert server.carried is not None
        assert server.carried.legs[0].options["b"].startswith(subroutine)


async def test_no_talk_is_prolonged_by_a_manager_link_to_another_asterisk(store: Store) -> None:
    await furnish(store, units=3)
    for leads_to, minutes in (("another", 1), (HERE, 2)):
        server = Server(store, "one", prolongs=True, leads_to=leads_to)
        record = await server.call(Gate(1))
        assert [leg.talked_ms for leg in record.legs] == [minutes * 60_000]
    assert await check_books(store, NOW_MS) == []


async def test_a_hold_and_a_counted_call_say_where_they_live_and_only_the_dialplan_has_the_token(
    store: Store,
) -> None:
    await furnish(store, units=5, channels=3)
    server, gate = Server(store, "one"), Gate(2)
    call = asyncio.create_task(server.call(gate))
    async with asyncio.timeout(60):
        while not gate.talking:  # noqa: ASYNC110 -- the call tells nobody
            await asyncio.sleep(0.01)
    async with store.reading() as connection:
        (hold,) = (await connection.execute(ledger_holds.select())).all()
        (mark,) = (await connection.execute(ledger_marks.select())).all()
    gate.count(talking=False)
    record = await call
    assert (hold.asterisk, mark.asterisk, record.asterisk) == (HERE, HERE, HERE)
    assert len(hold.token) == 16
    assert server.carried is not None
    (leg,) = server.carried.legs
    assert leg.options["B"] == f"ringflow-charged^before^1({hold.leg_id}^{hold.token})"
    assert hold.token not in repr(record)


def announcing_in_vain(error: Exception) -> Slot:
    """Dials, with an announcement of the credit that fails."""

    async def announce(prospect: Prospect) -> None:
        raise error

    class Announcing(Slot):
        async def run(self, call: Call) -> str:
            await call.outgoing.dial_number(NUMBER, DialOptions(announce=announce))
            return "done"

    return Announcing(slot="announcing")


@pytest.mark.parametrize(
    "error",
    [
        ChannelGone("eof"),
        ChannelGone("hangup"),
        PeerSilent("silent"),
        CommandRefused("510"),
        ZeroDivisionError(),
    ],
    ids=repr,
)
async def test_a_leg_whose_announcement_fails_is_not_dialled_and_nothing_stays_held(
    store: Store, error: Exception
) -> None:
    await furnish(store, units=5)
    server = Server(store, "one")
    record = await server.call(slot=announcing_in_vain(error))
    assert server.carried is not None
    assert (server.carried.legs, [leg.status for leg in record.legs]) == ((), [])
    # It is known not to be up, so nobody waits for Asterisk to say how it ended.
    assert (server.charging.left, await left_over(store)) == (set(), (0, 0))
    account = await server.charging.ledger.account(42)
    assert account is not None
    assert (account.balance_micros, account.held_micros) == (5 * UNIT, 0)
    assert await check_books(store, NOW_MS) == []


async def test_a_channel_limit_holds_across_servers(store: Store) -> None:
    await furnish(store, units=50, channels=3)
    servers = [Server(store, "one"), Server(store, "two")]
    gate = Gate(20)
    records = await asyncio.gather(*(servers[number % 2].call(gate) for number in range(20)))
    assert gate.talking == 3
    refused = [record.reject for record in records if record.reject is not None]
    assert {(one.sip, one.reason) for one in refused} == {(486, "Customer Channels Full")}
    assert len(refused) == 17
    assert await left_over(store) == (0, 0)
    assert (await servers[0].call()).outcome == "completed"
    assert await check_books(store, NOW_MS) == []


async def test_a_settlement_that_the_database_does_not_take_is_written_when_it_does(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/ringflow.db", busy_s=0.05)
    await store.migrate()
    await furnish(store, units=5)
    server, gate = Server(store, "one"), Gate(2)
    call = asyncio.create_task(server.call(gate))
    async with asyncio.timeout(60):
        while not gate.talking:  # noqa: ASYNC110 -- the call tells nobody
            await asyncio.sleep(0.01)
    blocker = sqlite3.connect(tmp_path / "ringflow.db", isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")
    gate.count(talking=False)
    record = await call
    assert [(leg.talked_ms, leg.charged_micros) for leg in record.legs] == [(60_000, None)]
    assert len(server.charging.retries) == 1
    blocker.execute("ROLLBACK")
    blocker.close()
    async with asyncio.timeout(60):
        while len(server.charging.retries):  # noqa: ASYNC110 -- it is owed in the background
            await asyncio.sleep(0.05)
    account = await server.charging.ledger.account(42)
    assert account is not None
    assert (account.balance_micros, account.held_micros) == (4 * UNIT, 0)
    assert await check_books(store, NOW_MS) == []
    await store.close()
