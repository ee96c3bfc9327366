"""Rate cards: what calls cost, by the beginning of the number; and who goes by which card."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor
from ringflow.audit import Verb, note
from ringflow.errors import Conflict, Refused, Unknown
from ringflow.ledger.channel_limits import customer_subject
from ringflow.money import MICRO_DIGITS, AmountError, Rounding, check_currency
from ringflow.store.conditions import are_digits, begins_with, contains, digits_between, equal
from ringflow.store.ledger_tables import rate_assignments, rate_cards, rates
from ringflow.store.page_filters import Between, Filters
from ringflow.store.pages import Listing, Page, PageRequest
from ringflow.store.statement import Statement
from ringflow.store.tables import customers, directory_revision, trunks

MAX_NAME = 64


class BelowCost(StrEnum):
    """What becomes of a call through a trunk whose owner charges us more than the card brings."""

    ALLOW = "allow"
    WARN = "warn"
    """It is dialled, and the log and the call's record say so."""
    REFUSE = "refuse"
    """The next trunk is tried."""


@dataclass(frozen=True, slots=True)
class RateCard:
    """A named list of rates in one currency. `decimals` and `rounding`: what a charge is rounded to.

    `is_default`: customers of its currency go by it unless another is assigned.
    """

    id: int
    name: str
    currency: str
    decimals: int
    rounding: Rounding
    is_default: bool
    revision: int
    below_cost: BelowCost = BelowCost.REFUSE
    rows: int = 0
    edition: int | None = None

    @property
    def rates_id(self) -> int:
        """The `card_id` of its rates: that of the edition that was put in place last, or its own."""
        return self.id if self.edition is None else self.edition


@dataclass(frozen=True, slots=True)
class Rate:
    """One row of a card: amounts in micro-units, `price_micros` for a minute; `until_ms` is not in it.

    `destination` is the name of what the prefix leads to. No call to one that is `blocked` is put through.
    """

    prefix: str
    price_micros: int
    connection_micros: int
    minimum_s: int
    increment_s: int
    grace_s: int
    from_ms: int
    until_ms: int | None
    destination: str = ""
    blocked: bool = False


_ASSIGN = Statement(
    "INSERT INTO rate_assignments (subject, card_id) VALUES (:subject, :card_id) "
    "ON CONFLICT (subject) DO UPDATE SET card_id = excluded.card_id",
    subject="text",
    card_id="bigint",
)


def trunk_subject(name: str) -> str:
    """What a trunk is called where rate cards are assigned."""
    return f"trunk:{name}"


async def create_card(
    actor: Actor,
    name: str,
    currency: str,
    *,
    decimals: int = 4,
    rounding: Rounding = Rounding.UP,
    default: bool = False,
    below_cost: BelowCost = BelowCost.REFUSE,
) -> RateCard:
    """Make an empty card; `default` takes that place from another card. Raises `Refused`."""
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise Refused(
            "rate_card.malformed_name",
            f"a rate card's name has 1 to {MAX_NAME} characters",
            ("name",),
            most=MAX_NAME,
        )
    if not 0 <= decimals <= MICRO_DIGITS:
        raise Refused(
            "field.out_of_range",
            f"a charge has 0 to {MICRO_DIGITS} decimals, not {decimals}",
            ("decimals",),
            field="decimals",
            low=0,
            high=MICRO_DIGITS,
        )
    connection = actor.connection
    if await find_card(connection, name):
        raise Conflict("rate_card.taken", f"there is a rate card `{name}` already", ("name",), card=name)
    try:
        check_currency(currency)
    except AmountError as error:
        raise error.reworded(str(error), ("currency",)) from None
    row = {
        "name": name,
        "currency": currency,
        "decimals": decimals,
        "below_cost": below_cost.value,
    }
    await connection.execute(
        rate_cards.insert().values(**row, rounding=rounding.value, is_default=False, revision=1)
    )
    facts = {**row, "rounding": rounding.value, "default": default}
    await note(actor, Verb.ADD, f"rate card {name}", None, facts)
    if default:
        await set_default(actor, name)
    return await get_card(connection, name)


async def set_default(actor: Actor, name: str) -> None:
    """Make it the card that customers of its currency go by unless another is assigned. Raises `Refused`."""
    connection = actor.connection
    card = await get_card(connection, name)
    was = await default_card(connection, card.currency)
    others = rate_cards.update().where(rate_cards.c.currency == card.currency, rate_cards.c.id != card.id)
    await connection.execute(others.values(is_default=False))
    await connection.execute(rate_cards.update().where(rate_cards.c.id == card.id).values(is_default=True))
    await note(actor, Verb.DEFAULT, f"currency {card.currency}", {"rate_card": was}, {"rate_card": name})


async def set_below_cost(actor: Actor, name: str, below_cost: BelowCost) -> RateCard:
    """Say what becomes of calls that would cost more than the card brings. Raises `Refused`."""
    card = await get_card(actor.connection, name)
    if card.below_cost is not below_cost:
        change = rate_cards.update().where(rate_cards.c.id == card.id).values(below_cost=below_cost.value)
        await actor.connection.execute(change)
        before, after = {"below_cost": card.below_cost.value}, {"below_cost": below_cost.value}
        await note(actor, Verb.SET, f"rate card {name}", before, after)
    return await get_card(actor.connection, name)


async def lock_card(actor: Actor, card: RateCard) -> RateCard:
    """Give the card a new revision, which also locks it: two changes at once cannot overlap unseen.

    Return it as it is then. Raises `Unknown` where it was deleted meanwhile.
    """
    newer = rate_cards.update().where(rate_cards.c.id == card.id)
    await actor.connection.execute(newer.values(revision=rate_cards.c.revision + 1))
    return await get_card(actor.connection, card.name)


async def get_uncounted(connection: AsyncConnection, name: str) -> RateCard:
    """Return the card of this name; how many rates it has is not counted. Raises `Unknown`."""
    query = SELECT_UNCOUNTED.where(rate_cards.c.name == name)
    row = (await connection.execute(query)).one_or_none()
    return rate_card_of(row) if row else await get_card(connection, name)


async def find_card(connection: AsyncConnection, name: str) -> RateCard | None:
    """The card of this name."""
    query = SELECT_CARDS.where(rate_cards.c.name == name)
    row = (await connection.execute(query)).one_or_none()
    return rate_card_of(row) if row is not None else None


async def get_card(connection: AsyncConnection, name: str) -> RateCard:
    """The card of this name. Raises `Refused` when there is none."""
    card = await find_card(connection, name)
    if card is None:
        raise unknown_card(name)
    return card


def unknown_card(name: str) -> Unknown:
    """The error where no card has this name."""
    return Unknown("rate_card.unknown", f"there is no rate card `{name}`", card=name)


RATES_ID = func.coalesce(rate_cards.c.edition, rate_cards.c.id)
"""The `card_id` of a card's rates."""
_COLUMNS = tuple(name for name in RateCard.__slots__ if name != "rows")
_COUNT = select(func.count()).where(rates.c.card_id == RATES_ID).correlate(rate_cards).scalar_subquery()
_OF_NO_OTHER = rate_cards.c.edition_of.is_(None)
SELECT_CARDS = select(*(rate_cards.c[name] for name in _COLUMNS), _COUNT).where(_OF_NO_OTHER)
SELECT_UNCOUNTED = select(*(rate_cards.c[name] for name in _COLUMNS), literal(0)).where(_OF_NO_OTHER)
"""To count the rates of a card takes longer than a page of them: 70 ms for a million."""


def rate_card_of(row: Sequence[Any]) -> RateCard:
    """Return the card of a row of `SELECT_CARDS`."""
    found = dict(zip((*_COLUMNS, "rows"), row, strict=True))
    return RateCard(
        **found
        | {
            "rounding": Rounding(found["rounding"]),
            "is_default": bool(found["is_default"]),
            "below_cost": BelowCost(found["below_cost"]),
        }
    )


RATE_CARDS = Listing("rate cards", {"name": (rate_cards.c.name,)}, first="name")
RATES = Listing("rates", {"prefix": (rates.c.prefix, rates.c.from_ms)}, first="prefix")


@dataclass(frozen=True, slots=True)
class RateFilter:
    """Which rates of a card: those that fit all given. `at_ms`: in effect then, in milliseconds since 1970.

    `prefix`: how the rate's prefix begins; `search`: a part of the destination's name.
    """

    prefix: str | None = None
    blocked: bool | None = None
    at_ms: int | None = None
    search: str | None = None


async def rate_card_page(
    connection: AsyncConnection, asked: PageRequest, search: str | None = None
) -> Page[RateCard]:
    """Read a page of rate cards. `search`: a part of the name."""
    query = SELECT_CARDS if search is None else SELECT_CARDS.where(contains(rate_cards.c.name, search))
    return await RATE_CARDS.page(connection, query, asked, rate_card_of)


async def rate_page(
    connection: AsyncConnection, card: RateCard, wanted: RateFilter, asked: PageRequest
) -> Page[Rate]:
    """Read a page of a card's rates."""
    tried = equal(((rates.c.blocked, wanted.blocked),))
    between = None
    if wanted.prefix and are_digits(wanted.prefix):
        between = Between(rates.c.prefix, *digits_between(wanted.prefix))
    elif wanted.prefix:
        tried.append(begins_with(rates.c.prefix, wanted.prefix))
    if wanted.at_ms is not None:
        ended = rates.c.until_ms
        tried += [rates.c.from_ms <= wanted.at_ms, or_(ended.is_(None), ended > wanted.at_ms)]
    if wanted.search is not None:
        tried.append(contains(rates.c.destination, wanted.search))
    filters = Filters(tried=tried, between=between)
    return await RATES.page(connection, _of_card(card), asked, lambda row: Rate(*row), filters)


def every_rate(connection: AsyncConnection, card: RateCard) -> AsyncIterator[Sequence[Rate]]:
    """Read all rates of a card by prefix and date, in pages, so that a million of them need no memory."""
    return RATES.all_pages(connection, _of_card(card), lambda row: Rate(*row))


def _of_card(card: RateCard) -> Select[Any]:
    return select(*(rates.c[name] for name in Rate.__slots__)).where(rates.c.card_id == card.rates_id)


async def assign_customer(actor: Actor, customer_id: int, card: RateCard) -> None:
    """Have a customer go by the card. Raises `Refused`: no such customer, another currency."""
    query = select(customers.c.currency).where(customers.c.id == customer_id)
    currency = (await actor.connection.execute(query)).scalar()
    if currency is None:
        raise Unknown("customer.unknown", f"customer {customer_id} does not exist", customer=customer_id)
    if currency != card.currency:
        raise Conflict(
            "currency.differs",
            f"customer {customer_id} has {currency}, and rate card `{card.name}` {card.currency}",
            currency=str(currency),
            other=card.currency,
        )
    await _assign(actor, customer_subject(customer_id), card)


async def assign_trunk(actor: Actor, name: str, card: RateCard) -> None:
    """Note the card that a trunk's owner charges by. Raises `Refused` when there is no such trunk."""
    there = select(trunks.c.name).where(trunks.c.name == name)
    if (await actor.connection.execute(there)).scalar() is None:
        raise Unknown("trunk.unknown", f"there is no trunk `{name}`", trunk=name)
    await _assign(actor, trunk_subject(name), card)
    await _tell_calls(actor.connection)


async def unassign(actor: Actor, subject: str) -> str:
    """Have a subject go by no card of its own any more; return what it had. Raises `Refused` without one."""
    card = await assigned(actor.connection, subject)
    if card is None:
        raise unassigned(subject)
    await actor.connection.execute(rate_assignments.delete().where(rate_assignments.c.subject == subject))
    if subject.startswith(trunk_subject("")):
        await _tell_calls(actor.connection)
    await note(actor, Verb.UNASSIGN, _noun(subject), {"rate_card": card}, {"rate_card": None})
    return card


def unassigned(subject: str) -> Unknown:
    """Return the error of a subject that has no card of its own."""
    noun = _noun(subject)
    return Unknown("rate_card.unassigned", f"{noun} has no rate card of its own", name=noun)


async def trunks_with_card(connection: AsyncConnection) -> frozenset[str]:
    """The names of the trunks whose costs are known."""
    query = select(trunks.c.name).join(
        rate_assignments, rate_assignments.c.subject == trunk_subject("") + trunks.c.name
    )
    return frozenset((await connection.execute(query)).scalars())


async def assigned(connection: AsyncConnection, subject: str) -> str | None:
    """The name of the card that a subject was assigned, not what it goes by for want of one."""
    query = select(rate_cards.c.name).join(rate_assignments, rate_assignments.c.card_id == rate_cards.c.id)
    return (await connection.execute(query.where(rate_assignments.c.subject == subject))).scalar()


async def default_card(connection: AsyncConnection, currency: str) -> str | None:
    """The name of the card that is the currency's default."""
    query = select(rate_cards.c.name).where(rate_cards.c.is_default, rate_cards.c.currency == currency)
    return (await connection.execute(query)).scalar()


async def assignments(connection: AsyncConnection, card: RateCard) -> list[str]:
    """Who goes by the card: `customer:42`, `trunk:carrier`."""
    query = select(rate_assignments.c.subject).where(rate_assignments.c.card_id == card.id)
    return [row[0] for row in await connection.execute(query.order_by(rate_assignments.c.subject))]


async def _assign(actor: Actor, subject: str, card: RateCard) -> None:
    was = await assigned(actor.connection, subject)
    await _ASSIGN.run(actor.connection, subject=subject, card_id=card.id)
    await note(actor, Verb.ASSIGN, _noun(subject), {"rate_card": was}, {"rate_card": card.name})


def _noun(subject: str) -> str:
    """As people name it, and the audit log does: `customer 42`."""
    return subject.replace(":", " ", 1)


async def _tell_calls(connection: AsyncConnection) -> None:
    """Calls keep in memory which trunks have a card, as long as the directory's revision stays."""
    await connection.execute(directory_revision.update().values(revision=directory_revision.c.revision + 1))
