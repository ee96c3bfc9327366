"""The form of a call that was just made, by the simulator or the lab: with variables and transcript."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ringflow.calls.call_record import CallRecord
from ringflow.calls.outcome import Leg
from ringflow.forms.call import SlotVisitForm
from ringflow.forms.json_value import seconds
from ringflow.moments import Moment


@dataclass(frozen=True, slots=True)
class MadeLegForm:
    """An outgoing attempt; `headers` are those that were added to its INVITE."""

    position: int
    leg_id: str | None
    dialled: str
    keyed: str | None
    sent: str | None
    trunk: str
    status: str
    reason: str | None
    sip_code: int | None
    hangup_cause: int | None
    released_by: str | None
    caller_id: str | None
    ended_s: float | None
    talked_s: float | None
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TranscriptEventForm:
    """One line of a call's transcript. Of a call on record `event` is `slot`, `leg` or `ended`."""

    at_s: float
    slot: str
    event: str
    detail: str


@dataclass(frozen=True, slots=True)
class MadeCallForm:
    """A call that was just made. `variables` are those of the flow at the call's end."""

    call_id: str
    started_at: Moment
    duration_s: float
    did: str
    cli: str | None
    app: str | None
    revision: str | None
    customer: int | None
    outcome: str
    reason: str
    reject_sip: int | None
    reject_reason: str | None
    release_cause: int | None
    released_by: str | None
    variables: Mapping[str, object]
    legs: tuple[MadeLegForm, ...]
    slots: tuple[SlotVisitForm, ...]
    transcript: tuple[TranscriptEventForm, ...]


def made_call_form(record: CallRecord) -> MadeCallForm:
    """Return what is known of a call that is over, before it is on record."""
    return MadeCallForm(
        call_id=record.call_id,
        started_at=Moment(round(record.started_at_s * 1000)),
        duration_s=record.duration_ms / 1000,
        did=record.did,
        cli=record.cli,
        app=record.app,
        revision=record.revision,
        customer=record.customer,
        outcome=str(record.outcome),
        reason=record.reason,
        reject_sip=record.reject.sip if record.reject else None,
        reject_reason=record.reject.reason if record.reject else None,
        release_cause=record.release_cause,
        released_by=None if record.released_by is None else str(record.released_by),
        variables=record.variables,
        legs=tuple(_leg_form(position, leg) for position, leg in enumerate(record.legs, start=1)),
        slots=tuple(
            SlotVisitForm(
                position=position,
                app=one.app,
                slot=one.slot,
                type=one.type,
                entered_s=one.entered_ms / 1000,
                exit=one.exit,
                keys=" ".join(one.keys),
                depth=one.depth,
                revision=one.revision,
            )
            for position, one in enumerate(record.visits, start=1)
        ),
        transcript=tuple(
            TranscriptEventForm(event.at_ms / 1000, event.slot, event.event, event.detail)
            for event in record.transcript
        ),
    )


def _leg_form(position: int, leg: Leg) -> MadeLegForm:
    return MadeLegForm(
        position=position,
        leg_id=leg.leg_id or None,
        dialled=leg.dialled,
        keyed=leg.keyed or None,
        sent=leg.sent or None,
        trunk=leg.trunk,
        status=str(leg.status),
        reason=leg.reason or None,
        sip_code=leg.sip_code,
        hangup_cause=leg.hangup_cause or None,
        released_by=None if leg.released_by is None else str(leg.released_by),
        caller_id=leg.caller_id,
        ended_s=seconds(leg.ended_ms),
        talked_s=seconds(leg.talked_ms),
        headers=leg.headers,
    )
