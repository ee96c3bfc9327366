"""By which rate card a customer or a trunk goes, over HTTP, and what a call to a number costs by it."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor
from ringflow.forms.rate import (
    AssignmentForm,
    CardQuoteForm,
    QuoteForm,
    TrunkQuoteForm,
    assignment_form,
    card_quote_form,
    quote_form,
    trunk_quote_form,
)
from ringflow.ledger.channel_limits import customer_subject
from ringflow.ledger.rates import card as rate_card
from ringflow.ledger.rates.card import trunk_subject
from ringflow.ledger.rates.prefix import rated_number
from ringflow.ledger.rates.quote import quote, quote_by_card, quote_trunk
from ringflow.rights import Right
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input
from ringflow.web.rest.services import Services

CUSTOMERS = Resource("rates", "/customers/{customer}", "What calls cost.")
TRUNKS = Resource("rates", "/trunks/{trunk}", "What calls cost.")


CARDS = Resource("rates", "/rate-cards/{rate_card_name}", "What calls cost.")


class CardChoice(Input):
    """Which rate card somebody goes by."""

    rate_card: str


class NumberQuery(Input):
    """What is called."""

    number: str
    """A telephone number in any form."""


@CUSTOMERS.get(Right.RATES_READ, "/rate-card")
async def show_rate_card_of_customer(connection: AsyncConnection, customer: int) -> AssignmentForm:
    """Return the card that a customer was assigned. Without one it goes by its currency's default (404)."""
    return await _assignment(connection, customer_subject(customer))


@CUSTOMERS.put(Right.RATES_CHANGE, "/rate-card")
async def assign_rate_card_to_customer(actor: Actor, customer: int, body: CardChoice) -> AssignmentForm:
    """Have a customer go by a card, from the next call on."""
    card = await rate_card.get_card(actor.connection, body.rate_card)
    await rate_card.assign_customer(actor, customer, card)
    return assignment_form(customer_subject(customer), card.name)


@CUSTOMERS.delete(Right.RATES_CHANGE, "/rate-card")
async def unassign_rate_card_of_customer(actor: Actor, customer: int) -> None:
    """Take a customer's own card away. It then goes by its currency's default."""
    await rate_card.unassign(actor, customer_subject(customer))


@CUSTOMERS.get(Right.RATES_READ, "/quote")
async def quote_for_customer(services: Services, customer: int, query: NumberQuery) -> QuoteForm:
    """Say what a call to a number costs a customer, and for how long it can afford to talk now."""
    digits = rated_number(query.number, services.config.country)
    return quote_form(await quote(services.store, digits, customer, services.now_ms()))


@TRUNKS.get(Right.RATES_READ, "/rate-card")
async def show_rate_card_of_trunk(connection: AsyncConnection, trunk: str) -> AssignmentForm:
    """Return the card that a trunk's owner charges us by."""
    return await _assignment(connection, trunk_subject(trunk))


@TRUNKS.put(Right.RATES_CHANGE, "/rate-card")
async def assign_rate_card_to_trunk(actor: Actor, trunk: str, body: CardChoice) -> AssignmentForm:
    """Say which card a trunk's owner charges us by, from the next call on."""
    card = await rate_card.get_card(actor.connection, body.rate_card)
    await rate_card.assign_trunk(actor, trunk, card)
    return assignment_form(trunk_subject(trunk), card.name)


@TRUNKS.delete(Right.RATES_CHANGE, "/rate-card")
async def unassign_rate_card_of_trunk(actor: Actor, trunk: str) -> None:
    """Take a trunk's card away: nobody knows any more what it costs."""
    await rate_card.unassign(actor, trunk_subject(trunk))


@TRUNKS.get(Right.RATES_READ, "/quote")
async def quote_for_trunk(services: Services, trunk: str, query: NumberQuery) -> TrunkQuoteForm:
    """Say what a call to a number costs us on a trunk."""
    digits = rated_number(query.number, services.config.country)
    found = await quote_trunk(services.store, digits, trunk, services.now_ms())
    return trunk_quote_form(digits, trunk, *found)


@CARDS.get(Right.RATES_READ, "/quote")
async def quote_by_rate_card(services: Services, rate_card_name: str, query: NumberQuery) -> CardQuoteForm:
    """Say what a call to a number costs by a rate card, whoever goes by it."""
    digits = rated_number(query.number, services.config.country)
    terms = await quote_by_card(services.store, digits, rate_card_name, services.now_ms())
    return card_quote_form(digits, rate_card_name, terms)


async def _assignment(connection: AsyncConnection, subject: str) -> AssignmentForm:
    card = await rate_card.assigned(connection, subject)
    if card is None:
        raise rate_card.unassigned(subject)
    return assignment_form(subject, card)
