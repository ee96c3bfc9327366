"""Rate cards over HTTP, what they say, and what a call would cost."""

from __future__ import annotations

from pydantic import AwareDatetime
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.forms.rate import RateCardForm, RateForm, rate_card_form, rate_form
from ringflow.ledger.rates import card as rate_card
from ringflow.ledger.rates.card import RATE_CARDS, RATES, RateFilter
from ringflow.rights import Right
from ringflow.store.pages import Page, PageRequest
from ringflow.web.api.period import milliseconds
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.reading import Input

RESOURCE = Resource("rates", "/rate-cards", "What calls cost.")


class RateCardQuery(Input):
    """Which rate cards."""

    q: str | None = None
    """A part of the name."""


class RateQuery(Input):
    """Which rates of a card."""

    prefix: str | None = None
    """How the rate's prefix begins."""
    blocked: bool | None = None
    at: AwareDatetime | None = None
    """Only rates that count at that moment."""
    q: str | None = None
    """A part of the destination's name."""


@RESOURCE.get(Right.RATES_READ, listing=RATE_CARDS)
async def list_rate_cards(
    connection: AsyncConnection, query: RateCardQuery, asked: PageRequest
) -> Page[RateCardForm]:
    """List rate cards."""
    return (await rate_card.rate_card_page(connection, asked, query.q)).map(rate_card_form)


@RESOURCE.get(Right.RATES_READ, "/{rate_card_name}/rates", listing=RATES)
async def list_rates(
    connection: AsyncConnection, rate_card_name: str, query: RateQuery, asked: PageRequest
) -> Page[RateForm]:
    """List the rates of a card."""
    card = await rate_card.get_card(connection, rate_card_name)
    wanted = RateFilter(query.prefix, query.blocked, milliseconds(query.at), query.q)
    page = await rate_card.rate_page(connection, card, wanted, asked)
    return page.map(lambda one: rate_form(one, card.currency))
