"""What must be true of every call: each invariant is held by right calls and broken by wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ringflow.calls.call_record import CallRecord, SlotVisit
from ringflow.calls.events import CallEvent, Noted, Place, PromptPlayed, SlotLeft
from ringflow.calls.outcome import LegStatus, Reject
from ringflow.simulator.invariants import broken_invariants
from ringflow.simulator.run import SimulatedCall, simulate
from ringflow.simulator.scenario_files import read_scenarios
from ringflow.simulator.stage import Stage

TALK = """
flow: [{slot: audio, file: MISC/goodbye}, {slot: destination, external: "441234567890"}]
scenarios: [{name: a, callee: {answers_after: 1s, hangs_up_after: 5s}, expect: {}}]
"""

THERE = Place("simulated", 0, "tested", "r1", "x")


def wrong_leg(**changes: object) -> Callable[[CallRecord], CallRecord]:
    return lambda record: replace(record, legs=(replace(record.legs[0], **changes),))  # type: ignore[arg-type]


def wrong(**changes: object) -> Callable[[CallRecord], CallRecord]:
    return lambda record: replace(record, **changes)  # type: ignore[arg-type]


def more_events(*events: CallEvent) -> Callable[[CallRecord], CallRecord]:
    return lambda record: replace(record, events=(*events, *record.events))


WRONG = {
    "outcome": wrong(outcome="error", reason="KeyError: x"),
    "events": more_events(Noted(THERE, 7, 9000, "late", "")),
    "duration": wrong(duration_ms=10),
    "legs that Asterisk dialled": wrong(legs=()),
    "leg 1 sent": wrong_leg(sent="49"),
    "leg 1 headers": wrong_leg(headers={"X-Customer-ID": "43"}),
    "leg 1 talked": wrong_leg(talked_ms=5001),
    "leg 1 charged": wrong_leg(talked_ms=0, charged_micros=1),
    "leg 1 released_by": wrong_leg(released_by=None),
    "reject": wrong(reject=Reject(403, "x")),
    "slots": wrong(visits=(SlotVisit("a", "b", "audio", 5, "done"), SlotVisit("a", "c", "audio", 2, "done"))),
    "slot a/b": wrong(visits=(SlotVisit("a", "b", "audio", 0), SlotVisit("a", "c", "audio", 2, "done"))),
    "slot a/waits": wrong(
        visits=(SlotVisit("a", "waits", "app", 0), SlotVisit("a", "c", "audio", 2, "done"))
    ),
    "slot a/deep": wrong(visits=(SlotVisit("a", "b", "app", 0), SlotVisit("a", "deep", "audio", 0, depth=2))),
    "the transcript's end": wrong(outcome="busy"),
    "legs of the transcript": wrong_leg(status=LegStatus.BUSY),
    "exits of the transcript": more_events(SlotLeft(THERE, 1, 0, "audio", "done", None)),
    "prompts that Asterisk was asked for": more_events(PromptPlayed(THERE, 1, 0, "IVR/never")),
}


@pytest.fixture
async def talk(stage: Stage, tmp_path: Path) -> SimulatedCall:
    path = tmp_path / "talk.test.yaml"
    path.write_text(TALK)
    return await simulate(read_scenarios(path)[0], stage)


async def test_a_right_call_breaks_no_invariant(talk: SimulatedCall) -> None:
    assert list(broken_invariants(talk)) == []


@pytest.mark.parametrize("keys", ["", ', {keys: "1"}', ", {hangs_up: true, after: 100ms}"])
async def test_calls_through_apps_that_call_each_other_break_none(
    stage: Stage, tmp_path: Path, keys: str
) -> None:
    path = tmp_path / "frames.test.yaml"
    path.write_text(
        "flow: [{slot: app, call: sub}, {slot: audio, file: MISC/goodbye}]\n"
        "flows: {sub: [{slot: ivr, file: IVR/ivr-please, max: 1, attempts: 1, result: n}]}\n"
        f"scenarios: [{{name: a, caller: [{{hears: IVR/ivr-please}}{keys}], expect: {{}}}}]"
    )
    assert list(broken_invariants(await simulate(read_scenarios(path)[0], stage))) == []


@pytest.mark.parametrize("what", WRONG)
async def test_what_is_not_true_of_a_call_is_named(talk: SimulatedCall, what: str) -> None:
    record = WRONG[what](talk.record)
    broken = replace(talk, carried=replace(talk.carried, record=record))
    assert what in [one.what for one in broken_invariants(broken)]


async def test_a_refusal_must_be_the_one_that_the_caller_got(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "x.test.yaml"
    path.write_text("flow: [{slot: hangup, code: 404}]\nscenarios: [{name: a, expect: {}}]")
    call = await simulate(read_scenarios(path)[0], stage)
    assert list(broken_invariants(call)) == []
    for sip_code in (403, None):
        other = replace(call, carried=replace(call.carried, sip_code=sip_code))
        assert "reject" in [one.what for one in broken_invariants(other)]
