"""Rate cards over HTTP, their rates, and who goes by them."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor
from ringflow.forms.rate import (
    AssignmentForm,
    RateCardForm,
    RateForm,
    assignment_form,
    rate_card_form,
    rate_form,
)
from ringflow.ledger.rates import card as rate_card
from ringflow.ledger.rates.card import RATE_CARDS, RATES, BelowCost, RateCard, RateFilter
from ringflow.ledger.rates.changes import delete_card, delete_rate, rates_of, set_rate
from ringflow.ledger.rates.prefix import AS_KEYED, rate_prefix
from ringflow.ledger.rates.rate_fields import RateFields, read_fields
from ringflow.money import Rounding
from ringflow.rights import Right
from ringflow.store.pages import Page, PageRequest
from ringflow.web.api.period import milliseconds
from ringflow.web.rest.conditions import IfMatch
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input, Patch, unchanged
from ringflow.web.rest.services import Services

RESOURCE = Resource("rates", "/rate-cards", "What calls cost.")


class RateCardQuery(Input):
    """Which rate cards."""

    q: str | None = None
    """A part of the name."""


class NewRateCard(Input):
    """A rate card that is to be made."""

    name: str
    currency: str
    """A code of ISO 4217. It stays for ever."""
    decimals: int = 4
    """How many decimals a charge keeps."""
    rounding: Rounding = Rounding.UP
    """What becomes of the rest."""
    default: bool = False
    """For all customers of its currency who have no card of their own."""
    below_cost: BelowCost = BelowCost.REFUSE
    """What becomes of calls through trunks that cost more."""


class RateCardPatch(Patch):
    """What is to be changed of a rate card: the fields that are there."""

    below_cost: BelowCost = unchanged()
    default: Literal[True] = unchanged()
    """It takes that place from another card, so that there is always one."""


class RateQuery(Input):
    """Which rates of a card."""

    prefix: str | None = None
    """How the rate's prefix begins."""
    blocked: bool | None = None
    at: AwareDatetime | None = None
    """Only rates that count at that moment."""
    q: str | None = None
    """A part of the destination's name."""


class RatePatch(Patch):
    """What is to be changed of the rate of a prefix, or what a new one is."""

    from_at: AwareDatetime | None = None
    """Which of several rates, by its begin; or when a new one begins, at which the one before ends."""
    price: str = unchanged()
    """For a minute: decimal text in the card's currency."""
    connection: str = unchanged()
    """For each answered call."""
    minimum_s: int = unchanged()
    increment_s: int = unchanged()
    grace_s: int = unchanged()
    until_at: AwareDatetime | None = unchanged()
    """The first moment after it; null: it has no end."""
    destination: str = unchanged()
    blocked: bool = unchanged()
    """Whether calls to it are not put through."""


class RateChoice(Input):
    """Which rate of a prefix."""

    from_at: AwareDatetime | None = None
    """By its begin, where there are several."""


@RESOURCE.get(Right.RATES_READ, listing=RATE_CARDS)
async def list_rate_cards(
    connection: AsyncConnection, query: RateCardQuery, asked: PageRequest
) -> Page[RateCardForm]:
    """List rate cards."""
    return (await rate_card.rate_card_page(connection, asked, query.q)).map(rate_card_form)


@RESOURCE.post(Right.RATES_CHANGE)
async def add_rate_card(actor: Actor, body: NewRateCard) -> RateCardForm:
    """Make an empty rate card."""
    return rate_card_form(await rate_card.create_card(actor, **body.model_dump()))


@RESOURCE.get(Right.RATES_READ, "/{rate_card_name}", tagged=True)
async def show_rate_card(connection: AsyncConnection, rate_card_name: str) -> RateCardForm:
    """Return a rate card."""
    return rate_card_form(await rate_card.get_card(connection, rate_card_name))


@RESOURCE.patch(Right.RATES_CHANGE, "/{rate_card_name}")
async def alter_rate_card(
    actor: Actor, rate_card_name: str, match: IfMatch, body: RateCardPatch
) -> RateCardForm:
    """Change what becomes of calls below cost, or make it the default of its currency.

    It counts from the next call on.
    """
    await _locked(actor, rate_card_name, match)
    changes = body.changes()
    if "below_cost" in changes:
        await rate_card.set_below_cost(actor, rate_card_name, changes["below_cost"])
    if "default" in changes:
        await rate_card.set_default(actor, rate_card_name)
    return rate_card_form(await rate_card.get_card(actor.connection, rate_card_name))


@RESOURCE.delete(Right.RATES_CHANGE, "/{rate_card_name}")
async def delete_rate_card(actor: Actor, rate_card_name: str, match: IfMatch) -> None:
    """Delete a rate card that nobody was assigned, with its rates."""
    await _locked(actor, rate_card_name, match)
    await delete_card(actor, rate_card_name)


@RESOURCE.get(Right.RATES_READ, "/{rate_card_name}/rates", listing=RATES)
async def list_rates(
    connection: AsyncConnection,
    services: Services,
    rate_card_name: str,
    query: RateQuery,
    asked: PageRequest,
) -> Page[RateForm]:
    """List the rates of a card."""
    card = await rate_card.get_uncounted(connection, rate_card_name)
    prefix = query.prefix
    if prefix not in (None, "", AS_KEYED):
        assert prefix is not None
        prefix = rate_prefix(prefix, services.config.country)
    wanted = RateFilter(prefix, query.blocked, milliseconds(query.at), query.q)
    page = await rate_card.rate_page(connection, card, wanted, asked)
    return page.map(lambda one: rate_form(one, card.currency))


@RESOURCE.get(Right.RATES_READ, "/{rate_card_name}/rates/{prefix}", tagged=True)
async def show_rates_of_prefix(
    connection: AsyncConnection, services: Services, rate_card_name: str, prefix: str
) -> Page[RateForm]:
    """Return the rates of exactly this prefix, the earliest first. There may be none."""
    card = await rate_card.get_uncounted(connection, rate_card_name)
    return await _of_prefix(connection, card, rate_prefix(prefix, services.config.country))


@RESOURCE.patch(Right.RATES_CHANGE, "/{rate_card_name}/rates/{prefix}")
async def set_rate_of_prefix(
    actor: Actor, rate_card_name: str, prefix: str, match: IfMatch, body: RatePatch
) -> Page[RateForm]:
    """Change the rate of a prefix, or add it; return the prefix's rates as they are then.

    With a new `from_at` the rate in effect until then ends there.
    """
    card = await rate_card.lock_card(actor, await rate_card.get_card(actor.connection, rate_card_name))
    digits = rate_prefix(prefix, actor.country)
    match.require(await _of_prefix(actor.connection, card, digits))
    changes = body.changes()
    begin_ms = milliseconds(changes.pop("from_at", None))
    if "until_at" in changes:
        changes["until_ms"] = milliseconds(changes.pop("until_at"))
    fields: RateFields = changes  # type: ignore[assignment]
    await set_rate(actor, card, digits, read_fields(fields, card.currency), begin_ms)
    return await _of_prefix(actor.connection, card, digits)


@RESOURCE.delete(Right.RATES_CHANGE, "/{rate_card_name}/rates/{prefix}")
async def delete_rate_of_prefix(
    actor: Actor, rate_card_name: str, prefix: str, match: IfMatch, query: RateChoice
) -> None:
    """Take the rate of a prefix off a card."""
    card = await rate_card.lock_card(actor, await rate_card.get_card(actor.connection, rate_card_name))
    digits = rate_prefix(prefix, actor.country)
    match.require(await _of_prefix(actor.connection, card, digits))
    await delete_rate(actor, card, digits, milliseconds(query.from_at))


@RESOURCE.get(Right.RATES_READ, "/{rate_card_name}/assignments")
async def list_assignments(connection: AsyncConnection, rate_card_name: str) -> Page[AssignmentForm]:
    """List who was assigned a card: customers and trunks. All of it is one page."""
    card = await rate_card.get_uncounted(connection, rate_card_name)
    subjects = await rate_card.assignments(connection, card)
    return Page([assignment_form(subject, card.name) for subject in subjects], None)


async def _locked(actor: Actor, name: str, match: IfMatch) -> None:
    """Keep others from changing the card until the transaction ends; it is as the sender saw it."""
    card = await rate_card.lock_card(actor, await rate_card.get_card(actor.connection, name))
    match.require(rate_card_form(card))


async def _of_prefix(connection: AsyncConnection, card: RateCard, prefix: str) -> Page[RateForm]:
    found = await rates_of(connection, card, prefix)
    return Page([rate_form(one, card.currency) for one in found], None)
