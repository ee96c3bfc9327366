"""What legs cost us: by their trunk's rate card, worked out once, when the record is written.

Calls know nothing of it. A card that is changed later does not change what is on record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ringflow.ledger.rates.card import trunk_subject
from ringflow.ledger.rates.prefix import of_record
from ringflow.ledger.rates.quote import trunk_terms
from ringflow.ledger.terms import charge_micros
from ringflow.money import MAX_AMOUNT_MICROS
from ringflow.records.rows import CallRows, Cells
from ringflow.store import DirectConnection
from ringflow.store.statement import Statement

_WITH_CARD = Statement(
    "SELECT a.subject FROM rate_assignments AS a JOIN {rows} ON v.subject = a.subject",
    rows={"subject": "text"},
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a leg cost us, in micro-units of `currency`, by `prefix` and `destination` of the trunk's card."""

    micros: int
    currency: str
    prefix: str
    destination: str | None


async def with_costs(connection: DirectConnection, calls: Sequence[CallRows]) -> Sequence[CallRows]:
    """The same calls, with what their answered legs cost where the trunk has a card.

    Where no trunk has one that is a single look-up for all of the calls.
    """
    trunks = {str(leg["trunk"]) for call in calls for leg in call.legs if _is_talk(leg)}
    if not trunks:
        return calls
    rows = await _WITH_CARD.run(connection, [{"subject": trunk_subject(name)} for name in sorted(trunks)])
    subjects = {row[0] for row in rows}
    with_card = {name for name in trunks if trunk_subject(name) in subjects}
    return [await _costed(connection, call, with_card) for call in calls] if with_card else calls


async def leg_cost(
    connection: DirectConnection, number: str, trunk: str, answered_ms: int, talked_ms: int
) -> Cost | None:
    """What a talk cost by the rate in effect at its answer; None without a talk or a rate."""
    if not talked_ms:
        return None
    terms = await trunk_terms(connection, number, trunk, answered_ms)
    if terms is None:
        return None
    micros = min(charge_micros(terms, talked_ms), MAX_AMOUNT_MICROS)
    return Cost(micros, terms.currency, terms.prefix, terms.destination or None)


async def _costed(connection: DirectConnection, call: CallRows, with_card: set[str]) -> CallRows:
    legs = list(call.legs)
    for index, leg in enumerate(legs):
        if _is_talk(leg) and leg["trunk"] in with_card:
            legs[index] = await _costed_leg(connection, leg, call.began_ms)
    return replace(call, legs=tuple(legs))


def _is_talk(leg: Cells) -> bool:
    return bool(leg.get("talked_ms") and leg["trunk"])


async def _costed_leg(connection: DirectConnection, leg: Cells, began_ms: int) -> Cells:
    talked_ms, ended_ms = leg["talked_ms"], leg["ended_ms"]
    assert isinstance(talked_ms, int)
    answered_ms = began_ms + (ended_ms - talked_ms if isinstance(ended_ms, int) else 0)
    number = of_record(str(leg["dialled"]), as_keyed=bool(leg.get("as_keyed")))
    cost = await leg_cost(connection, number, str(leg["trunk"]), answered_ms, talked_ms)
    if cost is None:
        return leg
    return {
        **leg,
        "cost_micros": cost.micros,
        "cost_currency": cost.currency,
        "cost_prefix": cost.prefix,
        "cost_destination": cost.destination,
    }
