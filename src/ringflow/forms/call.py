"""The form of a call on record, with its legs and the slots that it went through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ringflow.forms.json_value import seconds
from ringflow.moments import Moment
from ringflow.money import format_amount
from ringflow.records.legs import RecordedLeg
from ringflow.records.queries import RecordedCall, RecordedSlot


@dataclass(frozen=True, slots=True)
class LegForm:
    """An outgoing attempt of a call. Amounts of the charge are in `currency`, the cost in `cost_currency`."""

    position: int
    leg_id: str | None
    dialled: str
    keyed: str | None
    sent: str | None
    dialled_as_keyed: bool | None
    trunk: str
    status: str
    reason: str | None
    sip_code: int | None
    hangup_cause: int | None
    released_by: str | None
    caller_id: str | None
    ended_s: float | None
    talked_s: float | None
    billed_s: int | None
    destination: str | None
    prefix: str | None
    price: str | None
    connection: str | None
    currency: str | None
    charged: str | None
    refunded: str | None
    uncollected: str | None
    cost: str | None
    cost_currency: str | None
    cost_prefix: str | None


@dataclass(frozen=True, slots=True)
class SlotVisitForm:
    """A slot that a call went through; `keys` has a word for each time that keys were taken."""

    position: int
    app: str
    slot: str
    type: str
    entered_s: float
    exit: str | None
    keys: str
    depth: int
    revision: str | None


@dataclass(frozen=True, slots=True)
class CallForm:
    """A call on record."""

    call_id: str
    server: str
    started_at: Moment
    duration_s: float
    did: str
    cli: str | None
    app: str | None
    revision: str | None
    card: str | None
    customer: int | None
    outcome: str
    reason: str
    reject_sip: int | None
    release_cause: int | None
    released_by: str | None
    asterisk: str | None
    legs: tuple[LegForm, ...]


@dataclass(frozen=True, slots=True)
class CallDetailForm(CallForm):
    """A call on record by itself."""

    slots: tuple[SlotVisitForm, ...]


def call_form(call: RecordedCall) -> CallForm:
    """Return a call as it stands in a list."""
    return CallForm(**_call_fields(call))


def call_detail_form(call: RecordedCall, slots: Sequence[RecordedSlot]) -> CallDetailForm:
    """Return a call with the slots that it went through."""
    return CallDetailForm(**_call_fields(call), slots=tuple(map(slot_visit_form, slots)))


def slot_visit_form(slot: RecordedSlot) -> SlotVisitForm:
    """Return a call's passage through a slot."""
    return SlotVisitForm(
        position=slot.position,
        app=slot.app,
        slot=slot.slot,
        type=slot.type,
        entered_s=slot.entered_ms / 1000,
        exit=slot.exit,
        keys=slot.keys,
        depth=slot.depth,
        revision=slot.revision,
    )


def leg_form(leg: RecordedLeg) -> LegForm:
    """Return a leg with what the ledger knows of its money."""

    def amount(micros: int | None) -> str | None:
        return None if micros is None or leg.currency is None else format_amount(micros, leg.currency)

    has_cost = leg.cost_micros is not None and leg.cost_currency is not None
    return LegForm(
        position=leg.position,
        leg_id=leg.leg_id,
        dialled=leg.dialled,
        keyed=leg.keyed,
        sent=leg.sent,
        dialled_as_keyed=None if leg.as_keyed is None else bool(leg.as_keyed),
        trunk=leg.trunk,
        status=leg.status,
        reason=leg.reason,
        sip_code=leg.sip_code,
        hangup_cause=leg.hangup_cause,
        released_by=leg.released_by,
        caller_id=leg.caller_id,
        ended_s=seconds(leg.ended_ms),
        talked_s=seconds(leg.talked_ms),
        billed_s=leg.billed_s,
        destination=leg.destination,
        prefix=leg.prefix,
        price=amount(leg.price_micros),
        connection=amount(leg.connection_micros),
        currency=leg.currency,
        charged=amount(leg.charged_micros),
        refunded=amount(leg.refunded_micros),
        uncollected=amount(leg.uncollected_micros),
        cost=format_amount(leg.cost_micros or 0, leg.cost_currency or "") if has_cost else None,
        cost_currency=leg.cost_currency,
        cost_prefix=leg.cost_prefix,
    )


def _call_fields(call: RecordedCall) -> dict[str, Any]:
    return {
        "call_id": call.call_id,
        "server": call.server,
        "started_at": Moment(call.started_ms),
        "duration_s": call.duration_ms / 1000,
        "did": call.did,
        "cli": call.cli,
        "app": call.app,
        "revision": call.revision,
        "card": call.card_id,
        "customer": call.customer_id,
        "outcome": call.outcome,
        "reason": call.reason,
        "reject_sip": call.reject_sip,
        "release_cause": call.release_cause,
        "released_by": call.released_by,
        "asterisk": call.asterisk,
        "legs": tuple(map(leg_form, call.legs)),
    }
