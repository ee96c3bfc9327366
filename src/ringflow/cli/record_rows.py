"""Records as `ringflow record` prints them for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from ringflow.ledger.account import account_name
from ringflow.moments import Moment, iso_in
from ringflow.money import Money
from ringflow.records.export import seconds_text
from ringflow.records.legs import RecordedLeg
from ringflow.records.queries import RecordedCall
from ringflow.records.whole_call import WholeCall, cause_text


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


def call_lines(whole: WholeCall, zone: tzinfo) -> Iterator[str]:
    """What happened, in order, and then how the call ended: as a transcript reads."""
    call = whole.call
    for line in whole.story:
        yield f"{seconds_text(line.at_ms):>9}  {line.detail}"
    if call.released_by is not None:
        yield f"{'':>9}  released by {call.released_by}{cause_text(call.release_cause)}"
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
    positions = {leg.leg_id: leg.position for leg in call.legs}
    for hold in whole.holds:
        held = Money(hold.micros, hold.currency)
        yield f"hold of leg {positions[hold.leg_id]}: {held} for customer {hold.customer_id}, {hold.state}"
    for posted in whole.movements:
        moved = posted.movement
        way = f"{account_name(moved.debit_id)} to {account_name(moved.credit_id)}"
        amount, position = Money(moved.micros, moved.currency), positions[moved.leg_id]
        yield f"movement {posted.id} of leg {position}: {moved.kind} of {amount}, {way}: {moved.reason}"


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
