"""What the engine makes of calls that go wrong: each one ends, says why, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
from typing import ClassVar

import pytest
import structlog
from structlog.testing import capture_logs

from ringflow.accounts import customers
from ringflow.accounts.security_key import SecurityKeys
from ringflow.actor import CONFIGURATION, acting
from ringflow.agi.server import FastAgiServer
from ringflow.agi.settings import AgiSettings
from ringflow.calls.call import Call
from ringflow.calls.call_record import CallRecord
from ringflow.calls.charging import Charging
from ringflow.calls.dial_outcome import SLACK_MS
from ringflow.calls.outcome import LegStatus
from ringflow.config import CustomerDeclaration, DidDeclaration, TrunkDeclaration
from ringflow.engine.dialplan import DIALPLAN_VERSION
from ringflow.errors import Refused
from ringflow.flows.flow import Flow
from ringflow.flows.slot import Slot
from ringflow.flows.template import Template
from ringflow.ledger.channel_limits import customer_subject, did_subject
from ringflow.ledger.ledger import Ledger
from ringflow.simulator.applications import APPLICATIONS
from ringflow.simulator.callee import Behaviour, Callee
from ringflow.simulator.caller import HangsUp, Hears, Keys
from ringflow.slots.audio import Audio
from ringflow.slots.destination import Destination
from ringflow.slots.hangup import Hangup
from ringflow.slots.ivr import Ivr
from ringflow.store.ledger_tables import ledger_marks
from ringflow.web.metrics import Metrics

from .conftest import CLI, DID, Configure, Keeper, Place

GREETING = (
    f"agi_network: yes\nagi_request: agi://127.0.0.1/call\nagi_channel: PJSIP/x-1\nagi_uniqueid: 1.1\n"
    f"agi_callerid: {CLI}\nagi_callingpres: 0\nagi_extension: {DID}\nagi_context: ringflow-incoming\n"
    f"agi_arg_1: {DIALPLAN_VERSION}\n\n"
).encode()


class Faulty(Slot):
    """Has a bug."""

    async def run(self, call: Call) -> str:
        raise ZeroDivisionError("a bug of ours")


class DatabaseGoes(Slot):
    """Answers, and then the database is gone."""

    place: ClassVar[Place]

    async def run(self, call: Call) -> str:
        await call.media.answer()
        await DatabaseGoes.place.store.close()
        return "done"


def events(record: CallRecord) -> list[str]:
    return [f"{event.event} {event.detail}".strip() for event in record.transcript]


async def test_a_customer_barred_in_a_talk_makes_no_further_call(place: Place) -> None:
    async def bar() -> None:
        async with acting(place.store, CONFIGURATION, "US") as actor:
            await customers.alter(actor, 42, status="inactive")

    first, second = (
        Destination(slot="destination", external=Template.parse(number), on={"refused": "next"})
        for number in ("441234567890", "449876543210")
    )
    called = await place.call(first, second, in_talk=[(1_000, bar)])
    assert [(leg.dialled, leg.status) for leg in called.record.legs] == [
        ("441234567890", LegStatus.ANSWERED),
        ("449876543210", LegStatus.REFUSED),
    ]
    assert "refused customer 42 is not active any more" in events(called.record)
    assert len(called.legs) == 1


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_clock_that_is_set_in_a_talk_makes_it_no_longer_and_not_nothing(
    place: Place, hours: int
) -> None:
    async def set_clock() -> None:
        place.clock.set_by(hours * 3600)

    ten_minutes = (Callee(Behaviour.ANSWER, 1_000, 600_000),)
    destination = Destination(slot="destination", external=Template.parse("441234567890"))
    called = await place.call(destination, callees=ten_minutes, in_talk=[(300_000, set_clock)])
    (leg,) = called.record.legs
    assert leg.status is LegStatus.ANSWERED
    # All of Dial, less the longest that the callee may have rung and what Ringflow may hear late.
    assert leg.talked_ms == 601_000 - 60_000 - SLACK_MS


async def test_a_bug_in_a_slot_ends_only_its_call_with_an_apology(place: Place) -> None:
    with capture_logs([structlog.contextvars.merge_contextvars]) as logs:
        called = await place.call(Audio(slot="audio", file="IVR/welcome"), Faulty(slot="faulty", id="bad"))
    assert called.record.outcome == "error"
    assert called.record.reason == "ZeroDivisionError: a bug of ours"
    assert called.prompts == ("IVR/welcome", "MISC/sorry")
    (failed,) = [line for line in logs if line["event"] == "call failed"]
    assert (failed["call_id"], failed["slot"], failed["log_level"]) == ("c1", "bad", "error")


async def test_a_bug_before_the_answer_is_a_503_and_no_apology_is_paid_for(place: Place) -> None:
    called = await place.call(Faulty(slot="faulty"))
    assert (called.record.outcome, called.sip_code, called.prompts) == ("error", 503, ())


async def test_a_database_that_is_gone_in_mid_call_is_apologised_for(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DatabaseGoes, "place", place, raising=False)
    called = await place.call(
        DatabaseGoes(slot="database_goes"), Destination(slot="destination", external="441234567890")
    )
    assert called.record.outcome == "error"
    assert called.record.reason.startswith("StoreGone: ")
    assert called.prompts == ("MISC/sorry",)
    assert called.legs == ()


async def test_a_did_whose_app_is_missing_is_refused_with_503(place: Place) -> None:
    called = await place.call(also=[Flow("another", "", (Hangup(slot="hangup"),), "a.yaml", "r")])
    assert called.record.reject is not None
    assert (called.sip_code, called.record.reject.reason) == (503, "App Not Found: tested")


async def test_a_call_that_never_leaves_its_slots_is_ended(place: Place) -> None:
    here = Destination(slot="destination", internal="tested")
    called = await place.call(here)
    assert called.record.outcome == "error"
    assert called.record.reason == "FlowFault: the call went through 1000 slots"


async def test_the_second_trunk_is_tried_on_congestion_and_not_on_busy(place: Place) -> None:
    dialled = Destination(slot="destination", external="441234567890")
    congested, busy = Callee(Behaviour.CONGESTION, 100), Callee(Behaviour.BUSY, 100)
    answers = Callee(Behaviour.ANSWER, 100, 1000)
    found = await place.call(dialled, callees=[congested, answers])
    assert [(leg.trunk, leg.status, leg.sip_code) for leg in found.record.legs] == [
        ("first", LegStatus.CONGESTION, 503),
        ("second", LegStatus.ANSWERED, 200),
    ]
    assert found.record.outcome == "completed"
    found = await place.call(dialled, callees=[busy, answers])
    assert [(leg.trunk, leg.status) for leg in found.record.legs] == [("first", LegStatus.BUSY)]
    assert found.record.outcome == "busy"


async def test_a_second_trunk_is_tried_where_asterisk_knows_no_sip_codes(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(APPLICATIONS, "hangupcauseclear")
    dialled = Destination(slot="destination", external="441234567890")
    met = [Callee(Behaviour.CONGESTION, 100), Callee(Behaviour.ANSWER, 100, 1000)]
    found = await place.call(dialled, callees=met)
    assert [leg.status for leg in found.record.legs] == [LegStatus.CONGESTION, LegStatus.ANSWERED]


async def test_a_full_customer_is_refused_until_the_call_before_has_ended(configured: Configure) -> None:
    place = await configured(customers=(CustomerDeclaration(id=42, clis=(CLI,), channels=1),))
    ledger = Ledger(place.store, "here")
    place.charging = Charging(ledger)
    await ledger.occupy("another@1.1", {customer_subject(42): 1})
    full = await place.call(Audio(slot="audio", file="IVR/welcome"))
    assert (full.sip_code, full.record.reason) == (486, "Customer Channels Full")
    await ledger.vacate("another@1.1")
    again = await place.call(Audio(slot="audio", file="IVR/welcome"))
    assert again.record.outcome == "completed"
    async with place.store.reading() as connection:
        assert (await connection.execute(ledger_marks.select())).all() == []


async def test_a_full_did_is_refused_whoever_calls(configured: Configure) -> None:
    place = await configured(dids=(DidDeclaration(number=DID, app="tested", channels=1),))
    ledger = Ledger(place.store, "here")
    place.charging = Charging(ledger)
    await ledger.occupy("another@1.1", {did_subject(DID): 1})
    full = await place.call(Audio(slot="audio", file="IVR/welcome"))
    assert (full.sip_code, full.record.reason) == (486, "DID Channels Full")


async def test_without_a_customer_nothing_is_dialled(configured: Configure) -> None:
    place = await configured(dids=(DidDeclaration(number=DID, app="tested", identify="none"),))
    called = await place.call(Destination(slot="destination", external="441234567890"), caller="5551234")
    assert (called.record.outcome, called.legs) == ("refused", ())
    assert "refused no customer pays for this call" in events(called.record)


HOSTILE = 'x"),&SIP/evil\\\r\nHANGUP \x00\xff${SHELL(id)}'


async def test_hostile_text_reaches_neither_dial_string_nor_log(place: Place, configured: Configure) -> None:
    opened = await configured(customers=(CustomerDeclaration(id=42, clis=("^.*",)),))
    slot = Destination(
        slot="destination",
        external="441234567890",
        caller_id=Template.parse("${hostile}"),
        headers={"X-Note": Template.parse("${hostile}")},
    )
    opened.observers.append(keeper := Keeper())
    called = await opened.call(
        Hostile(slot="hostile"), slot, caller=HOSTILE.replace("\r\n", " ").replace("\0", " ")
    )
    (leg,) = called.legs
    assert leg.target == "PJSIP/441234567890@first"
    assert "f" not in leg.options
    assert leg.headers["X-Note"] == 'x"),&SIP/evil\\%0D%0AHANGUP %00%C3%BF${SHELL(id)}'
    record = keeper.records[0]
    assert record.cli is None
    assert json.dumps(record.did).isascii()


class Hostile(Slot):
    """Stores what no network should send."""

    async def run(self, call: Call) -> str:
        call.variables.store("hostile", HOSTILE)
        return "done"


async def test_a_number_that_is_not_digits_is_not_dialled(place: Place) -> None:
    called = await place.call(Hostile(slot="hostile"), Destination(slot="destination", external="${hostile}"))
    assert (called.record.outcome, called.legs) == ("refused", ())
    assert called.record.legs[0].dialled.isprintable()


async def test_a_host_that_is_not_listed_is_not_dialled(place: Place) -> None:
    refused = await place.call(Destination(slot="destination", uri="sip:desk@evil.example"))
    assert (refused.record.outcome, refused.legs) == ("refused", ())
    allowed = await place.call(Destination(slot="destination", uri="sip:desk@PBX.example.com:5080"))
    assert allowed.record.outcome == "completed"
    assert allowed.legs[0].target == "PJSIP/ringflow-uri/sip:desk@PBX.example.com:5080"


async def test_the_outgoing_leg_runs_as_the_customer(configured: Configure) -> None:
    place = await configured(customers=(CustomerDeclaration(id=42, clis=(CLI,), caller_id="441910009999"),))
    # `check` refuses this header in a flow; a trunk could still carry it.
    headers = {"x-customer-id": Template.parse("1"), "X-Note": Template.parse("kept")}
    slot = Destination.model_construct(
        slot="destination", external=Template.parse("441234567890"), headers=headers
    )
    called = await place.call(slot)
    (leg,) = called.legs
    assert leg.headers["X-Customer-ID"] == "42"
    assert "x-customer-id" not in leg.headers
    assert leg.headers["X-CX-Sec"].startswith("v1.")
    assert leg.headers["X-Note"] == "kept"
    assert leg.caller_id == "441910009999"


@pytest.mark.parametrize(
    ("steps", "outcome"),
    [
        ([Hears("IVR/welcome", 500), HangsUp()], "abandoned"),
        ([Hears("IVR/welcome"), HangsUp(after_ms=1500)], "completed"),
    ],
)
async def test_a_hang_up_is_abandoned_before_and_completed_after_the_connection(
    place: Place, steps: list[Hears | Keys | HangsUp], outcome: str
) -> None:
    called = await place.call(
        Audio(slot="audio", file="IVR/welcome"),
        Destination(slot="destination", external="441234567890"),
        steps=steps,
        callees=[Callee(Behaviour.ANSWER, 1000, None)],
    )
    assert called.record.outcome == outcome
    assert events(called.record)[-2:] == ["hung_up", f"ended {outcome}"]


async def test_an_asterisk_that_vanishes_in_mid_call_is_an_error(place: Place) -> None:
    place.observers.append(keeper := Keeper())
    engine = place.engine([Flow("tested", "", (Audio(slot="audio", file="A/b"),), "t", "r")], [keeper])
    ended = asyncio.Event()

    async def serve(session: object) -> None:
        await engine.run(session)  # type: ignore[arg-type]
        ended.set()

    server = FastAgiServer(serve, AgiSettings(host="127.0.0.1", port=0))
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(GREETING)
    assert (await reader.readline()).strip() == b"ANSWER"
    writer.close()
    async with asyncio.timeout(60):
        await ended.wait()
    await server.close()
    (record,) = keeper.records
    assert (record.outcome, record.reason) == ("error", "the connection from Asterisk closed in mid-call")
    assert (record.released_by, record.release_cause) == ("asterisk", None)


async def test_a_call_that_outlasts_the_drain_is_hung_up_and_says_so(place: Place) -> None:
    keeper = Keeper()
    engine = place.engine([Flow("tested", "", (Audio(slot="audio", file="A/b"),), "t", "r")], [keeper])

    async def serve(session: object) -> None:
        await engine.run(session)  # type: ignore[arg-type]

    server = FastAgiServer(serve, AgiSettings(host="127.0.0.1", port=0))
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(GREETING)
    assert (await reader.readline()).strip() == b"ANSWER"
    writer.write(b"200 result=0\n")
    assert (await reader.readline()).startswith(b"STREAM FILE")
    async with asyncio.timeout(60):
        await server.drain(0.01)
        assert (await reader.readline()).strip() == b"HANGUP"
    writer.close()
    (record,) = keeper.records
    assert (record.outcome, record.released_by, record.release_cause) == ("drained", "drain", 16)


@pytest.mark.parametrize("by", ["drain", "asterisk"])
async def test_a_leg_that_goes_on_without_us_says_who_let_go_of_it(place: Place, by: str) -> None:
    destination = Destination(slot="destination", external="441234567890")
    engine = place.engine([Flow("tested", "", (destination,), "t", "r")], [keeper := Keeper()])
    server = FastAgiServer(engine.run, AgiSettings(host="127.0.0.1", port=0))
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(GREETING)
    assert (await reader.readline()).startswith(b"EXEC Dial ")
    if by == "asterisk":
        writer.close()
    await server.drain(0 if by == "drain" else 5)
    writer.close()
    (record,) = keeper.records
    (leg,) = record.legs
    assert (record.released_by, leg.status, leg.released_by) == (by, "lost", by)


async def test_a_prompt_that_asterisk_lacks_is_said_and_not_taken_for_a_hang_up(place: Place) -> None:
    called = await place.call(
        Audio(slot="audio", file=("IVR/missing", "IVR/welcome")), missing=frozenset({"IVR/missing"})
    )
    assert called.record.outcome == "completed"
    assert "prompt_missing IVR/missing" in events(called.record)
    assert called.prompts == ("IVR/welcome",)


@pytest.mark.parametrize(
    ("library", "mend"),
    [
        ([], "the library does not have it either: ringflow sounds import FILE --as IVR/missing"),
        (["IVR/missing"], "the library has it, so Asterisk looks elsewhere: see `sounds.asterisk_prefix`"),
    ],
)
async def test_the_log_says_whether_the_library_has_a_prompt_that_asterisk_lacks(
    place: Place, library: list[str], mend: str
) -> None:
    place.library = frozenset(library)
    asks = Ivr(slot="ivr", file="IVR/missing", barge_in=False, attempts=1, result="number")
    with capture_logs() as logs:
        await place.call(
            Audio(slot="audio", file="IVR/missing", on={"failed": "next"}),
            Hangup(slot="hangup", id="bye", file="IVR/missing"),
            missing=frozenset({"IVR/missing"}),
        )
        await place.call(asks, missing=frozenset({"IVR/missing"}))
    told = [line["mend"] for line in logs if line["event"] == "prompt missing in Asterisk"]
    assert told == [mend] * 3


async def test_each_leg_is_signed_for_the_server_of_its_own_trunk(configured: Configure) -> None:
    place = await configured(
        trunks=(
            TrunkDeclaration(name="first", dial="PJSIP/{number}@one", position=1, server="one.example.net"),
            TrunkDeclaration(name="second", dial="PJSIP/{number}@two", position=2),
        )
    )
    called = await place.call(
        Destination(slot="destination", external="441234567890"),
        callees=[Callee(Behaviour.CONGESTION, 200), Callee(Behaviour.ANSWER, 1000, 5000)],
    )
    keys, now_s = SecurityKeys("a secret for tests only"), int(place.clock.now_s())
    servers = ("one.example.net", "second")
    for leg, server in zip(called.record.legs, servers, strict=True):
        keys.verify(leg.headers["X-CX-Sec"], 42, server, now_s)
        for other in {*servers, "first"} - {server}:
            with pytest.raises(Refused):
                keys.verify(leg.headers["X-CX-Sec"], 42, other, now_s)


async def test_the_time_from_the_last_key_to_dial_is_counted_in_seconds(place: Place) -> None:
    metrics = Metrics(lambda: 0, lambda: place.engine([]))
    place.observers.append(metrics)
    await place.call(
        Ivr(slot="ivr", file="IVR/ask", min=1, max=20, result="number"),
        Audio(slot="audio", file="A/b"),
        Destination(slot="destination", external="${number}"),
        steps=[Hears(None), Keys("441234567890#")],
        prompts_s=2.5,
    )
    told = {
        part: metrics.registry.get_sample_value(f"ringflow_key_to_dial_seconds_{part}")
        for part in ("count", "sum")
    }
    assert told == {"count": 1, "sum": 2.5}
