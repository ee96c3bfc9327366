"""One stream of events: what observers are told, in which order, and what becomes of those that fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection
from typing import Any

import pytest
from structlog.testing import capture_logs

from ringflow.calls import events
from ringflow.calls.event_json import event_json, type_name
from ringflow.calls.event_stream import (
    EVERY_EVENT,
    FAILURES_LOGGED_EVERY,
    SUBSCRIPTION_SIZE,
    CallEvents,
    EventStream,
)
from ringflow.calls.history import MAX_EVENTS, CallHistory
from ringflow.calls.outcome import Ending, Leg, LegStatus, Outcome, Reject, ReleasedBy
from ringflow.simulator.clock import VirtualClock

BEGAN_S = 1_767_225_600.25
AT = events.Place("c1", 1_767_225_600_250, "card", "r1", "ask")
NUMBER = "441234567890"
LEG = Leg(
    NUMBER,
    "carrier",
    LegStatus.ANSWERED,
    talked_ms=5000,
    hangup_cause=16,
    headers={"X-CX-Sec": "v1.a-signature"},
    leg_id="c1.1@1.1",
    charged_micros=10_000,
    released_by=ReleasedBy.CALLEE,
    sip_code=200,
)
DIALLED: dict[str, Any] = {
    "dialled": NUMBER,
    "keyed": NUMBER,
    "sent": NUMBER,
    "as_keyed": False,
    "caller_id": None,
}

FORMS: dict[events.CallEvent, dict[str, object]] = {
    events.CallStarted(AT, 1, 0, "18005550100", None, "175-1", "PJSIP/x-1"): {
        "did": "18005550100",
        "cli": None,
        "asterisk": "175-1",
        "channel": "PJSIP/x-1",
    },
    events.CallIdentified(AT, 2, 5, 42, "106367704089"): {"customer": 42, "card": "106367704089"},
    events.CallAnswered(AT, 2, 5): {},
    events.CallRejected(AT, 2, 5, 486, "DID Channels Full"): {
        "reject_sip": 486,
        "reason": "DID Channels Full",
    },
    events.SlotEntered(AT, 2, 5, "ivr"): {"slot_type": "ivr"},
    events.SlotLeft(AT, 2, 5, "ivr", "done", None): {
        "slot_type": "ivr",
        "exit": "done",
        "app_entered": None,
    },
    events.AppCalled(AT, 2, 5, "ask_number"): {"called": "ask_number"},
    events.AppReturned(AT, 2, 5, "gave_up"): {"exit": "gave_up"},
    events.PromptPlayed(AT, 2, 5, "IVR/ask"): {"prompt": "IVR/ask"},
    events.PromptMissing(AT, 2, 5, "IVR/ask"): {"prompt": "IVR/ask"},
    events.DigitsCollected(AT, 2, 5, "****", Ending.TERMINATOR): {"digits": "****", "ending": "terminator"},
    events.CreditHeld(AT, 2, 5, 1, "c1.1@1.1", 42, 1_500_000, "USD", 60_000): {
        "leg": 1,
        "leg_id": "c1.1@1.1",
        "customer": 42,
        "amount": "1.50",
        "currency": "USD",
        "limit_s": 60,
    },
    events.CreditExtended(AT, 2, 5, 1, 12_345, "USD", 90_000): {
        "leg": 1,
        "amount": "0.012345",
        "currency": "USD",
        "limit_s": 90,
    },
    events.CreditWarned(AT, 2, 5, 1, 4000): {"leg": 1, "left_s": 4},
    events.LegRinging(AT, 2, 5, 1): {"leg": 1},
    events.LegAnswered(AT, 2, 5, 1): {"leg": 1},
    events.RecordingStarted(AT, 2, 5, "3f0c"): {"recording": "3f0c"},
    events.RecordingEnded(AT, 2, 5, "3f0c", 1500, events.RecordingEnd.KEY): {
        "recording": "3f0c",
        "length_s": 1.5,
        "ended_by": "key",
    },
    events.CallOrdered(AT, 2, 5, events.OrderKind.REDIRECT, "card/ask", "ann"): {
        "order": "redirect",
        "detail": "card/ask",
        "operator": "ann",
    },
    events.Noted(AT, 2, 5, "no_input", "attempt 1 of 3"): {"what": "no_input", "detail": "attempt 1 of 3"},
    events.HungUp(AT, 2, 5, connection_lost=False): {"connection_lost": False},
    events.CallFailed(AT, 2, 5, "StoreGone"): {"error": "StoreGone"},
}


@pytest.mark.parametrize("event", FORMS, ids=lambda one: type(one).__name__)
def test_every_event_has_the_json_form_that_the_documentation_gives(event: events.CallEvent) -> None:
    form = event_json(event)
    assert json.loads(json.dumps(form)) == form
    common = {
        "version": 1,
        "type": type_name(type(event)),
        "call_id": "c1",
        "number": event.number,
        "at": "2026-01-01T00:00:00.255Z" if event.at_ms else "2026-01-01T00:00:00.250Z",
        "at_s": 0.005 if event.at_ms else 0,
        "app": "card",
        "revision": "r1",
        "slot": "ask",
        "depth": 0,
    }
    assert form == common | FORMS[event]


def test_a_leg_in_json_has_no_headers_and_the_end_of_a_call_no_variables() -> None:
    dialled = events.LegDialled(AT, 2, 5, leg=1, leg_id="", trunk="carrier", **DIALLED, since_keys_ms=30)
    assert event_json(dialled)["since_keys_s"] == 0.03
    assert event_json(dialled)["dialled_as_keyed"] is False
    ended = event_json(events.LegEnded(AT, 3, 9, 1, LEG))
    assert (ended["leg"], ended["status"], ended["talked_s"], ended["sip_code"]) == (1, "answered", 5, 200)
    over = event_json(
        events.CallEnded(AT, 4, 9, "completed", "", ReleasedBy.CALLER, 16, None, {"pin": "90817"})
    )
    assert (over["outcome"], over["released_by"], over["release_cause"]) == ("completed", "caller", 16)
    assert over["reject_sip"] is None
    text = json.dumps([ended, over])
    assert "a-signature" not in text
    assert "90817" not in text


def test_every_type_of_event_is_known_to_the_stream() -> None:
    types = {
        one for one in vars(events).values() if isinstance(one, type) and issubclass(one, events.CallEvent)
    }
    assert set(EVERY_EVENT) == types - {events.CallEvent}
    assert {type(event) for event in FORMS} | {events.LegDialled, events.LegEnded, events.CallEnded} == set(
        EVERY_EVENT
    )


class Kept:
    """Keeps what it is told, and how much of the call was known with it."""

    def __init__(self, *kinds: type[events.CallEvent]) -> None:
        self.observed: Collection[type[events.CallEvent]] = kinds or EVERY_EVENT
        self.told: list[events.CallEvent] = []
        self.known: list[int] = []

    def observe(self, event: events.CallEvent, history: CallHistory) -> None:
        self.told.append(event)
        self.known.append(len(history.happened))


class Failing:
    """Fails on everything that it is told."""

    observed = EVERY_EVENT

    def observe(self, event: events.CallEvent, history: CallHistory) -> None:
        raise RuntimeError("no disk")


def start(told: CallEvents) -> None:
    told.emit(events.CallStarted, did="18005550100", cli=None, asterisk="", channel="")


def test_an_observer_is_told_what_it_observes_with_the_call_as_it_stands() -> None:
    clock, everything, slots = VirtualClock(BEGAN_S), Kept(), Kept(events.SlotEntered, events.SlotLeft)
    told = CallEvents("c1", clock, EventStream([everything, slots]))
    start(told)
    clock.advance_to(clock.monotonic_ms() + 40)
    told.enter_slot("card", "r1", "ask", "ivr")
    clock.advance_to(clock.monotonic_ms() + 2)
    told.emit(events.PromptPlayed, "IVR/ask")
    told.emit(events.SlotLeft, "ivr", "done", None)
    assert [type(one).__name__ for one in everything.told] == [
        "CallStarted",
        "SlotEntered",
        "PromptPlayed",
        "SlotLeft",
    ]
    assert [type(one).__name__ for one in slots.told] == ["SlotEntered", "SlotLeft"]
    assert everything.known == [1, 2, 3, 4]
    assert [one.number for one in everything.told] == [1, 2, 3, 4]
    assert [one.at_ms for one in everything.told] == [0, 40, 42, 42]
    assert [one.place.slot for one in everything.told] == ["", "ask", "ask", "ask"]
    assert (everything.told[2].place.app, everything.told[2].place.revision) == ("card", "r1")
    assert everything.told[2].time_ms == round(BEGAN_S * 1000) + 42


def test_an_observer_that_fails_costs_neither_the_call_nor_the_other_observers() -> None:
    after = Kept()
    stream = EventStream([Failing(), after])
    told = CallEvents("c1", VirtualClock(), stream)
    with capture_logs() as logs:
        for _ in range(FAILURES_LOGGED_EVERY + 1):
            told.emit(events.CallAnswered)
    assert len(after.told) == FAILURES_LOGGED_EVERY + 1
    assert stream.failures == {"Failing": FAILURES_LOGGED_EVERY + 1}
    assert [(one["event"], one["observer"], one["call_id"], one["failures"]) for one in logs] == [
        ("observer failed", "Failing", "c1", 1),
        ("observer failed", "Failing", "c1", FAILURES_LOGGED_EVERY + 1),
    ]


async def test_a_subscription_gives_the_events_of_one_call_or_of_all_until_it_ends() -> None:
    stream = EventStream()
    first, second = (CallEvents(name, VirtualClock(), stream) for name in ("c1", "c2"))
    with stream.subscribed() as all_calls, stream.subscribed("c2") as one_call:
        for told in (first, second):
            start(told)
        assert [(await anext(all_calls)).call_id for _ in range(2)] == ["c1", "c2"]
        assert (await anext(one_call)).call_id == "c2"
        waiting = asyncio.ensure_future(anext(one_call))
        await asyncio.sleep(0)
        first.note("not this one")
        await asyncio.sleep(0)
        assert not waiting.done()
        second.note("this one")
        assert (await waiting).place.call_id == "c2"
    second.note("after the end")
    assert [type(await anext(all_calls)).__name__ for _ in range(2)] == ["Noted", "Noted"]
    rest = asyncio.ensure_future(anext(all_calls))
    await asyncio.sleep(0)
    assert not rest.done()
    rest.cancel()


async def test_a_slow_reader_loses_the_oldest_events_and_can_see_how_many() -> None:
    stream = EventStream()
    told = CallEvents("c1", VirtualClock(), stream)
    with stream.subscribed() as reader:
        for number in range(SUBSCRIPTION_SIZE + 3):
            told.note(f"{number}")
        assert reader.missed == 3
        first = await anext(reader)
    assert (first.number, isinstance(first, events.Noted) and first.what) == (4, "3")


def test_a_call_that_tells_nobody_has_its_history() -> None:
    told = CallEvents("c1", VirtualClock(), None)
    start(told)
    assert told.history.started is not None


def history(*happened: events.CallEvent) -> CallHistory:
    made = CallHistory(AT)
    made.add(events.CallStarted(AT, 1, 0, "18005550100", "441910000001", "175-1", "PJSIP/x-1"))
    for event in happened:
        made.add(event)
    return made


def end(at_ms: int = 9000, sip: int | None = None) -> events.CallEnded:
    return events.CallEnded(AT, 99, at_ms, Outcome.COMPLETED, "", ReleasedBy.RINGFLOW, 16, sip)


def dialled(leg: int, at_ms: int, leg_id: str = "c1.1@1.1") -> events.LegDialled:
    return events.LegDialled(
        AT, 5, at_ms, leg=leg, leg_id=leg_id, trunk="carrier", **DIALLED, since_keys_ms=None
    )


def test_a_leg_under_way_is_lost_in_the_draft_and_gone_from_it_when_it_ended() -> None:
    known = history(dialled(1, 3000))
    assert known.record_if_lost(4000).legs == (
        Leg(
            NUMBER,
            "carrier",
            LegStatus.LOST,
            leg_id="c1.1@1.1",
            released_by=ReleasedBy.SERVER,
            keyed=NUMBER,
            sent=NUMBER,
        ),
    )
    assert not known.talking
    known.add(events.LegAnswered(AT, 6, 3500, 1))
    assert known.talking
    known.add(events.LegEnded(AT, 7, 8500, 1, LEG))
    assert (known.talking, known.dialled) == (False, None)
    draft = known.record_if_lost(8600)
    assert (draft.legs, draft.outcome, draft.released_by) == ((LEG,), "lost", "server")
    assert (draft.duration_ms, draft.release_cause, draft.reason) == (
        8600,
        None,
        "its server was gone before the call ended",
    )


def test_the_leg_at_the_end_is_the_last_one_that_no_slot_came_after() -> None:
    known = history(events.SlotEntered(AT, 2, 0, "destination"), events.LegEnded(AT, 3, 10, 1, LEG))
    assert known.leg_at_end is LEG
    known.add(events.SlotLeft(AT, 4, 10, "destination", "done", None))
    assert known.leg_at_end is LEG
    known.add(events.SlotEntered(AT, 5, 10, "audio"))
    assert known.leg_at_end is None


@pytest.mark.parametrize(
    "further",
    [
        events.SlotEntered(AT, 2, 0, "ivr"),
        events.CallIdentified(AT, 2, 0, 42, None),
        dialled(1, 0),
        events.LegEnded(AT, 2, 0, 1, LEG),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_call_has_come_further_with_slots_customers_and_legs_and_not_with_prompts(
    further: events.CallEvent,
) -> None:
    known = history(events.PromptPlayed(AT, 2, 0, "IVR/ask"), events.CallAnswered(AT, 3, 0))
    assert known.progress == 0
    known.add(further)
    assert known.progress == 1


def test_keys_lead_to_the_next_attempt_to_dial_alone() -> None:
    clock = VirtualClock()
    told = CallEvents("c1", clock, None)
    assert told.since_keys_ms() is None
    told.emit(events.DigitsCollected, "", Ending.SILENCE)
    assert told.since_keys_ms() is None
    told.emit(events.DigitsCollected, NUMBER, Ending.MAXIMUM)
    clock.advance_to(clock.monotonic_ms() + 70)
    assert told.since_keys_ms() == 70
    told.emit(events.LegDialled, leg=1, leg_id="", trunk="carrier", **DIALLED, since_keys_ms=70)
    assert told.since_keys_ms() is None


def test_a_rejection_is_on_record_with_the_code_that_was_sent_and_none_after_an_answer() -> None:
    rejected = events.CallRejected(AT, 2, 0, 404, "DID Not Found")
    unanswered = history(rejected, end(sip=480))
    assert unanswered.record().reject == Reject(480, "DID Not Found")
    answered = history(events.CallAnswered(AT, 2, 0), rejected, end())
    assert answered.record().reject is None


@pytest.mark.parametrize(("later", "card"), [(42, "106367704089"), (43, None)])
def test_a_record_has_the_card_of_the_customer_who_pays_at_last(later: int, card: str | None) -> None:
    known = history(
        events.CallIdentified(AT, 2, 0, 42, "106367704089"),
        events.CallIdentified(AT, 3, 1, later, None),
        end(),
    )
    assert (known.record().customer, known.record().card) == (later, card)


def test_an_endless_call_keeps_so_many_events_and_all_of_its_legs() -> None:
    known = history(*(events.PromptPlayed(AT, number, number, "IVR/ask") for number in range(MAX_EVENTS)))
    known.add(events.LegEnded(AT, 0, 5000, 1, LEG))
    known.add(end())
    record = known.record()
    assert record.legs == (LEG,)
    assert len(record.events) == MAX_EVENTS + 1
    assert (record.transcript[-1].event, record.transcript[-1].detail) == (
        "cut",
        f"more than {MAX_EVENTS} events",
    )


def test_a_transcript_has_what_became_known_late_in_its_place() -> None:
    lines = history(
        dialled(1, 3000),
        events.CreditWarned(AT, 6, 7000, 1, 4000),
        events.LegRinging(AT, 7, 3200, 1),
        events.LegAnswered(AT, 8, 3500, 1),
        events.LegEnded(AT, 9, 8500, 1, LEG),
        end(),
    ).record()
    assert [(one.at_ms, f"{one.event} {one.detail}".strip()) for one in lines.transcript] == [
        (3000, f"dial {NUMBER} via carrier"),
        (3500, "leg answered"),
        (7000, "warned 4 s left"),
        (8500, "leg ended"),
        (9000, "ended completed"),
    ]
