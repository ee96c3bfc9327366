"""What must be true of every simulated call, whatever its scenario says.

`ringflow test` holds every scenario to these, and `ringflow test --random` looks for one that breaks them.
That the books balance and that no hold is left is in `MoneyAfter.findings`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ringflow.calls.call_record import CallRecord, SlotVisit
from ringflow.calls.outcome import LegStatus, Outcome
from ringflow.engine.walk import MAX_FRAMES, MAX_SLOTS_IN_A_CALL
from ringflow.flows.flow import ON_HANGUP
from ringflow.simulator.differences import Difference
from ringflow.simulator.durations import show_duration
from ringflow.simulator.run import SimulatedCall, dialled_legs
from ringflow.simulator.scenario import Expected

TOO_LONG = (
    f"the call went through {MAX_SLOTS_IN_A_CALL} slots",
    f"apps call each other more than {MAX_FRAMES} deep",
)
"""Why a call ends that a caller keeps going: an error of the flow, and the end that it must have."""

CUT = "cut"
"""The event of a transcript that was too long: what follows is not in it."""


def broken_invariants(call: SimulatedCall) -> Iterator[Difference]:
    """Everything that is not true of a call and must be."""
    record, expected = call.record, call.script.expect if call.script is not None else None
    is_fault = record.outcome == Outcome.ERROR and not any(why in record.reason for why in TOO_LONG)
    if is_fault and (expected is None or expected.outcome is None):
        yield Difference("outcome", "any but error", f"error: {record.reason}")
    yield from _times(record)
    yield from _legs(call)
    yield from _refusal(call)
    yield from _visits(record)
    if any(event.event == CUT for event in record.transcript):
        return
    yield from _told(call)


def end_differences(call: SimulatedCall, expected: Expected) -> Iterator[Difference]:
    """That nobody ended the call is what a scenario means only where it says so."""
    if call.endless and expected.endless is None:
        yield Difference("end", "somebody to hang up", "a call without an end")
    elif expected.endless is not None and not call.endless:
        yield Difference("end", f"nobody to hang up within {show_duration(expected.endless)}", "an end")


def _times(record: CallRecord) -> Iterator[Difference]:
    numbers = [event.number for event in record.events]
    if numbers != list(range(1, len(numbers) + 1)):
        yield Difference("events", "numbered from 1 without a gap", str(numbers))
    at_ms = [event.at_ms for event in record.transcript]
    if at_ms and at_ms[-1] > record.duration_ms:
        yield Difference("duration", f"at least {at_ms[-1]} ms, of the last event", f"{record.duration_ms}")


def _legs(call: SimulatedCall) -> Iterator[Difference]:
    dialled = dialled_legs(call.record)
    if len(dialled) != len(call.legs):
        yield Difference("legs that Asterisk dialled", str(len(dialled)), str(len(call.legs)))
        return
    for number, (leg, seen) in enumerate(zip(dialled, call.legs, strict=True), start=1):
        where = f"leg {number}"
        if leg.sent not in seen.target:
            yield Difference(f"{where} sent", seen.target, leg.sent)
        if dict(leg.headers) != dict(seen.headers):
            yield Difference(f"{where} headers", str(dict(seen.headers)), str(dict(leg.headers)))
        if leg.status is not LegStatus.ANSWERED and leg.talked_ms:
            yield Difference(f"{where} talked", f"nothing, it was {leg.status}", f"{leg.talked_ms} ms")
        if seen.callee.talk_ms is not None and leg.talked_ms > seen.callee.talk_ms:
            yield Difference(f"{where} talked", f"at most {seen.callee.talk_ms} ms", f"{leg.talked_ms} ms")
        if not leg.talked_ms and leg.charged_micros:
            yield Difference(f"{where} charged", "nothing without a talk", str(leg.charged_micros))
        if leg.released_by is None:
            yield Difference(f"{where} released_by", "somebody", "nobody")


def _refusal(call: SimulatedCall) -> Iterator[Difference]:
    """A caller who was answered is not refused, and one who was not gets the code that is on record."""
    record, sip = call.record, call.carried.sip_code
    if call.timeline.answered and (sip is not None or record.reject is not None):
        yield Difference("reject", "none, the caller was answered", f"{record.reject or sip}")
    if record.reject is not None and record.reject.sip != sip:
        yield Difference("reject", f"{sip} that the caller got", str(record.reject.sip))
    if (
        sip is None
        and not call.timeline.answered
        and call.timeline.hung_up_at_ms is None
        and not call.endless
    ):
        yield Difference("end", "an answer, a refusal or a hang-up", "none of them")


def _visits(record: CallRecord) -> Iterator[Difference]:
    entered_ms = [visit.entered_ms for visit in record.visits]
    if entered_ms != sorted(entered_ms):
        yield Difference("slots", "entered one after the other", str(entered_ms))
    depth = -1
    for number, visit in enumerate(record.visits):
        if not 0 <= visit.depth <= depth + 1:
            yield Difference(f"slot {visit.app}/{visit.slot}", f"0 to {depth + 1} deep", str(visit.depth))
        depth = visit.depth
        # Only the apps that a slot called may still run where the call ends, and what runs after it.
        goes_on = any(
            later.depth <= visit.depth and not later.slot.startswith(ON_HANGUP)
            for later in record.visits[number + 1 :]
        )
        if visit.exit is None and goes_on:
            yield Difference(f"slot {visit.app}/{visit.slot}", "an exit, for another slot follows", "none")


def _as_left(visits: Sequence[SlotVisit]) -> list[SlotVisit]:
    """Return the visits in the order in which they ended: a slot ends after those of an app that it calls."""
    left: list[SlotVisit] = []
    inside: list[SlotVisit] = []
    for visit in visits:
        while inside and inside[-1].depth >= visit.depth:
            left.append(inside.pop())
        inside.append(visit)
    return [*left, *reversed(inside)]


def _told(call: SimulatedCall) -> Iterator[Difference]:
    """The transcript says what the rest of the record says, and what Asterisk was asked for."""
    record, events = call.record, call.record.transcript

    def details(*names: str) -> list[str]:
        return [event.detail for event in events if event.event in names]

    yield from _same("the transcript's end", [record.outcome], details("ended"))
    statuses = sorted(str(leg.status) for leg in record.legs)
    yield from _same(
        "legs of the transcript", statuses, sorted(word for word in details("leg") if word != "ended")
    )
    yield from _same(
        "exits of the transcript", [v.exit for v in _as_left(record.visits) if v.exit], details("exit")
    )
    asked, told = call.carried.asked_prompts, set(details("prompt"))
    if not told <= asked | set(call.carried.missing_prompts) | _cut_off(call):
        yield Difference("prompts that Asterisk was asked for", f"all of {sorted(told)}", str(sorted(asked)))
    answered = sum(leg.status is LegStatus.ANSWERED for leg in record.legs)
    if call.timeline.answered is not bool(answered or details("answered")):
        yield Difference("the caller's answer", str(call.timeline.answered), f"{not call.timeline.answered}")


def _cut_off(call: SimulatedCall) -> set[str]:
    """The prompts of the last command, which may have come when the caller was gone."""
    prompts = [event for event in call.record.transcript if event.event == "prompt"]
    if call.timeline.hung_up_at_ms is None or not prompts:
        return set()
    return {event.detail for event in prompts if event.at_ms == prompts[-1].at_ms}


def _same(what: str, expected: list[str], came: list[str]) -> Iterator[Difference]:
    if expected != came:
        yield Difference(what, str(expected), str(came))
