"""The forms of rate cards, their rates, who goes by them, and what a call to a number costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

from ringflow.ledger.rates.card import Rate, RateCard
from ringflow.ledger.rates.card_difference import CardRate, Difference, PrefixDifference
from ringflow.ledger.rates.comparison import ComparedPrefix, Comparison
from ringflow.ledger.rates.margin import MINUTE_MS
from ringflow.ledger.rates.quote import Quote
from ringflow.ledger.rates.sheet_columns import ColumnMap, argument
from ringflow.ledger.rates.sheet_import import RateFile
from ringflow.ledger.terms import Terms, charge_micros
from ringflow.moments import UtcSecond
from ringflow.money import format_amount


@dataclass(frozen=True, slots=True)
class RateCardForm:
    """A rate card, with how many rates it has."""

    VOLATILE: ClassVar = frozenset({"rows"})
    """What imports and changes of single rates change."""

    name: str
    currency: str
    decimals: int
    rounding: str
    default: bool
    below_cost: str
    rows: int


@dataclass(frozen=True, slots=True)
class RateForm:
    """A rate of a card, with amounts in the card's currency. `until_at` is the first moment after it."""

    prefix: str
    price: str
    connection: str
    minimum_s: int
    increment_s: int
    grace_s: int
    from_at: UtcSecond | None
    until_at: UtcSecond | None
    destination: str
    blocked: bool
    currency: str


@dataclass(frozen=True, slots=True)
class SheetRateForm:
    """A rate with the line of the sheet that it was read from."""

    line: int
    prefix: str
    price: str
    connection: str
    minimum_s: int
    increment_s: int
    grace_s: int
    from_at: UtcSecond | None
    until_at: UtcSecond | None
    destination: str
    blocked: bool
    currency: str


@dataclass(frozen=True, slots=True)
class ImportedRatesForm:
    """What an import of rates did."""

    rate_card: str
    added: int
    left_out: int


@dataclass(frozen=True, slots=True)
class SheetColumnForm:
    """What a column of a sheet was taken for."""

    sheet_column: str
    rate_field: str | None


@dataclass(frozen=True, slots=True)
class RateSheetForm:
    """How a sheet of rates would be read: its columns, its first rows, and how many would be added."""

    rate_card: str
    file: str
    dates: str
    decimal: str
    sheet_columns: tuple[SheetColumnForm, ...]
    sheet_rates: tuple[SheetRateForm, ...]
    added: int
    left_out: int


@dataclass(frozen=True, slots=True)
class ComparisonForm:
    """A customers' rate card against a trunk's: how many prefixes may lose money, or have no known cost."""

    rate_card: str
    trunk: str
    trunk_rate_card: str
    compared: int
    losing: int
    without_cost: int


@dataclass(frozen=True, slots=True)
class RateMapForm:
    """What the columns of a carrier's sheets are, kept under a name."""

    name: str
    columns: str
    values: str
    dates: str
    decimal: str
    encoding: str
    sheet: str


@dataclass(frozen=True, slots=True)
class AssignmentForm:
    """Who goes by a rate card: a customer or a trunk, and the other is null."""

    customer: int | None
    trunk: str | None
    rate_card: str


@dataclass(frozen=True, slots=True)
class _TermsForm:
    number: str
    rate_card: str
    prefix: str
    destination: str
    currency: str
    price: str
    connection: str
    minimum_s: int
    increment_s: int
    grace_s: int
    decimals: int
    rounding: str
    free: bool


@dataclass(frozen=True, slots=True)
class QuoteForm(_TermsForm):
    """What a call to a number costs a customer. `affordable_s` is null where nothing limits the talk."""

    customer: int
    available: str
    affordable: bool
    affordable_s: int | None


@dataclass(frozen=True, slots=True)
class TrunkQuoteForm(_TermsForm):
    """What a call to a number costs us, as a trunk's owner charges it."""

    trunk: str


@dataclass(frozen=True, slots=True)
class CardQuoteForm(_TermsForm):
    """What a call to a number costs by a rate card, whoever goes by it."""


@dataclass(frozen=True, slots=True)
class LossForm:
    """Numbers that lose money on a trunk: those that begin with `prefix` and no longer prefix of either card.

    `loses_by`: `shortest`, `minute`, `further`, as ledger/rates/margin.py has them. `price` and `cost` are
    those of a minute; `..._minute` and `..._shortest` are charge and cost of such a talk.
    """

    trunk: str
    prefix: str
    sold_by: str
    bought_by: str
    loses_by: tuple[str, ...]
    is_below_cost: bool
    currency: str
    price: str
    cost: str
    price_minute: str
    cost_minute: str
    price_shortest: str
    cost_shortest: str


@dataclass(frozen=True, slots=True)
class RateDifferenceForm:
    """What becomes of calls to a prefix when the new one of two rate cards takes the place of the old one.

    `old_prefix`, `new_prefix`: of the rates by which they are charged. Price and charge of a minute are null
    where there is no rate, or one that blocks them.
    """

    prefix: str
    destination: str
    difference: str
    old_prefix: str | None
    new_prefix: str | None
    currency: str
    old_price: str | None
    new_price: str | None
    old_minute: str | None
    new_minute: str | None


DIFFERENCE_FIGURES = ("old_price", "new_price", "old_minute", "new_minute")
"""The columns that people add up."""


@dataclass(frozen=True, slots=True)
class DifferenceCountForm:
    """How many prefixes differ in one way."""

    difference: str
    prefix_count: int


@dataclass(frozen=True, slots=True)
class RateCardDifferenceForm:
    """How two rate cards differ; the prefixes are the job's file."""

    rate_card: str
    new_rate_card: str
    difference_counts: tuple[DifferenceCountForm, ...]


def rate_card_form(card: RateCard) -> RateCardForm:
    """Return a rate card as it is shown."""
    return RateCardForm(
        name=card.name,
        currency=card.currency,
        decimals=card.decimals,
        rounding=card.rounding.value,
        default=card.is_default,
        below_cost=card.below_cost.value,
        rows=card.rows,
    )


def rate_form(rate: Rate, currency: str) -> RateForm:
    """Return a rate of a card in this currency as it is shown."""
    return RateForm(**_rate_fields(rate, currency))


def sheet_rate_form(line: int, rate: Rate, currency: str) -> SheetRateForm:
    """Return a rate that was read from this line of a sheet."""
    return SheetRateForm(line=line, **_rate_fields(rate, currency))


def assignment_form(subject: str, rate_card: str) -> AssignmentForm:
    """Return who goes by a rate card; `subject` is `customer:42` or `trunk:carrier`."""
    noun, _, name = subject.partition(":")
    if noun == "customer":
        return AssignmentForm(customer=int(name), trunk=None, rate_card=rate_card)
    return AssignmentForm(customer=None, trunk=name, rate_card=rate_card)


def quote_form(found: Quote) -> QuoteForm:
    """Return what a call costs a customer."""
    affordable_ms = found.affordable_ms
    return QuoteForm(
        number=found.number,
        customer=found.customer_id,
        rate_card=found.card,
        **_terms_fields(found.terms),
        available=format_amount(found.available_micros, found.terms.currency),
        affordable=found.affordable,
        affordable_s=None if affordable_ms is None else affordable_ms // 1000,
    )


def trunk_quote_form(number: str, trunk: str, rate_card: str, terms: Terms) -> TrunkQuoteForm:
    """Return what a call costs us on a trunk."""
    return TrunkQuoteForm(number=number, trunk=trunk, rate_card=rate_card, **_terms_fields(terms))


def card_quote_form(number: str, rate_card: str, terms: Terms) -> CardQuoteForm:
    """Return what a call to a number costs by a rate card."""
    return CardQuoteForm(number=number, rate_card=rate_card, **_terms_fields(terms))


def loss_form(comparison: Comparison, compared: ComparedPrefix) -> LossForm:
    """Return the numbers of a prefix that lose money on a trunk."""
    margin = compared.margin
    minute, shortest, currency = margin.minute, margin.shortest, margin.sell.currency
    return LossForm(
        trunk=comparison.trunk,
        prefix=compared.prefix,
        sold_by=margin.sell.prefix,
        bought_by=margin.buy.prefix,
        loses_by=tuple(by.value for by in margin.losses),
        is_below_cost=margin.below_cost,
        currency=currency,
        price=format_amount(margin.sell.price_micros, currency),
        cost=format_amount(margin.buy.price_micros, currency),
        price_minute=format_amount(minute.charge_micros, currency),
        cost_minute=format_amount(minute.cost_micros, currency),
        price_shortest=format_amount(shortest.charge_micros, currency),
        cost_shortest=format_amount(shortest.cost_micros, currency),
    )


def rate_sheet_form(card: RateCard, read: RateFile, most: int) -> RateSheetForm:
    """Return how a sheet would be read, with as many rows at most."""
    header = read.header
    columns = [] if header is None else sorted(header.fields.items(), key=lambda one: one[1])
    taken = [SheetColumnForm(header.name(of), of) for of, _ in columns] if header is not None else []
    left_out = [] if header is None else [SheetColumnForm(name, None) for name in header.left_out]
    return RateSheetForm(
        rate_card=card.name,
        file=Path(read.path).name,
        dates=read.dates,
        decimal=read.decimal,
        sheet_columns=(*taken, *left_out),
        sheet_rates=tuple(sheet_rate_form(line, rate, card.currency) for line, rate in read.rows[:most]),
        added=len(read.rows),
        left_out=len(read.problems),
    )


def comparison_form(sell: str, found: Comparison) -> ComparisonForm:
    """Return what a comparison of a card with a trunk's found."""
    return ComparisonForm(
        sell, found.trunk, found.card, found.compared, len(found.losing), found.without_cost
    )


def difference_form(found: PrefixDifference) -> RateDifferenceForm:
    """Return how calls to a prefix differ between two cards."""
    one = found.new or found.old
    assert one is not None, "a prefix is in one of the cards"
    return RateDifferenceForm(
        prefix=found.prefix,
        destination=one.terms.destination,
        difference=found.difference.value,
        old_prefix=None if found.old is None else found.old.terms.prefix,
        new_prefix=None if found.new is None else found.new.terms.prefix,
        currency=one.terms.currency,
        old_price=_price(found.old),
        new_price=_price(found.new),
        old_minute=_minute(found.old),
        new_minute=_minute(found.new),
    )


def difference_columns(form: RateDifferenceForm | None = None) -> Sequence[str]:
    """Return the cells of a difference in a table, or the columns' names."""
    names = [field.name for field in fields(RateDifferenceForm)]
    return names if form is None else [getattr(form, name) or "" for name in names]


def rate_card_difference_form(old: str, new: str, counts: Mapping[Difference, int]) -> RateCardDifferenceForm:
    """Return in how many prefixes two cards differ, for each way in which some do."""
    found = tuple(DifferenceCountForm(one.value, counts[one]) for one in Difference if counts.get(one))
    return RateCardDifferenceForm(old, new, found)


def _price(rate: CardRate | None) -> str | None:
    if rate is None or rate.blocked:
        return None
    return format_amount(rate.terms.price_micros, rate.terms.currency)


def _minute(rate: CardRate | None) -> str | None:
    if rate is None or rate.blocked:
        return None
    return format_amount(charge_micros(rate.terms, MINUTE_MS), rate.terms.currency)


def rate_map_form(name: str, said: ColumnMap) -> RateMapForm:
    """Return a map of columns as it is shown, and as it is given."""
    columns = (f"{of}={argument(one)}" for of, all_of in said.columns.items() for one in all_of)
    return RateMapForm(
        name=name,
        columns=",".join(columns),
        values=",".join(f"{of}={value}" for of, value in said.values.items()),
        dates=said.dates,
        decimal=said.decimal,
        encoding=said.encoding,
        sheet=said.worksheet,
    )


def _rate_fields(rate: Rate, currency: str) -> dict[str, Any]:
    return {
        "prefix": rate.prefix,
        "price": format_amount(rate.price_micros, currency),
        "connection": format_amount(rate.connection_micros, currency),
        "minimum_s": rate.minimum_s,
        "increment_s": rate.increment_s,
        "grace_s": rate.grace_s,
        # A rate without a beginning counts from the epoch.
        "from_at": UtcSecond(rate.from_ms) if rate.from_ms else None,
        "until_at": None if rate.until_ms is None else UtcSecond(rate.until_ms),
        "destination": rate.destination,
        "blocked": bool(rate.blocked),
        "currency": currency,
    }


def _terms_fields(terms: Terms) -> dict[str, Any]:
    return {
        "prefix": terms.prefix,
        "destination": terms.destination,
        "currency": terms.currency,
        "price": format_amount(terms.price_micros, terms.currency),
        "connection": format_amount(terms.connection_micros, terms.currency),
        "minimum_s": terms.minimum_s,
        "increment_s": terms.increment_s,
        "grace_s": terms.grace_s,
        "decimals": terms.decimals,
        "rounding": terms.rounding.value,
        "free": terms.free,
    }
