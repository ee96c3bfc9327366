"""The form of a call on record with everything that is known of it."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ringflow.forms.account import MovementForm, movement_form
from ringflow.forms.call import CallDetailForm, call_detail_form
from ringflow.forms.made_call import TranscriptEventForm
from ringflow.ledger.hold import LegHold
from ringflow.moments import Second, second
from ringflow.money import format_amount
from ringflow.records.whole_call import WholeCall


@dataclass(frozen=True, slots=True)
class LegHoldForm:
    """Credit that was set aside for a leg, and what became of it, in the customer's currency."""

    leg_id: str
    customer: int
    status: str
    held: str
    currency: str
    charged: str | None
    refunded: str | None
    uncollected: str | None
    opened_at: Second | None
    ended_at: Second | None


@dataclass(frozen=True, slots=True)
class WholeCallForm(CallDetailForm):
    """A call on record by itself. `holds` and `movements` are null for whom money is not to be shown."""

    holds: tuple[LegHoldForm, ...] | None
    movements: tuple[MovementForm, ...] | None
    transcript: tuple[TranscriptEventForm, ...]


def whole_call_form(whole: WholeCall, *, with_money: bool = True) -> WholeCallForm:
    """Return a call with everything that is known of it."""
    lines = (TranscriptEventForm(one.at_ms / 1000, one.slot, one.event, one.detail) for one in whole.story)
    detail = call_detail_form(whole.call, whole.slots)
    return WholeCallForm(
        **{one.name: getattr(detail, one.name) for one in fields(detail)},
        holds=tuple(map(leg_hold_form, whole.holds)) if with_money else None,
        movements=tuple(map(movement_form, whole.movements)) if with_money else None,
        transcript=tuple(lines),
    )


def leg_hold_form(hold: LegHold) -> LegHoldForm:
    """Return a hold that may have ended; one that stands was not charged yet."""
    stands = hold.ended_ms is None

    def amount(micros: int) -> str | None:
        return None if stands else format_amount(micros, hold.currency)

    return LegHoldForm(
        leg_id=hold.leg_id,
        customer=hold.customer_id,
        status=hold.state,
        held=format_amount(hold.micros, hold.currency),
        currency=hold.currency,
        charged=amount(hold.charged_micros),
        refunded=amount(hold.refunded_micros),
        uncollected=amount(hold.uncollected_micros),
        opened_at=second(hold.opened_ms),
        ended_at=None if hold.ended_ms is None else second(hold.ended_ms),
    )
