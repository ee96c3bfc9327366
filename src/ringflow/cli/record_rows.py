"""Records as `ringflow record` prints them for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from ringflow.moments import Moment, iso_in
from ringflow.money import Money
from ringflow.records.export import amount_text, seconds_text
from ringflow.records.legs import RecordedLeg
from ringflow.records.queries import RecordedCall, RecordedSlot


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call in a table. `dialled`, `trunk`, `status` are its last leg's; `charged` and `cost` are of all."""

    started_at: Moment
    call_id: str
    did: str
    cli: str | None
    customer: int | None
    app: str | None
    outcome: str
    dialled: str | None
    destination: str | None
    trunk: str | None
    status: str | None
    talked_s: str | None
    charged: str | None
    cost: str | None


def call_row(call: RecordedCall) -> CallRow:
    """The call on one line."""
    last = call.legs[-1] if call.legs else None
    return CallRow(
        started_at=Moment(call.started_ms),
        call_id=call.call_id,
        did=call.did,
        cli=call.cli,
        customer=call.customer_id,
        app=call.app,
        outcome=call.outcome,
        dialled=last.dialled if last is not None else None,
        destination=last.destination if last is not None else None,
        trunk=last.trunk if last is not None else None,
        status=last.status if last is not None else None,
        talked_s=seconds_text(last.talked_ms) if last is not None else None,
        charged=_charged(call.legs),
        cost=_cost(call.legs),
    )


def call_lines(call: RecordedCall, slots: Sequence[RecordedSlot], zone: tzinfo) -> Iterator[str]:
    """What happened, in order, and then how the call ended: as a transcript reads."""
    happened = [(slot.entered_ms, 0, _slot_line(slot)) for slot in slots]
    # A leg of which nobody knew when it ended stands at the end.
    happened += [
        (call.duration_ms if leg.ended_ms is None else leg.ended_ms, 1, _leg_line(leg)) for leg in call.legs
    ]
    for at_ms, _, line in sorted(happened, key=lambda one: one[:2]):
        yield f"{seconds_text(at_ms):>9}  {line}"
    yield f"{seconds_text(call.duration_ms):>9}  {call.outcome}" + (f": {call.reason}" if call.reason else "")
    if call.released_by is not None:
        yield f"{'':>9}  released by {call.released_by}" + _cause(call.release_cause)
    on = call.server if call.asterisk is None else f"{call.server}, Asterisk {call.asterisk}"
    yield f"call {call.call_id} of {iso_in(call.started_ms, zone)}, on {on}"
    yield f"from {call.cli or 'nobody known'} to {call.did or 'a DID not known'}"
    if call.app is not None:
        yield f"app {call.app}, revision {call.revision}"
    if call.customer_id is not None:
        yield f"customer {call.customer_id}" + (f", card {call.card_id}" if call.card_id else "")
    if call.reject_sip is not None:
        yield f"rejected with SIP {call.reject_sip}"
    for leg in call.legs:
        if leg.leg_id is not None:
            yield f"leg {leg.position} in the ledger: {leg.leg_id}"


def _slot_line(slot: RecordedSlot) -> str:
    keys = f" keys {slot.keys}," if slot.keys else ""
    place = f"{'>' * slot.depth} {slot.slot}" if slot.depth else slot.slot
    return f"{place} of {slot.app}:{keys} {slot.exit or 'the call ended here'}"


def _leg_line(leg: RecordedLeg) -> str:
    to = f"{leg.dialled}{_named(leg)}{_written(leg)} via {leg.trunk}" if leg.dialled else "a number not known"
    sip = f", SIP {leg.sip_code}" if leg.sip_code is not None else ""
    by = f", released by {leg.released_by}" if leg.released_by is not None else ""
    talked = f", talked {seconds_text(leg.talked_ms)} s" if leg.talked_ms else ""
    money = _money(leg) + _own_cost(leg)
    why = f" ({leg.reason})" if leg.reason else ""
    return f"leg {leg.position} to {to}: {leg.status}{why}{sip}{_cause(leg.hangup_cause)}{by}{talked}{money}"


def _named(leg: RecordedLeg) -> str:
    return f" ({leg.destination})" if leg.destination else ""


def _written(leg: RecordedLeg) -> str:
    forms = (("keyed", leg.keyed), ("sent", leg.sent))
    said = ", ".join(f"{name} {text}" for name, text in forms if text and text != leg.dialled)
    return f" ({said})" if said else ""


def _cause(cause: int | None) -> str:
    return f" (cause {cause})" if cause is not None else ""


def _money(leg: RecordedLeg) -> str:
    currency = leg.currency
    if currency is None or leg.price_micros is None:
        return ""
    if leg.charged_micros is None:
        return ", not settled yet"
    if leg.charged_micros == 0 and not leg.billed_s:
        return ""
    said = f", {Money(leg.charged_micros, currency)}"
    if leg.billed_s is not None:
        said += f" for {leg.billed_s} s at {amount_text(leg.price_micros, currency)} a minute"
    said += f" ({leg.prefix})" if leg.prefix else ""
    said += f", {Money(leg.refunded_micros, currency)} given back" if leg.refunded_micros else ""
    return said + (
        f", {Money(leg.uncollected_micros, currency)} uncollected" if leg.uncollected_micros else ""
    )


def _own_cost(leg: RecordedLeg) -> str:
    if leg.cost_micros is None or leg.cost_currency is None:
        return ""
    prefix = f" ({leg.cost_prefix})" if leg.cost_prefix else ""
    return f", cost {Money(leg.cost_micros, leg.cost_currency)}{prefix}"


def _cost(legs: Sequence[RecordedLeg]) -> str | None:
    """Of all legs together; owners of trunks may charge in currencies of their own."""
    sums: dict[str, int] = {}
    for leg in legs:
        if leg.cost_micros is not None and leg.cost_currency is not None:
            sums[leg.cost_currency] = sums.get(leg.cost_currency, 0) + leg.cost_micros
    return " + ".join(str(Money(micros, currency)) for currency, micros in sums.items()) or None


def _charged(legs: Sequence[RecordedLeg]) -> str | None:
    charged = [leg for leg in legs if leg.charged_micros is not None and leg.currency is not None]
    if not charged:
        return None
    return str(Money(sum(leg.charged_micros or 0 for leg in charged), charged[0].currency or ""))
