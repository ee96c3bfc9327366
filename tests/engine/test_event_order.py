"""Which events a call tells of, and in which order: what docs/events.md says."""

from __future__ import annotations

import asyncio

from ringflow.agi.server import FastAgiServer
from ringflow.agi.settings import AgiSettings
from ringflow.calls import events
from ringflow.calls.event_json import type_name
from ringflow.config import CustomerDeclaration, DidDeclaration
from ringflow.flows.flow import Flow
from ringflow.simulator.callee import Behaviour, Callee
from ringflow.simulator.caller import HangsUp, Hears, Keys
from ringflow.simulator.virtual_call import CarriedCall
from ringflow.slots.audio import Audio
from ringflow.slots.destination import Destination
from ringflow.slots.ivr import Ivr

from .conftest import CLI, DID, Configure, Keeper, Place
from .test_engine import GREETING

NUMBER = "441234567890"
ASK = Ivr(slot="ivr", id="ask", file="IVR/ask", min=12, max=12, result="number", secret=True)
DIAL = Destination(slot="destination", external="${number}")
WELCOME = Audio(slot="audio", id="welcome", file="IVR/welcome")


def told(called: CarriedCall) -> list[str]:
    return [type_name(type(one)) for one in called.record.events]


async def test_a_call_that_talks_tells_of_every_step(place: Place) -> None:
    called = await place.call(
        ASK,
        DIAL,
        steps=[Hears("IVR/ask"), Keys(NUMBER)],
        callees=[Callee(Behaviour.CONGESTION, 500), Callee(Behaviour.ANSWER, 1000, 5000)],
    )
    before = ["call_started", "call_identified"]
    asked = ["slot_entered", "call_answered", "prompt_played", "digits_collected", "slot_left"]
    first, second = ["leg_dialled", "leg_ended"], ["leg_dialled", "leg_ringing", "leg_answered", "leg_ended"]
    assert told(called) == [*before, *asked, "slot_entered", *first, *second, "slot_left", "call_ended"]
    happened = called.record.events
    assert [one.number for one in happened] == list(range(1, len(happened) + 1))
    assert {(one.call_id, one.place.app, one.place.revision) for one in happened} == {("c1", "tested", "r1")}
    assert [one.place.slot for one in happened] == [*[""] * 2, *["ask"] * 5, *["destination[2]"] * 8, ""]
    keyed = next(one for one in happened if isinstance(one, events.DigitsCollected))
    assert keyed.digits == events.MASKED
    dialled = [one for one in happened if isinstance(one, events.LegDialled)]
    assert [(one.leg, one.trunk, one.dialled) for one in dialled] == [
        (1, "first", NUMBER),
        (2, "second", NUMBER),
    ]
    # Only the first attempt is what the keys led to.
    assert [one.since_keys_ms is None for one in dialled] == [False, True]


async def test_ringing_and_answer_are_told_with_the_end_of_the_leg_and_have_times_of_their_own(
    place: Place,
) -> None:
    called = await place.call(
        Destination(slot="destination", external=NUMBER), callees=[Callee(Behaviour.ANSWER, 1000, 5000)]
    )
    dialled, ringing, answered, ended = called.record.events[3:7]
    assert (type(ringing), type(answered)) == (events.LegRinging, events.LegAnswered)
    assert isinstance(dialled, events.LegDialled)
    assert isinstance(ended, events.LegEnded)
    assert [one.at_ms - dialled.at_ms for one in (ringing, answered, ended)] == [0, 1000, 6000]


async def test_a_caller_who_hangs_up_leaves_no_slot(place: Place) -> None:
    called = await place.call(WELCOME, steps=[Hears("IVR/welcome", 500), HangsUp()])
    assert told(called)[2:] == ["slot_entered", "call_answered", "prompt_played", "hung_up", "call_ended"]


async def test_a_slot_that_leads_to_another_app_says_so(place: Place) -> None:
    other = Flow("other", "", (WELCOME,), "other.yaml", "r2")
    called = await place.call(Destination(slot="destination", internal="other"), also=[other])
    left, entered = called.record.events[3:5]
    assert isinstance(left, events.SlotLeft)
    assert (left.exit, left.app_entered, left.place.app) == ("jump", "other", "tested")
    assert (entered.place.app, entered.place.revision, entered.place.slot) == ("other", "r2", "welcome")
    assert (called.record.app, called.record.revision) == ("tested", "r1")


async def test_a_call_that_is_refused_tells_of_its_start_its_rejection_and_its_end(
    configured: Configure,
) -> None:
    place = await configured(
        customers=(CustomerDeclaration(id=42, clis=(CLI,), status="inactive"),),
        dids=(DidDeclaration(number=DID, app="tested"),),
    )
    called = await place.call(WELCOME)
    assert told(called) == ["call_started", "call_rejected", "call_ended"]
    started = called.record.events[0]
    assert isinstance(started, events.CallStarted)
    assert (started.did, started.cli, started.place.app) == (DID, CLI, None)


async def test_a_call_that_is_let_go_of_in_its_talk_ends_its_leg_and_itself(place: Place) -> None:
    keeper = Keeper()
    dial = Destination(slot="destination", external=NUMBER)
    engine = place.engine([Flow("tested", "", (dial,), "t", "r")], [keeper])
    server = FastAgiServer(engine.run, AgiSettings(host="127.0.0.1", port=0))
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(GREETING)
    assert (await reader.readline()).startswith(b"EXEC Dial ")
    await server.drain(0)
    writer.close()
    await server.close()
    (record,) = keeper.records
    assert [type_name(type(one)) for one in record.events][-3:] == ["leg_dialled", "leg_ended", "call_ended"]
    assert record.outcome == "drained"
