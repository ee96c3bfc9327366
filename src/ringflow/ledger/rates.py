"""What a call would cost a customer: one indexed query of all prefixes of the number, in one hop.

There is no cache that could be old: a hundred thousand rows are as quick as ten.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Integer, bindparam, func, or_, select
from sqlalchemy.types import Text

from ringflow.errors import Refused
from ringflow.ledger.account import Account, utc_day
from ringflow.ledger.occupying import customer_subject
from ringflow.ledger.terms import Terms, affordable_ms, charge_micros, least_charge_micros
from ringflow.money import MAX_AMOUNT_MICROS, Rounding
from ringflow.store import LookUp, Store
from ringflow.store.ledger_tables import ledger_accounts, rate_assignments, rate_cards, rates
from ringflow.store.tables import customers

MAX_PREFIX_DIGITS = 16


class NoRate(Refused):
    """The customer has no rate card, or its card has no rate for the number."""


@dataclass(frozen=True, slots=True)
class Quote:
    """What a call to `number` costs the customer now, and how much it may spend."""

    number: str
    customer_id: int
    card: str
    prefix: str
    terms: Terms
    available_micros: int

    @property
    def affordable_ms(self) -> int | None:
        """How long the customer may talk for all its free credit; None: as long as it likes."""
        return affordable_ms(self.terms, self.available_micros)

    @property
    def affordable(self) -> bool:
        """Whether there is credit for the shortest charged talk; always so for a free destination."""
        return self.terms.free or self.available_micros >= self.least_micros

    @property
    def least_micros(self) -> int:
        """What must be held before dialling: the charge of the shortest charged talk."""
        return least_charge_micros(self.terms)

    def slice_micros(self, slice_ms: int) -> int:
        """What to hold for a slice of talk: its charge, at least `least_micros`."""
        return min(MAX_AMOUNT_MICROS, max(self.least_micros, charge_micros(self.terms, slice_ms)))


_default_card = rate_cards.alias("default_card")
_PREFIXES = [f"prefix_{length}" for length in range(1, MAX_PREFIX_DIGITS + 1)]
_now = bindparam("now_ms", type_=BigInteger)
_default_id = (
    select(_default_card.c.id)
    .where(_default_card.c.is_default, _default_card.c.currency == customers.c.currency)
    .scalar_subquery()
)
_QUOTE = LookUp(
    select(
        customers.c.currency,
        ledger_accounts.c.balance_micros,
        ledger_accounts.c.held_micros,
        ledger_accounts.c.debit_limit_micros,
        ledger_accounts.c.daily_limit_micros,
        ledger_accounts.c.spent_micros,
        ledger_accounts.c.spent_day,
        rate_cards.c.name,
        rate_cards.c.currency,
        rate_cards.c.decimals,
        rate_cards.c.rounding,
        rates.c.prefix,
        rates.c.price_micros,
        rates.c.connection_micros,
        rates.c.minimum_s,
        rates.c.increment_s,
        rates.c.grace_s,
    )
    .select_from(customers)
    .outerjoin(ledger_accounts, ledger_accounts.c.customer_id == customers.c.id)
    .outerjoin(rate_assignments, rate_assignments.c.subject == bindparam("subject", type_=Text))
    .outerjoin(rate_cards, rate_cards.c.id == func.coalesce(rate_assignments.c.card_id, _default_id))
    .outerjoin(
        rates,
        (rates.c.card_id == rate_cards.c.id)
        & rates.c.prefix.in_([bindparam(name, type_=Text) for name in _PREFIXES])
        & (rates.c.from_ms <= _now)
        & or_(rates.c.until_ms.is_(None), rates.c.until_ms > _now),
    )
    .where(customers.c.id == bindparam("customer_id", type_=Integer))
    .order_by(func.length(rates.c.prefix).desc()),
    ["customer_id", "subject", "now_ms", *_PREFIXES],
)


async def quote(store: Store, number: str, customer_id: int, now_ms: int) -> Quote:
    """What a call to `number` (digits) costs the customer. Raises `NoRate`, `Refused`, `StoreGone`.

    The credit may be taken by another call a moment later: only a hold is sure.
    """
    if not (number.isascii() and number.isdigit()):
        raise Refused("a number to be rated is digits only")
    prefixes = [number[:length] for length in range(1, MAX_PREFIX_DIGITS + 1)]
    found = await store.look_up(_QUOTE, customer_id, customer_subject(customer_id), now_ms, *prefixes)
    if not found:
        raise Refused(f"there is no customer {customer_id}")
    row = tuple(found[0])
    card, card_currency, decimals, rounding, prefix, *figures = row[7:]
    if card is None:
        raise NoRate(f"customer {customer_id} has no rate card, and there is no default one for {row[0]}")
    if prefix is None:
        raise NoRate(f"rate card `{card}` has no rate for {number}")
    price, connection, minimum_s, increment_s, grace_s = figures
    terms = Terms(
        currency=card_currency,
        price_micros=price,
        connection_micros=connection,
        minimum_s=minimum_s,
        increment_s=increment_s,
        grace_s=grace_s,
        decimals=decimals,
        rounding=Rounding(rounding),
        prefix=prefix,
    )
    return Quote(number, customer_id, card, prefix, terms, _available(customer_id, row[:7], now_ms))


def _available(customer_id: int, row: tuple[object, ...], now_ms: int) -> int:
    currency, balance, held, debit_limit, daily_limit, spent, spent_day = row
    if balance is None:
        return 0
    today = utc_day(now_ms)
    account = Account(
        customer_id=customer_id,
        currency=str(currency),
        balance_micros=_whole(balance),
        held_micros=_whole(held),
        debit_limit_micros=_whole(debit_limit),
        daily_limit_micros=None if daily_limit is None else _whole(daily_limit),
        spent_today_micros=_whole(spent) if spent_day in (today, today + 1) else 0,
    )
    return account.available_micros


def _whole(value: object) -> int:
    assert isinstance(value, int)
    return value
