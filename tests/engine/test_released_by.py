"""Who ended a call and its legs, and the Q.850 cause that the caller's side is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ringflow.calls.call_record import CallRecord
from ringflow.calls.outcome import Leg, LegStatus, ReleasedBy
from ringflow.calls.released_by import charged_leg_released_by, leg_released_by
from ringflow.engine.lost_legs import leg_end
from ringflow.flows.registry import slot_types
from ringflow.flows.template import Template
from ringflow.simulator.callee import REFUSALS, Behaviour, Callee
from ringflow.simulator.caller import CallerStep, HangsUp, Hears, Keys
from ringflow.simulator.line import Sound
from ringflow.slots.audio import Audio
from ringflow.slots.destination import Destination
from ringflow.slots.hangup import Hangup

from .conftest import Place

NUMBER = Template.parse("441234567890")
ANSWERS = Callee(Behaviour.ANSWER, 1000, 5000)


def dial(**fields: object) -> Destination:
    return Destination(slot="destination", external=NUMBER, **fields)


def released(record: CallRecord) -> tuple[str | None, int | None, list[str | None]]:
    return record.released_by, record.release_cause, [leg.released_by for leg in record.legs]


async def test_the_callee_ends_a_talk_and_with_it_the_call(place: Place) -> None:
    called = await place.call(dial(), callees=[ANSWERS])
    assert released(called.record) == ("callee", 16, ["callee"])


async def test_a_flow_that_goes_on_after_the_leg_ends_the_call_itself(place: Place) -> None:
    called = await place.call(dial(), Audio(slot="audio", file="MISC/goodbye"), callees=[ANSWERS])
    assert released(called.record) == ("ringflow", 16, ["callee"])


async def test_the_caller_ends_talk_ringing_or_prompt(place: Place) -> None:
    talk = await place.call(
        dial(), steps=[Hears(Sound.CALLEE), HangsUp(0)], callees=[replace(ANSWERS, talk_ms=None)]
    )
    assert released(talk.record) == ("caller", 16, ["caller"])
    ringing = await place.call(dial(), steps=[HangsUp(500)], callees=[ANSWERS])
    assert released(ringing.record) == ("caller", 16, ["caller"])
    prompt = await place.call(Audio(slot="audio", file="IVR/welcome"), steps=[HangsUp(500)])
    assert released(prompt.record) == ("caller", 16, [])


async def test_a_limit_ends_a_talk(place: Place) -> None:
    called = await place.call(dial(max_duration=3), callees=[ANSWERS])
    assert released(called.record) == ("limit", 16, ["limit"])
    assert called.record.legs[0].talked_ms == 3000


async def test_a_key_ends_the_leg_and_the_flow_the_call(place: Place) -> None:
    follow_on = dial(follow_on=True)
    steps: list[CallerStep] = [Hears(Sound.CALLEE, 500), Keys("*")]
    called = await place.call(follow_on, steps=steps, callees=[replace(ANSWERS, talk_ms=None)])
    assert released(called.record) == ("ringflow", 16, ["caller"])


@pytest.mark.parametrize(
    ("behaviour", "by", "cause", "sip_code"),
    [
        (Behaviour.BUSY, "callee", 17, 486),
        (Behaviour.CONGESTION, "callee", 34, 503),
        (Behaviour.UNAVAILABLE, "callee", 34, None),
        (Behaviour.NO_ANSWER, "ringflow", 19, None),
    ],
)
async def test_an_unanswered_caller_is_told_how_the_last_leg_ended(
    place: Place, behaviour: Behaviour, by: str, cause: int, sip_code: int | None
) -> None:
    called = await place.call(dial(), callees=[Callee(behaviour, 100, None)])
    assert (called.record.released_by, called.record.release_cause) == (by, cause)
    assert {leg.sip_code for leg in called.record.legs} == {sip_code}
    assert {leg.released_by for leg in called.record.legs} == {by}


@pytest.mark.parametrize(
    ("behaviour", "response", "sip_code"),
    [
        pytest.param(Behaviour.BUSY, "SIP 486 Not|now) HANGUP ${EXTEN}", 486, id="text of the network's own"),
        pytest.param(
            Behaviour.NO_ANSWER, "SIP 480 Temporarily Unavailable", 480, id="a network that gave up"
        ),
        pytest.param(Behaviour.NO_ANSWER, "SIP 487 Request Terminated", None, id="the answer to our CANCEL"),
        pytest.param(Behaviour.CONGESTION, "SIP 5030 Strange", None, id="no SIP code"),
        pytest.param(Behaviour.CONGESTION, "ISDN 34", None, id="no SIP"),
    ],
)
async def test_a_leg_has_the_callees_final_response(
    place: Place, monkeypatch: pytest.MonkeyPatch, behaviour: Behaviour, response: str, sip_code: int | None
) -> None:
    monkeypatch.setitem(REFUSALS, behaviour, replace(REFUSALS[behaviour], response=response))
    called = await place.call(dial(), callees=[Callee(behaviour, 100, None)])
    assert {leg.sip_code for leg in called.record.legs} == {sip_code}


async def test_a_rejection_is_ringflows_with_the_cause_of_its_code(place: Place) -> None:
    unknown = await place.call(dial(), caller="441919999999")
    assert released(unknown.record) == ("ringflow", 21, [])
    flow = await place.call(Hangup(slot="hangup", code=486))
    assert released(flow.record) == ("ringflow", 17, [])


def test_a_callee_that_hangs_up_at_the_very_limit_is_named_by_asterisk() -> None:
    leg = Leg("44", "a", LegStatus.ANSWERED, 3000)
    ended = {"caller_gone": False, "at_limit": True}
    assert leg_released_by(leg.status, leg.hangup_cause, by_callee=True, **ended) is ReleasedBy.CALLEE
    assert leg_released_by(leg.status, leg.hangup_cause, by_callee=False, **ended) is ReleasedBy.LIMIT


@pytest.mark.parametrize(
    ("talked_ms", "hung_up_by", "whole", "by"),
    [
        pytest.param(5000, "", False, ReleasedBy.CREDIT, id="the credit was spent"),
        pytest.param(5000, "", True, ReleasedBy.LIMIT, id="the longest talk there may be"),
        pytest.param(4000, "", False, ReleasedBy.CALLER, id="a key, before the moved end"),
        pytest.param(4000, "PJSIP/first-1", False, ReleasedBy.CALLEE, id="after a leg that its callee ended"),
    ],
)
def test_a_limit_that_was_moved_is_judged_by_where_it_was_last(
    talked_ms: int, hung_up_by: str, whole: bool, by: ReleasedBy
) -> None:
    leg = Leg(
        *("44", "a", LegStatus.ANSWERED, talked_ms), released_by=ReleasedBy.LIMIT, hung_up_by=hung_up_by
    )
    assert charged_leg_released_by(leg, 5000, whole=whole) is by


def test_what_was_no_limit_stays_what_it_was() -> None:
    leg = Leg("44", "a", LegStatus.ANSWERED, 5000, released_by=ReleasedBy.CALLEE)
    assert charged_leg_released_by(leg, 5000, whole=False) is ReleasedBy.CALLEE


@pytest.mark.parametrize(
    ("code", "sent", "cause"),
    [(486, 486, 17), (402, 403, 21), (433, 480, 19), (504, 503, 34), (600, 486, 17), (606, 488, 58),
     (603, 603, 16), (607, 603, 16)],
)  # fmt: skip
async def test_an_older_asterisk_sends_the_nearest_code_and_the_record_says_so(
    place: Place, code: int, sent: int, cause: int
) -> None:
    old = await place.call(Hangup(slot="hangup", code=code), missing_applications=frozenset({"pjsiphangup"}))
    assert old.record.reject is not None
    assert (old.sip_code, old.record.reject.sip, old.record.release_cause) == (sent, sent, cause)
    new = await place.call(Hangup(slot="hangup", code=code))
    assert new.record.reject is not None
    assert (new.sip_code, new.record.reject.sip) == (code, code)


async def test_a_fault_before_the_answer_is_told_as_503_and_recorded(place: Place) -> None:
    called = await place.call(Destination(slot="destination", internal="gone"))
    assert called.record.outcome == "error"
    assert called.record.reject is not None
    assert (called.sip_code, called.record.reject.sip, called.record.release_cause) == (503, 503, 34)


def test_every_exit_of_every_slot_type_but_the_good_one_has_a_code() -> None:
    required: dict[str, Any] = {"slot": "any", "seconds": NUMBER, "file": "A/b"}
    for slot_type in slot_types().values():
        if not slot_type.needs_caller:
            # What only decides or counts says nothing of the call by its exit.
            continue
        slot = slot_type.model_construct(**required)
        codes = {name: slot.sip_code(name) for name in slot_type.fixed_exits}
        good = {name for name, code in codes.items() if code is None}
        assert good <= {*slot_type.fixed_exits[:1]}
        assert all(400 <= code < 600 for code in codes.values() if code is not None), codes


@pytest.mark.parametrize(
    ("status", "cause", "known"),
    [
        ("NOANSWER", "34", None),
        ("CANCEL", "16", None),
        ("", "3", None),
        ("BUSY", "17", 17),
        ("ANSWER", "0", None),
    ],
)
def test_the_cause_of_a_lost_leg_is_not_an_earlier_ones(status: str, cause: str, known: int | None) -> None:
    assert leg_end("leg", "", "1000", status, cause).cause == known
