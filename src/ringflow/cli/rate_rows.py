"""Rate cards, their rates and quotes as `ringflow rate` prints them: amounts and dates as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ringflow.ledger.rate_card import Rate, RateCard
from ringflow.ledger.rates import Quote
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


@dataclass(frozen=True, slots=True)
class TermsRow:
    """What a call to a number costs: amounts in `currency`, times in seconds.

    `decimals` and `rounding`: to how many of the currency's decimals a charge is rounded, and how.
    """

    number: str
    card: str
    prefix: str
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
class AssignmentRow:
    """Who goes by a card."""

    subject: str
    card: str


def card_row(card: RateCard) -> CardRow:
    """The card as it is printed."""
    return CardRow(card.name, card.currency, card.decimals, card.rounding.value, card.is_default, card.rows)


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
    )


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


def _terms_cells(terms: Terms) -> dict[str, Any]:
    return {
        "prefix": terms.prefix,
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
