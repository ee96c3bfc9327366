"""A call as its events tell of it: what its record, and the draft of that, are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ringflow.calls import events
from ringflow.calls.call_record import CallRecord, SlotVisit
from ringflow.calls.outcome import Ending, Leg, LegStatus, Outcome, Reject, ReleasedBy

MAX_EVENTS = 2000
"""A call that goes on longer is still carried and recorded; its transcript says that it was cut."""

SERVER_LOST = "its server was gone before the call ended"


class CallHistory:
    """Everything that events have said of one call so far.

    `legs` are the attempts that are over, refused ones included; `dialled` is the one that Asterisk is
    carrying out, and `talking` whether its callee is known to have answered. `leg_at_end` is the last leg,
    if no slot came after it. `progress` grows when the call has come further: to a slot or a customer, or a
    leg began or ended. `keyed_at_ms`: when the keys came after which nothing was dialled yet.
    """

    def __init__(self, place: events.Place) -> None:
        self.place = place
        self.happened: list[events.CallEvent] = []
        self.started: events.CallStarted | None = None
        self.ended: events.CallEnded | None = None
        self.customer_id: int | None = None
        self.card_id: str | None = None
        self.answered_by_us = False
        self.reject: Reject | None = None
        self.visits: list[SlotVisit] = []
        self._visit: SlotVisit | None = None
        self._waiting: list[SlotVisit] = []
        self.legs: list[Leg] = []
        self.dialled: events.LegDialled | None = None
        self.talking = False
        self.leg_at_end: Leg | None = None
        self.progress = 0
        self.keyed_at_ms: int | None = None
        self._record: CallRecord | None = None

    @property
    def connected(self) -> bool:
        """Whether the caller has talked to a callee."""
        return any(leg.status is LegStatus.ANSWERED for leg in self.legs)

    @property
    def answered(self) -> bool:
        """Whether the caller's channel is answered: by us, or by Asterisk when a callee answered."""
        return self.answered_by_us or self.connected

    def add(self, event: events.CallEvent) -> None:
        """Take in what happened next."""
        self.place = event.place
        kept = len(self.happened)
        if kept < MAX_EVENTS:
            self.happened.append(event)
        elif kept == MAX_EVENTS:
            detail = f"more than {MAX_EVENTS} events"
            self.happened.append(events.Noted(event.place, event.number, event.at_ms, "cut", detail))
        take_in = _TAKE_IN.get(type(event))
        if take_in is not None:
            take_in(self, event)

    def record(self) -> CallRecord:
        """What is known now that the call is over."""
        assert self.ended is not None, "a call has its record when it is over"
        if self._record is None:
            self._record = self._made_of(self.ended)
        return self._record

    def record_if_lost(self, now_ms: int) -> CallRecord:
        """What the record would be if the server were gone now, `now_ms` after the call's arrival."""
        return self._made_of(
            events.CallEnded(
                self.place,
                number=0,
                at_ms=now_ms,
                outcome=Outcome.LOST,
                reason=SERVER_LOST,
                released_by=ReleasedBy.SERVER,
                release_cause=None,
                sip=None,
            )
        )

    def _made_of(self, ended: events.CallEnded) -> CallRecord:
        started, place = self.started, self.place
        assert started is not None, "a call begins with its start"
        under_way = (_lost(self.dialled),) if self.dialled is not None else ()
        reject = self.reject
        if reject is not None and ended.sip is not None:
            reject = Reject(ended.sip, reject.reason)
        return CallRecord(
            call_id=place.call_id,
            did=started.did,
            cli=started.cli,
            app=started.place.app,
            revision=started.place.revision,
            customer=self.customer_id,
            outcome=ended.outcome,
            reason=ended.reason,
            started_at_s=place.began_ms / 1000,
            duration_ms=ended.at_ms,
            reject=reject,
            variables=dict(ended.variables),
            legs=(*self.legs, *under_way),
            events=tuple(self.happened),
            visits=tuple(self.visits),
            released_by=ended.released_by,
            release_cause=ended.release_cause,
            asterisk=started.asterisk,
            card=self.card_id,
        )

    def _start(self, event: events.CallStarted) -> None:
        self.started = event

    def _identify(self, event: events.CallIdentified) -> None:
        if event.card_id is not None or event.customer_id != self.customer_id:
            self.card_id = event.card_id
        self.customer_id = event.customer_id
        self.progress += 1

    def _answer(self, event: events.CallAnswered) -> None:
        self.answered_by_us = True

    def _reject(self, event: events.CallRejected) -> None:
        if not self.answered:
            self.reject = Reject(event.sip, event.reason)

    def _enter_slot(self, event: events.SlotEntered) -> None:
        place = event.place
        self._visit = SlotVisit(
            place.app or "",
            place.slot,
            event.slot_type,
            event.at_ms,
            depth=place.depth,
            revision=place.revision,
        )
        self.visits.append(self._visit)
        self.leg_at_end = None
        self.progress += 1

    def _leave_slot(self, event: events.SlotLeft) -> None:
        app = event.app_entered
        assert self._visit is not None, "a slot that is left was entered"
        self._visit.exit = event.exit if app is None else f"app:{app}"

    def _call_app(self, event: events.AppCalled) -> None:
        assert self._visit is not None, "a slot calls the app"
        self._waiting.append(self._visit)

    def _return(self, event: events.AppReturned) -> None:
        self._visit = self._waiting.pop()

    def _collect(self, event: events.DigitsCollected) -> None:
        if self._visit is not None:
            self._visit.keys += (event.digits,)
        if event.digits or event.ending is not Ending.SILENCE:
            self.keyed_at_ms = event.at_ms

    def _dial(self, event: events.LegDialled) -> None:
        self.dialled = event
        self.keyed_at_ms = None
        self.progress += 1

    def _answer_leg(self, event: events.LegAnswered) -> None:
        self.talking = True

    def _end_leg(self, event: events.LegEnded) -> None:
        self.legs.append(event.ended)
        self.dialled, self.talking, self.leg_at_end = None, False, event.ended
        self.keyed_at_ms = None
        self.progress += 1

    def _end(self, event: events.CallEnded) -> None:
        self.ended = event


_TAKE_IN: dict[type[events.CallEvent], Callable[[CallHistory, Any], None]] = {
    events.CallStarted: CallHistory._start,
    events.CallIdentified: CallHistory._identify,
    events.CallAnswered: CallHistory._answer,
    events.CallRejected: CallHistory._reject,
    events.SlotEntered: CallHistory._enter_slot,
    events.SlotLeft: CallHistory._leave_slot,
    events.AppCalled: CallHistory._call_app,
    events.AppReturned: CallHistory._return,
    events.DigitsCollected: CallHistory._collect,
    events.LegDialled: CallHistory._dial,
    events.LegAnswered: CallHistory._answer_leg,
    events.LegEnded: CallHistory._end_leg,
    events.CallEnded: CallHistory._end,
}
"""What of a call each event changes; the others change nothing of it."""


def _lost(dialled: events.LegDialled) -> Leg:
    """A leg under way as it is known if its server is lost."""
    return Leg(
        dialled=dialled.dialled,
        trunk=dialled.trunk,
        status=LegStatus.LOST,
        caller_id=dialled.caller_id,
        leg_id=dialled.leg_id,
        released_by=ReleasedBy.SERVER,
        keyed=dialled.keyed,
        sent=dialled.sent,
        as_keyed=dialled.as_keyed,
    )
