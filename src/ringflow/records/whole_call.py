"""A call on record with all that is known of it: slots, legs, money, and what happened in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.ledger.hold import LegHold, holds_of_legs
from ringflow.ledger.movement import Posted, movements_of_legs
from ringflow.money import Money
from ringflow.records.export import amount_text, seconds_text
from ringflow.records.legs import RecordedLeg
from ringflow.records.queries import RecordedCall, RecordedSlot, find_call


@dataclass(frozen=True, slots=True)
class WholeCall:
    """`holds` and `movements` are those of the call's legs, the oldest first."""

    call: RecordedCall
    slots: Sequence[RecordedSlot]
    holds: Sequence[LegHold]
    movements: Sequence[Posted]

    @property
    def story(self) -> list[StoryLine]:
        """What happened, in order, and how the call ended."""
        return list(story_of(self.call, self.slots))


@dataclass(frozen=True, slots=True)
class StoryLine:
    """Something that happened, `at_ms` after the call arrived.

    `event` is `slot`, `leg` or `ended`; `slot` the label of the slot that was entered, empty for the others.
    """

    at_ms: int
    event: str
    slot: str
    detail: str


async def find_whole_call(connection: AsyncConnection, call_id: str) -> WholeCall:
    """Read a call. Raises `Unknown` when no record has this id."""
    call, slots = await find_call(connection, call_id)
    legs = [leg.leg_id for leg in call.legs if leg.leg_id is not None]
    holds, movements = await holds_of_legs(connection, legs), await movements_of_legs(connection, legs)
    return WholeCall(call, slots, holds, movements)


def story_of(call: RecordedCall, slots: Sequence[RecordedSlot]) -> Iterator[StoryLine]:
    """Tell what happened. Prompts, and remarks of slots, are not kept with a record."""
    happened = [StoryLine(slot.entered_ms, "slot", slot.slot, _slot_line(slot)) for slot in slots]
    # A leg of which nobody knew when it ended stands at the end.
    happened += [
        StoryLine(call.duration_ms if leg.ended_ms is None else leg.ended_ms, "leg", "", _leg_line(leg))
        for leg in call.legs
    ]
    # Of one moment the slot comes first, as it was before the leg that it dialled.
    yield from sorted(happened, key=lambda one: one.at_ms)
    ended = call.outcome + (f": {call.reason}" if call.reason else "")
    yield StoryLine(call.duration_ms, "ended", "", ended)


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
    return (
        f"leg {leg.position} to {to}: {leg.status}{why}{sip}{cause_text(leg.hangup_cause)}{by}{talked}{money}"
    )


def _named(leg: RecordedLeg) -> str:
    return f" ({leg.destination})" if leg.destination else ""


def _written(leg: RecordedLeg) -> str:
    forms = (("keyed", leg.keyed), ("sent", leg.sent))
    said = ", ".join(f"{name} {text}" for name, text in forms if text and text != leg.dialled)
    return f" ({said})" if said else ""


def cause_text(cause: int | None) -> str:
    """Return a Q.850 cause in brackets; empty where nobody knows it."""
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
