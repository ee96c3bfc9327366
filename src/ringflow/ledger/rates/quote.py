"""Quotes: what a call would cost a customer, or us, by one indexed query of all prefixes of the number.

Nothing is cached that could be old: a hundred thousand rates are searched as quickly as ten.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ringflow.errors import Refused
from ringflow.ledger.channel_limits import customer_subject
from ringflow.ledger.credit import utc_day
from ringflow.ledger.rates.card import BelowCost, trunk_subject
from ringflow.ledger.rates.prefix import is_rated_number
from ringflow.ledger.rates.query import FOR_CUSTOMER, FOR_TRUNK, PREFIX_LENGTHS, for_customers
from ringflow.ledger.rates.shared_lookups import SharedLookUps
from ringflow.ledger.terms import Terms, affordable_ms, charge_micros, least_charge_micros
from ringflow.money import MAX_AMOUNT_MICROS, Rounding
from ringflow.plain_text import plain
from ringflow.store import DirectConnection, Row, Store


class NoRate(Refused):
    """The customer or trunk has no rate card, or its card has no rate for the number."""


class BlockedDestination(NoRate):
    """The rate card says that no call to the number is put through."""


@dataclass(frozen=True, slots=True)
class Quote:
    """What a call to `number` costs the customer now, and how much it can spend (`credit.SPENDABLE`).

    `available_micros` is 0 where no account was opened yet. `below_cost`: what the rate card says of trunks
    that cost more.
    """

    number: str
    customer_id: int
    card: str
    prefix: str
    terms: Terms
    available_micros: int
    below_cost: BelowCost = BelowCost.REFUSE

    @property
    def affordable_ms(self) -> int | None:
        """How long the customer may talk for all its free credit; None: as long as it likes."""
        return affordable_ms(self.terms, self.available_micros)

    @property
    def affordable(self) -> bool:
        """Whether there is credit for the shortest charged talk; always so for a free destination.

        A talk that costs more than the largest amount there is (`MAX_AMOUNT_MICROS`) is for nobody.
        """
        least_micros = self.least_micros
        return self.terms.free or least_micros <= min(self.available_micros, MAX_AMOUNT_MICROS)

    @property
    def least_micros(self) -> int:
        """What must be held before dialling: the charge of the shortest charged talk."""
        return least_charge_micros(self.terms)

    def slice_micros(self, slice_ms: int) -> int:
        """What to hold for a slice of talk: its charge, at least `least_micros`."""
        return min(MAX_AMOUNT_MICROS, max(self.least_micros, charge_micros(self.terms, slice_ms)))


_POLICIES = {one.value: one for one in BelowCost}


class Quotes:
    """Quotes for the calls of one process."""

    def __init__(self, store: Store, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._now_ms = now_ms
        self._gathered = SharedLookUps(self._find)

    async def quote(self, number: str, customer_id: int) -> Quote:
        """As the function `quote`, now; on PostgreSQL those that are asked for at once share a round trip."""
        if self._store.dialect == "sqlite":
            return await quote(self._store, number, customer_id, self._now_ms())
        row = await self._gathered.ask((customer_id, _digits(number)))
        return _read(row, number, customer_id)

    async def _find(self, asked: Sequence[tuple[int, str]]) -> Sequence[Row | None]:
        now_ms = self._now_ms()
        pairs = [{"customer_id": customer_id, "number": number} for customer_id, number in set(asked)]
        rows: dict[tuple[int, str], Row] = {}
        found = await self._store.look_up(for_customers(), json.dumps(pairs), now_ms, utc_day(now_ms))
        for customer_id, number, *row in found:
            rows.setdefault((customer_id, number), row)
        return [rows.get(one) for one in asked]


async def quote(store: Store, number: str, customer_id: int, now_ms: int) -> Quote:
    """What a call to `number` (`rated_number`) costs the customer. Raises `NoRate`, `Refused`, `StoreGone`.

    The credit may be taken by another call a moment later: only a hold is sure.
    """
    subject, prefixes = customer_subject(customer_id), _prefixes(number)
    found = await store.look_up(FOR_CUSTOMER, customer_id, subject, now_ms, utc_day(now_ms), *prefixes)
    return _read(found[0] if found else None, number, customer_id)


async def quote_trunk(store: Store, number: str, trunk: str, now_ms: int) -> tuple[str, Terms]:
    """The card and the terms by which a trunk's owner charges us for a number.

    Raises `NoRate`, `Refused`, `StoreGone`.
    """
    found = await store.look_up(FOR_TRUNK, trunk_subject(trunk), now_ms, *_prefixes(number))
    if not found:
        raise NoRate(
            f"trunk `{trunk}` has no rate card; `ringflow rate assign CARD --trunk {trunk}` gives it one"
        )
    card, *rate = found[0]
    return card, _terms_for(card, number, rate)


async def trunk_terms(connection: DirectConnection, number: str, trunk: str, at_ms: int) -> Terms | None:
    """The same within a transaction; None without a card, a rate, or a number of digits."""
    if not is_rated_number(number):
        return None
    found = await FOR_TRUNK.run(connection, trunk_subject(trunk), at_ms, *_prefixes(number))
    return _terms(*found[0][1:-1]) if found and not found[0][-1] else None


def _read(row: Row | None, number: str, customer_id: int) -> Quote:
    if row is None:
        raise Refused(f"there is no customer {customer_id}")
    currency, available_micros, below_cost, card, *rate = row
    if card is None:
        raise NoRate(f"customer {customer_id} has no rate card, and there is no default one for {currency}")
    terms = _terms_for(card, number, rate)
    policy = _POLICIES[below_cost]
    return Quote(number, customer_id, card, terms.prefix, terms, available_micros or 0, policy)


def _terms_for(card: str, number: str, rate: Sequence[Any]) -> Terms:
    """What the row says, of which the last cell is whether it is blocked. Raises `NoRate`."""
    *cells, blocked = rate
    terms = _terms(*cells)
    if terms is None:
        raise NoRate(f"rate card `{card}` has no rate for {number}")
    if blocked:
        name = f" ({plain(terms.destination)})" if terms.destination else ""
        raise BlockedDestination(
            f"rate card `{card}` blocks {terms.prefix}{name}, so {number} is not dialled"
        )
    return terms


def _prefixes(number: str) -> list[str]:
    digits = _digits(number)
    return [digits[:length] for length in PREFIX_LENGTHS]


def _digits(number: str) -> str:
    if not is_rated_number(number):
        raise Refused("a number to be rated is E.164 digits, or ~ and what was keyed")
    return number


# Few rates serve many calls, and equal rows have equal terms.
@lru_cache(maxsize=4096)
def _terms(
    currency: str,
    decimals: int,
    rounding: str,
    prefix: str | None,
    price_micros: int,
    connection_micros: int,
    minimum_s: int,
    increment_s: int,
    grace_s: int,
    destination: str,
) -> Terms | None:
    """What a row of the look-up says; None where the rate card has no rate."""
    if prefix is None:
        return None
    return Terms(
        currency=currency,
        price_micros=price_micros,
        connection_micros=connection_micros,
        minimum_s=minimum_s,
        increment_s=increment_s,
        grace_s=grace_s,
        decimals=decimals,
        rounding=Rounding(rounding),
        prefix=prefix,
        destination=destination,
    )
