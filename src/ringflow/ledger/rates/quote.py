"""Quotes: what a call would cost a customer, or us, by one indexed query of all prefixes of the number.

Nothing is cached that could be old: a hundred thousand rates are searched as quickly as ten. Each row of the
queries ends with the card and one of its rates, the longest prefix first; a card that has none for the number
gives one row without. The first row is the one that counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    any_,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.types import Text

from ringflow.errors import Refused, Unknown
from ringflow.ledger.channel_limits import CUSTOMER_SUBJECT, customer_subject
from ringflow.ledger.credit import SPENDABLE, utc_day
from ringflow.ledger.rates.card import RATES_ID, BelowCost, trunk_subject, unknown_card
from ringflow.ledger.rates.prefix import MAX_PREFIX_LENGTH, is_rated_number
from ringflow.ledger.rates.shared_lookups import SharedLookUps
from ringflow.ledger.terms import Terms, affordable_ms, charge_micros, least_charge_micros
from ringflow.money import MAX_AMOUNT_MICROS, Rounding
from ringflow.plain_text import plain
from ringflow.store import DirectConnection, LookUp, Row, Store
from ringflow.store.ledger_tables import ledger_accounts, rate_assignments, rate_cards, rates
from ringflow.store.tables import customers

PREFIX_LENGTHS = range(1, MAX_PREFIX_LENGTH + 1)

# NULL where no account was opened yet.
_accounts = ledger_accounts.alias("a")
_spendable = text(SPENDABLE).bindparams(bindparam("day", type_=BigInteger))
_CARD_COLUMNS = (
    rate_cards.c.name,
    rate_cards.c.currency,
    rate_cards.c.decimals,
    rate_cards.c.rounding,
)
_RATE_COLUMNS = (
    rates.c.prefix,
    rates.c.price_micros,
    rates.c.connection_micros,
    rates.c.minimum_s,
    rates.c.increment_s,
    rates.c.grace_s,
    rates.c.destination,
    rates.c.blocked,
)
_LONGEST_FIRST = func.length(rates.c.prefix).desc()
_PREFIXES = [f"prefix_{length}" for length in PREFIX_LENGTHS]
_default_card = rate_cards.alias("default_card")
_now = bindparam("now_ms", type_=BigInteger)
_subject = bindparam("subject", type_=Text)
_default_id = (
    select(_default_card.c.id)
    .where(_default_card.c.is_default, _default_card.c.currency == customers.c.currency)
    .scalar_subquery()
)


def _in_effect(has_prefix: ColumnElement[bool]) -> ColumnElement[bool]:
    return (
        (rates.c.card_id == RATES_ID)
        & has_prefix
        & (rates.c.from_ms <= _now)
        & or_(rates.c.until_ms.is_(None), rates.c.until_ms > _now)
    )


def _with_account_and_card(
    asked: Select[tuple[int, str]] | Select[tuple[()]], subject: ColumnElement[str]
) -> Select[tuple[object, ...]]:
    """`asked` selects from `customers`."""
    return (
        asked.add_columns(customers.c.currency, _spendable, rate_cards.c.below_cost, *_CARD_COLUMNS)
        .outerjoin(_accounts, _accounts.c.customer_id == customers.c.id)
        .outerjoin(rate_assignments, rate_assignments.c.subject == subject)
        .outerjoin(rate_cards, rate_cards.c.id == func.coalesce(rate_assignments.c.card_id, _default_id))
    )


_one_of_prefixes = rates.c.prefix.in_([bindparam(name, type_=Text) for name in _PREFIXES])
FOR_CUSTOMER = LookUp(
    _with_account_and_card(
        select().select_from(customers).where(customers.c.id == bindparam("customer_id", type_=Integer)),
        _subject,
    )
    .add_columns(*_RATE_COLUMNS)
    .outerjoin(rates, _in_effect(_one_of_prefixes))
    .order_by(_LONGEST_FIRST),
    ["customer_id", "subject", "now_ms", "day", *_PREFIXES],
)

FOR_TRUNK = LookUp(
    select(*_CARD_COLUMNS, *_RATE_COLUMNS)
    .select_from(rate_assignments)
    .join(rate_cards, rate_cards.c.id == rate_assignments.c.card_id)
    .outerjoin(rates, _in_effect(_one_of_prefixes))
    .where(rate_assignments.c.subject == _subject)
    .order_by(_LONGEST_FIRST),
    ["subject", "now_ms", *_PREFIXES],
)


BY_CARD = LookUp(
    select(*_CARD_COLUMNS, *_RATE_COLUMNS)
    .select_from(rate_cards)
    .outerjoin(rates, _in_effect(_one_of_prefixes))
    .where(rate_cards.c.name == bindparam("card", type_=Text))
    .order_by(_LONGEST_FIRST),
    ["card", "now_ms", *_PREFIXES],
)


@cache
def for_customers() -> LookUp:
    """The query for many numbers, on PostgreSQL only.

    `asked` is JSON: objects with `customer_id` and `number`, which begin each row.
    """
    # Imported here, so that commands on SQLite do not load this dialect.
    from sqlalchemy.dialects.postgresql import array

    asked = (
        func.json_to_recordset(cast(bindparam("asked", type_=Text), JSON))
        .table_valued(column("customer_id", Integer), column("number", Text))
        .render_derived(name="v", with_types=True)
    )
    # An array is looked up in the index; a list of expressions would be compared with every rate of the card.
    prefixes = array(
        [func.substr(asked.c.number, literal_column("1"), literal_column(str(one))) for one in PREFIX_LENGTHS]
    )
    # A query of its own for each number: joined to all at once, the rates would be read from the first to
    # the last where PostgreSQL takes those who ask for many.
    best = (
        select(*_RATE_COLUMNS)
        .where(_in_effect(rates.c.prefix == any_(prefixes)))
        .order_by(_LONGEST_FIRST)
        .limit(literal_column("1"))
        .correlate(asked, rate_cards)
        .lateral("best")
    )
    return LookUp(
        _with_account_and_card(
            select(asked.c.customer_id, asked.c.number)
            .select_from(asked)
            .join(customers, customers.c.id == asked.c.customer_id),
            literal_column(f"'{CUSTOMER_SUBJECT}'") + cast(customers.c.id, Text),
        )
        .add_columns(*best.c)
        .outerjoin(best, true()),
        ["asked", "now_ms", "day"],
    )


class NoRate(Unknown):
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
        """Do what the function `quote` does, for the present moment.

        On PostgreSQL, quotes that several calls ask for at the same time share one round trip.
        """
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
        raise NoRate("rate_card.none_for_trunk", f"trunk `{trunk}` has no rate card", trunk=trunk)
    card, *rate = found[0]
    return card, _terms_for(card, number, rate)


async def quote_by_card(store: Store, number: str, card: str, now_ms: int) -> Terms:
    """The terms of a call to a number by a rate card. Raises `Unknown`, `NoRate`, `Refused`, `StoreGone`."""
    found = await store.look_up(BY_CARD, card, now_ms, *_prefixes(number))
    if not found:
        raise unknown_card(card)
    _, *rate = found[0]
    return _terms_for(card, number, rate)


async def trunk_terms(connection: DirectConnection, number: str, trunk: str, at_ms: int) -> Terms | None:
    """The same within a transaction; None without a card, a rate, or a number of digits."""
    if not is_rated_number(number):
        return None
    found = await FOR_TRUNK.run(connection, trunk_subject(trunk), at_ms, *_prefixes(number))
    return _terms(*found[0][1:-1]) if found and not found[0][-1] else None


def _read(row: Row | None, number: str, customer_id: int) -> Quote:
    if row is None:
        raise Unknown("customer.unknown", f"customer {customer_id} does not exist", customer=customer_id)
    currency, available_micros, below_cost, card, *rate = row
    if card is None:
        raise NoRate(
            "rate_card.none_for_customer",
            f"customer {customer_id} has no rate card, and there is no default one for {currency}",
            customer=customer_id,
            currency=currency,
        )
    terms = _terms_for(card, number, rate)
    policy = _POLICIES[below_cost]
    return Quote(number, customer_id, card, terms.prefix, terms, available_micros or 0, policy)


def _terms_for(card: str, number: str, rate: Sequence[Any]) -> Terms:
    """What the row says, of which the last cell is whether it is blocked. Raises `NoRate`."""
    *cells, blocked = rate
    terms = _terms(*cells)
    if terms is None:
        raise NoRate(
            "rate.none_for_number", f"rate card `{card}` has no rate for {number}", card=card, number=number
        )
    if blocked:
        name = f" ({plain(terms.destination)})" if terms.destination else ""
        raise BlockedDestination(
            "rate.blocked",
            f"rate card `{card}` blocks {terms.prefix}{name}, so {number} is not dialled",
            card=card,
            number=number,
            prefix=terms.prefix,
        )
    return terms


def _prefixes(number: str) -> list[str]:
    digits = _digits(number)
    return [digits[:length] for length in PREFIX_LENGTHS]


def _digits(number: str) -> str:
    if not is_rated_number(number):
        raise Refused(
            "number.malformed", "a number to be rated is E.164 digits, or ~ and what was keyed", number=number
        )
    return number


def rate_terms(
    currency: str,
    decimals: int,
    rounding: str,
    prefix: str,
    price_micros: int,
    connection_micros: int,
    minimum_s: int,
    increment_s: int,
    grace_s: int,
    destination: str,
) -> Terms:
    """The terms of a rate: the first three are its card's."""
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


# Few rates serve many calls, and equal rows have equal terms.
@lru_cache(maxsize=4096)
def _terms(currency: str, decimals: int, rounding: str, prefix: str | None, *rate: Any) -> Terms | None:
    """What a row of the look-up says; None where the rate card has no rate."""
    return None if prefix is None else rate_terms(currency, decimals, rounding, prefix, *rate)
