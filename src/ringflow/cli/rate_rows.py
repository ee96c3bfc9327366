"""Rate cards, their rates and quotes as `ringflow rate` prints them: amounts and dates as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ringflow.ledger.rates.card import Rate, RateCard
from ringflow.ledger.rates.comparison import ComparedPrefix, Comparison
from ringflow.ledger.rates.quote import Quote
from ringflow.ledger.rates.sheet_columns import FIELDS
from ringflow.ledger.rates.sheet_import import RateFile
from ringflow.ledger.terms import Terms
from ringflow.moments import iso_utc
from ringflow.money import format_amount


@dataclass(frozen=True, slots=True)
class CardRow:
    """A rate card as it is printed."""

    name: str
    currency: str
    decimals: int
    rounding: str
    default: bool
    below_cost: str
    rows: int


@dataclass(frozen=True, slots=True)
class RateRow:
    """A rate as it is printed; amounts in the card's currency, times in seconds, dates in UTC."""

    prefix: str
    price: str
    connection: str
    minimum: int
    increment: int
    grace: int
    from_date: str | None
    until_date: str | None
    destination: str
    blocked: bool


@dataclass(frozen=True, slots=True)
class SheetRateRow:
    """A rate with the line of the sheet that it was read from."""

    line: int
    prefix: str
    price: str
    connection: str
    minimum: int
    increment: int
    grace: int
    from_date: str | None
    until_date: str | None
    destination: str
    blocked: bool


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """What a column of a sheet was taken for; `field` is nothing for one that is left out."""

    column: str
    field: str | None
    means: str


@dataclass(frozen=True, slots=True)
class TermsRow:
    """What a call to a number costs: amounts in `currency`, times in seconds.

    `decimals` and `rounding`: to how many of the currency's decimals a charge is rounded, and how.
    """

    number: str
    card: str
    prefix: str
    destination: str
    currency: str
    price: str
    connection: str
    minimum: int
    increment: int
    grace: int
    decimals: int
    rounding: str
    free: bool


@dataclass(frozen=True, slots=True)
class QuoteRow(TermsRow):
    """What it costs a customer, by the code that a call uses. `affordable_s` is nothing without a limit."""

    customer: int
    available: str
    affordable: bool
    affordable_s: int | None


@dataclass(frozen=True, slots=True)
class TrunkQuoteRow(TermsRow):
    """What a trunk's owner charges us for it, by the code that works out the costs on record."""

    trunk: str


@dataclass(frozen=True, slots=True)
class ImportRow:
    """What an import did."""

    card: str
    added: int
    left_out: int


@dataclass(frozen=True, slots=True)
class LossRow:
    """Numbers that lose money on a trunk: those that begin with `prefix` and no longer prefix of either card.

    `loses_by`: `shortest`, `minute`, `further`, as ledger/below_cost.py has them; `below_cost`: whether calls
    go by it. `price` and `cost` are those of a minute, `..._minute` and `..._shortest` those of such a talk.
    """

    trunk: str
    prefix: str
    sold_by: str
    bought_by: str
    loses_by: tuple[str, ...]
    below_cost: bool
    currency: str
    price: str
    cost: str
    price_minute: str
    cost_minute: str
    price_shortest: str
    cost_shortest: str


@dataclass(frozen=True, slots=True)
class AssignmentRow:
    """Who goes by a card."""

    subject: str
    card: str


def card_row(card: RateCard) -> CardRow:
    """The card as it is printed."""
    return CardRow(
        name=card.name,
        currency=card.currency,
        decimals=card.decimals,
        rounding=card.rounding.value,
        default=card.is_default,
        below_cost=card.below_cost.value,
        rows=card.rows,
    )


def rate_row(rate: Rate, currency: str) -> RateRow:
    """The rate with its amounts and dates as text."""
    return RateRow(
        prefix=rate.prefix,
        price=format_amount(rate.price_micros, currency),
        connection=format_amount(rate.connection_micros, currency),
        minimum=rate.minimum_s,
        increment=rate.increment_s,
        grace=rate.grace_s,
        from_date=iso_utc(rate.from_ms, "auto") if rate.from_ms else None,
        until_date=None if rate.until_ms is None else iso_utc(rate.until_ms, "auto"),
        destination=rate.destination,
        blocked=rate.blocked,
    )


def column_rows(read: RateFile) -> list[ColumnRow]:
    """What a sheet's columns were taken for, and those that are left out."""
    header = read.header
    if header is None:
        return []
    taken = [
        ColumnRow(header.name(of), of, FIELDS.get(of, "empty"))
        for of, _ in sorted(header.fields.items(), key=lambda one: one[1])
    ]
    return [*taken, *(ColumnRow(name, None, "left out") for name in header.left_out)]


def quote_row(found: Quote) -> QuoteRow:
    """The quote with its amounts as text."""
    affordable_ms = found.affordable_ms
    return QuoteRow(
        number=found.number,
        customer=found.customer_id,
        card=found.card,
        **_terms_cells(found.terms),
        available=format_amount(found.available_micros, found.terms.currency),
        affordable=found.affordable,
        affordable_s=None if affordable_ms is None else affordable_ms // 1000,
    )


def trunk_quote_row(number: str, trunk: str, card: str, terms: Terms) -> TrunkQuoteRow:
    """The trunk's rate with its amounts as text."""
    return TrunkQuoteRow(number=number, trunk=trunk, card=card, **_terms_cells(terms))


def loss_row(comparison: Comparison, compared: ComparedPrefix) -> LossRow:
    """The prefix with its amounts as text."""
    margin = compared.margin
    minute, shortest, currency = margin.minute, margin.shortest, margin.sell.currency
    return LossRow(
        trunk=comparison.trunk,
        prefix=compared.prefix,
        sold_by=margin.sell.prefix,
        bought_by=margin.buy.prefix,
        loses_by=tuple(by.value for by in margin.losses),
        below_cost=margin.below_cost,
        currency=currency,
        price=format_amount(margin.sell.price_micros, currency),
        cost=format_amount(margin.buy.price_micros, currency),
        price_minute=format_amount(minute.charge_micros, currency),
        cost_minute=format_amount(minute.cost_micros, currency),
        price_shortest=format_amount(shortest.charge_micros, currency),
        cost_shortest=format_amount(shortest.cost_micros, currency),
    )


def _terms_cells(terms: Terms) -> dict[str, Any]:
    return {
        "prefix": terms.prefix,
        "destination": terms.destination,
        "currency": terms.currency,
        "price": format_amount(terms.price_micros, terms.currency),
        "connection": format_amount(terms.connection_micros, terms.currency),
        "minimum": terms.minimum_s,
        "increment": terms.increment_s,
        "grace": terms.grace_s,
        "decimals": terms.decimals,
        "rounding": terms.rounding.value,
        "free": terms.free,
    }
