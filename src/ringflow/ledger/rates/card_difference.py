"""How two rate cards differ in what calls cost: prefix by prefix, and any number of them in constant memory.

A number is charged by the longest prefix that fits it. So every prefix of either card is looked at with the
rate of each card that charges numbers which begin with it, and with no longer prefix of either: its own rate,
or that of a shorter prefix.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum

from ringflow.errors import Conflict
from ringflow.ledger.rates.card import Rate, RateCard, RateFilter
from ringflow.ledger.rates.export import unchanged_rates
from ringflow.ledger.rates.margin import MINUTE_MS
from ringflow.ledger.rates.prefix import AS_KEYED
from ringflow.ledger.rates.quote import rate_terms
from ringflow.ledger.terms import Terms, charge_micros
from ringflow.store import Store


class Difference(StrEnum):
    """What becomes of calls to a prefix when the new card takes the place of the old one."""

    ONLY_OLD = "only_old"
    """The new card has no rate for them."""
    ONLY_NEW = "only_new"
    """The old card has no rate for them."""
    DEARER = "dearer"
    CHEAPER = "cheaper"
    MIXED = "mixed"
    """Some talks are dearer, and others cheaper."""
    BLOCKED = "blocked"
    """The new card blocks them."""
    OPENED = "opened"
    """The old card blocks them."""
    SAME = "same"
    """They cost the same, though one of the cards has no rate of its own for the prefix."""


@dataclass(frozen=True, slots=True)
class CardRate:
    """A rate of a card that charges calls, or blocks them."""

    terms: Terms
    blocked: bool


@dataclass(frozen=True, slots=True)
class PrefixDifference:
    """How calls to a prefix differ. `old`, `new`: by which rates they are charged; None: by none."""

    prefix: str
    difference: Difference
    old: CardRate | None
    new: CardRate | None


async def card_differences(
    store: Store, old: RateCard, new: RateCard, at_ms: int
) -> AsyncIterator[PrefixDifference]:
    """Compare the rates of two cards that are in effect at a moment; find the prefixes that differ, in order.

    Raises `Conflict` for two currencies, and where a card is changed while it is read.
    """
    require_one_currency(old, new)
    # Those that fit the next prefix: in this order a prefix stands before all that begin with it.
    stack: list[tuple[str, CardRate | None, CardRate | None]] = [("", None, None)]
    async for prefix, of_old, of_new in _side_by_side(store, old, new, at_ms):
        while not prefix.startswith(stack[-1][0]):
            stack.pop()
        _, shorter_old, shorter_new = stack[-1]
        by_old, by_new = of_old or shorter_old, of_new or shorter_new
        stack.append((prefix, by_old, by_new))
        difference = _difference(by_old, by_new)
        if difference is not Difference.SAME or of_old is None or of_new is None:
            yield PrefixDifference(prefix, difference, by_old, by_new)


def require_one_currency(old: RateCard, new: RateCard) -> None:
    """Raise `Conflict` for cards in two currencies: there are no exchange rates here."""
    if old.currency != new.currency:
        raise Conflict(
            "currency.differs",
            f"rate card `{old.name}` is in {old.currency}, `{new.name}` in {new.currency}: two currencies "
            f"cannot be compared; name two cards in {old.currency}",
            currency=old.currency,
            other=new.currency,
        )


def _difference(old: CardRate | None, new: CardRate | None) -> Difference:
    if old is None:
        return Difference.ONLY_NEW
    if new is None:
        return Difference.ONLY_OLD
    if old.blocked or new.blocked:
        if old.blocked and new.blocked:
            return Difference.SAME
        return Difference.OPENED if old.blocked else Difference.BLOCKED
    before, after = old.terms, new.terms
    # Where the charge of either begins and where its steps do, a minute, and what goes on for ever.
    talks_ms = {MINUTE_MS}
    for terms in (before, after):
        talks_ms |= {terms.grace_s * 1000 + 1, max(terms.grace_s, terms.minimum_s) * 1000 + 1}
    pairs = [(charge_micros(before, talk_ms), charge_micros(after, talk_ms)) for talk_ms in talks_ms]
    pairs.append((before.price_micros, after.price_micros))
    is_dearer = any(was < becomes for was, becomes in pairs)
    is_cheaper = any(was > becomes for was, becomes in pairs)
    if is_dearer and is_cheaper:
        return Difference.MIXED
    if is_dearer:
        return Difference.DEARER
    return Difference.CHEAPER if is_cheaper else Difference.SAME


async def _side_by_side(
    store: Store, old: RateCard, new: RateCard, at_ms: int
) -> AsyncIterator[tuple[str, CardRate | None, CardRate | None]]:
    """Each prefix of either card, in order, with the rate that each card has for it itself."""
    left, right = _in_effect(store, old, at_ms), _in_effect(store, new, at_ms)
    of_old, of_new = await anext(left, None), await anext(right, None)
    while of_old is not None or of_new is not None:
        prefix = min(one.terms.prefix for one in (of_old, of_new) if one is not None)
        has_old = of_old is not None and of_old.terms.prefix == prefix
        has_new = of_new is not None and of_new.terms.prefix == prefix
        yield prefix, of_old if has_old else None, of_new if has_new else None
        if has_old:
            of_old = await anext(left, None)
        if has_new:
            of_new = await anext(right, None)


async def _in_effect(store: Store, card: RateCard, at_ms: int) -> AsyncIterator[CardRate]:
    """The rates of a card by prefix. Prefixes of numbers that are dialled as keyed are the last.

    Those are few, and sorted here: databases sort their `~` and `*` by the language they were made for.
    """
    as_keyed: list[Rate] = []
    async for now, rates in unchanged_rates(store, card.name, RateFilter(at_ms=at_ms)):
        for rate in rates:
            if rate.prefix.startswith(AS_KEYED):
                as_keyed.append(rate)
            else:
                yield _card_rate(now, rate)
    for rate in sorted(as_keyed, key=lambda one: one.prefix):
        yield _card_rate(card, rate)


def _card_rate(card: RateCard, rate: Rate) -> CardRate:
    terms = rate_terms(
        card.currency,
        card.decimals,
        card.rounding.value,
        rate.prefix,
        rate.price_micros,
        rate.connection_micros,
        rate.minimum_s,
        rate.increment_s,
        rate.grace_s,
        rate.destination,
    )
    return CardRate(terms, bool(rate.blocked))
