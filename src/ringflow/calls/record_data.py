"""The record of a call that is over, as scripts are given it: the names of `record show --json`, as far as
they are known before the record is written.
"""

from __future__ import annotations

from pydantic import JsonValue

from ringflow.calls.call_record import CallRecord, SlotVisit
from ringflow.calls.outcome import Leg
from ringflow.moments import iso_utc
from ringflow.money import format_amount

MAX_SLOTS = 200
"""How many slots a script is told of; those after them are left out."""


def record_data(record: CallRecord, currency: str | None) -> dict[str, JsonValue]:
    """Return the record as JSON. `currency`: of what was charged, None where nobody paid."""
    legs: list[JsonValue] = [_leg(at, leg, currency) for at, leg in enumerate(record.legs, start=1)]
    slots: list[JsonValue] = [_slot(visit) for visit in record.visits[:MAX_SLOTS]]
    variables: JsonValue = dict(record.variables)
    return {
        "call_id": record.call_id,
        "started_at": iso_utc(round(record.started_at_s * 1000)),
        "duration_s": record.duration_ms / 1000,
        "did": record.did,
        "cli": record.cli,
        "app": record.app,
        "revision": record.revision,
        "card": record.card,
        "customer": record.customer,
        "outcome": record.outcome,
        "reason": record.reason,
        "reject_sip": record.reject.sip if record.reject is not None else None,
        "release_cause": record.release_cause,
        "released_by": record.released_by,
        "asterisk": record.asterisk or None,
        "legs": legs,
        "slots": slots,
        "variables": variables,
    }


def _leg(position: int, leg: Leg, currency: str | None) -> JsonValue:
    charged = leg.charged_micros
    return {
        "position": position,
        "leg_id": leg.leg_id or None,
        "dialled": leg.dialled,
        "keyed": leg.keyed or None,
        "sent": leg.sent or None,
        "dialled_as_keyed": leg.as_keyed,
        "trunk": leg.trunk,
        "status": leg.status,
        "reason": leg.reason or None,
        "sip_code": leg.sip_code,
        "hangup_cause": leg.hangup_cause,
        "released_by": leg.released_by,
        "caller_id": leg.caller_id,
        "ended_s": None if leg.ended_ms is None else leg.ended_ms / 1000,
        "talked_s": leg.talked_ms / 1000,
        "charged": None if charged is None or currency is None else format_amount(charged, currency),
        "currency": currency,
    }


def _slot(visit: SlotVisit) -> JsonValue:
    return {
        "app": visit.app,
        "slot": visit.slot,
        "type": visit.type,
        "entered_s": visit.entered_ms / 1000,
        "exit": visit.exit,
        "keys": " ".join(visit.keys),
        "depth": visit.depth,
    }
