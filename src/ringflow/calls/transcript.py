"""What happened in a call, line by line: the same words from a simulated call and a real one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter

from ringflow.calls import events
from ringflow.calls.outcome import NEVER_DIALLED, LegStatus

MAX_DETAIL = 200


@dataclass(frozen=True, slots=True)
class TranscriptLine:
    """One line. `at_ms` counts from the call's arrival, by the call's clock.

    `slot` is the label of the slot. In an app that another one called it has the app too, and a `>` for each
    app that waits for it.
    """

    at_ms: int
    slot: str
    event: str
    detail: str = ""


def transcript_of(happened: Iterable[events.CallEvent]) -> tuple[TranscriptLine, ...]:
    """The lines in the order of their times; what was told first stays first among those of one time."""
    in_order = sorted(happened, key=attrgetter("at_ms"))
    return tuple(
        TranscriptLine(event.at_ms, _label(event.place), word, detail[:MAX_DETAIL])
        for event in in_order
        for word, detail in _words(event)
    )


def _label(place: events.Place) -> str:
    return f"{'>' * place.depth} {place.app}/{place.slot}" if place.depth else place.slot


def _words(event: events.CallEvent) -> Iterator[tuple[str, str]]:
    """The lines of one event: word and detail. Some have no line."""
    match event:
        case events.PromptPlayed(prompt=prompt):
            yield "prompt", prompt
        case events.PromptMissing(prompt=prompt):
            yield "prompt_missing", prompt
        case events.DigitsCollected(digits=digits, ending=ending):
            yield "keys", f"{digits} ({ending})"
        case events.SlotLeft(exit=exit_name, app_entered=app):
            yield "exit", exit_name if app is None else f"app:{app}"
        case events.AppCalled(called=app):
            yield "app_called", app
        case events.AppReturned(exit=exit_name):
            yield "app_returned", exit_name
        case events.CallIdentified(customer_id=customer) if event.place.slot:
            yield "identified", f"customer {customer}"
        case events.CallAnswered():
            yield "answered", ""
        case events.CallRejected(sip=sip, reason=reason):
            yield "rejected", f"{sip} {reason}"
        case events.LegDialled():
            sent = f" as {event.sent}" if event.sent != event.dialled else ""
            yield "dial", f"{event.dialled} via {event.trunk}{sent}"
        case events.LegAnswered():
            yield "leg", LegStatus.ANSWERED.value
        case events.LegEnded(ended=leg):
            if leg.status in NEVER_DIALLED:
                yield leg.status.value, leg.reason
            yield "leg", "ended" if leg.status is LegStatus.ANSWERED else leg.status.value
        case events.CreditExtended(limit_ms=limit_ms):
            yield "prolonged", f"to {limit_ms / 1000:g} s"
        case events.CreditWarned(left_ms=left_ms):
            yield "warned", f"{left_ms / 1000:.0f} s left"
        case events.CallOrdered(order=order, detail=detail, operator=operator):
            yield "ordered", f"{order} {detail}".rstrip() + f" by {operator}"
        case events.RecordingStarted():
            yield "recording", ""
        case events.RecordingEnded(ended_by=ended_by):
            yield "recorded", f"until {ended_by.value}"
        case events.Noted(what=what, detail=detail):
            yield what, detail
        case events.HungUp():
            yield "hung_up", ""
        case events.CallFailed(error=error):
            yield "failed", error
        case events.CallEnded(outcome=outcome):
            yield "ended", outcome
