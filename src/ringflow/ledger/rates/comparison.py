"""Which prefixes of a customers' rate card lose money on a trunk, by the longest prefix on either side.

A number is charged by the longest prefix of one card that fits it, and costs by the longest of the other. So
every prefix of either card stands for numbers of its own: those that fit it and no longer prefix of either.
With 44 sold and 447 bought, 447 is charged by 44 and costs by 447; with 447 sold and 44 bought it is the
other way about. A prefix of which only one side has a rate is no call, or one whose cost nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.errors import Conflict, Unknown
from ringflow.ledger.rates.card import RateCard, assigned, get_card, trunk_subject
from ringflow.ledger.rates.margin import Margin
from ringflow.ledger.rates.quote import rate_terms
from ringflow.ledger.terms import Terms
from ringflow.store.ledger_tables import rates

_COLUMNS = (
    "prefix",
    "price_micros",
    "connection_micros",
    "minimum_s",
    "increment_s",
    "grace_s",
    "destination",
    "blocked",
)


@dataclass(frozen=True, slots=True)
class ComparedPrefix:
    """What numbers that begin with `prefix`, and with no longer prefix of either card, bring and cost."""

    prefix: str
    margin: Margin


@dataclass(frozen=True, slots=True)
class Comparison:
    """A customers' card against a trunk's: what loses money, and how much of it has no known cost."""

    trunk: str
    card: str
    losing: tuple[ComparedPrefix, ...]
    compared: int
    without_cost: int


async def compare_trunk(connection: AsyncConnection, sell: RateCard, trunk: str, at_ms: int) -> Comparison:
    """Compare the rates in effect at a moment. Raises `Refused`: no card of the trunk, another currency."""
    name = await assigned(connection, trunk_subject(trunk))
    if name is None:
        raise Unknown(
            "rate_card.none_for_trunk",
            f"trunk `{trunk}` has no rate card, so nobody knows what it costs",
            trunk=trunk,
        )
    buy = await get_card(connection, name)
    if buy.currency != sell.currency:
        raise Conflict(
            "currency.differs",
            f"rate card `{name}` of trunk `{trunk}` is in {buy.currency}, `{sell.name}` in {sell.currency}: "
            f"two currencies cannot be compared; give the trunk a card in {sell.currency}",
            currency=buy.currency,
            other=sell.currency,
        )
    sold, not_sold = await _in_effect(connection, sell, at_ms)
    bought, not_bought = await _in_effect(connection, buy, at_ms)
    losing: list[ComparedPrefix] = []
    compared = without_cost = 0
    for prefix, sold_by, bought_by in overlaid([*sold, *not_sold], [*bought, *not_bought]):
        if sold_by in not_sold:
            continue
        if bought_by is None or bought_by in not_bought:
            without_cost += 1
            continue
        compared += 1
        margin = Margin(sold[sold_by], bought[bought_by])
        if margin.losses:
            losing.append(ComparedPrefix(prefix, margin))
    return Comparison(trunk, name, tuple(losing), compared, without_cost)


def overlaid(sold: Iterable[str], bought: Iterable[str]) -> Iterator[tuple[str, str, str | None]]:
    """Every prefix of either side in order, with the longest of each side that fits it.

    Prefixes that nothing sold fits are left out.
    """
    here = set(sold), set(bought)
    # Sorted, a prefix stands before all that begin with it: those that fit the next one are on the stack.
    stack: list[tuple[str, str | None, str | None]] = [("", None, None)]
    for prefix in sorted(here[0] | here[1]):
        while not prefix.startswith(stack[-1][0]):
            stack.pop()
        _, sold_by, bought_by = stack[-1]
        sold_by = prefix if prefix in here[0] else sold_by
        bought_by = prefix if prefix in here[1] else bought_by
        stack.append((prefix, sold_by, bought_by))
        if sold_by is not None:
            yield prefix, sold_by, bought_by


async def _in_effect(
    connection: AsyncConnection, card: RateCard, at_ms: int
) -> tuple[Mapping[str, Terms], frozenset[str]]:
    """The terms by prefix, and the prefixes that are blocked."""
    query = select(*(rates.c[name] for name in _COLUMNS)).where(
        rates.c.card_id == card.rates_id,
        rates.c.from_ms <= at_ms,
        or_(rates.c.until_ms.is_(None), rates.c.until_ms > at_ms),
    )
    rows = (await connection.execute(query)).all()
    terms = {
        row.prefix: rate_terms(card.currency, card.decimals, card.rounding.value, *row[:-1])
        for row in rows
        if not row.blocked
    }
    return terms, frozenset(row.prefix for row in rows if row.blocked)
