"""A customer's own credit, limits and language, and what moved its money."""

from __future__ import annotations

from pydantic import AwareDatetime
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import customers
from ringflow.accounts.customer_access.own_limits import lower_limits
from ringflow.actor import Actor, Principal
from ringflow.errors import Refused
from ringflow.forms.own import (
    OwnAccountForm,
    OwnMovementForm,
    OwnQuoteForm,
    OwnStatementForm,
    own_account_form,
    own_movement_form,
    own_quote_form,
    own_statement_form,
)
from ringflow.ledger.account import read_account
from ringflow.ledger.movement import MOVEMENTS, Kind, MovementFilter, movement_page
from ringflow.ledger.rates.quote import NoRate, quote
from ringflow.ledger.statement import AccountStatement, read_statement
from ringflow.numbers import dialled_number
from ringflow.plain_text import plain
from ringflow.rights import Audience
from ringflow.store.pages import Page, PageRequest
from ringflow.web.api.me.customer import own_id
from ringflow.web.api.period import milliseconds
from ringflow.web.rest.conditions import IfMatch
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input
from ringflow.web.rest.services import Services

RESOURCE = Resource("me", "/me", "What is a customer's own, for its own programs.")


class OwnAccountPatch(Input):
    """What is to be changed: the fields that are there. Limits can be lowered only."""

    language: str | None = None
    daily_limit: str | None = None
    """What calls may cost in a UTC day."""
    debit_limit: str | None = None
    """How far below zero the balance may go; not below 0."""


class OwnMovementQuery(Input):
    """Which movements."""

    kind: Kind | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    """The first moment after."""


class OwnStatementQuery(Input):
    """Of which period."""

    since: AwareDatetime
    until: AwareDatetime
    """The first moment after."""


class OwnQuoteQuery(Input):
    """To which number."""

    number: str


@RESOURCE.get(Audience.CUSTOMER, tagged=True)
async def show_own_account(
    connection: AsyncConnection, services: Services, principal: Principal
) -> OwnAccountForm:
    """Return the customer's own account: credit, limits, language."""
    return await _account(connection, own_id(principal), services.now_ms())


@RESOURCE.patch(Audience.CUSTOMER, "")
async def alter_own_account(
    actor: Actor, services: Services, match: IfMatch, body: OwnAccountPatch
) -> OwnAccountForm:
    """Change the language, or lower a limit. What an operator has lowered cannot be raised here."""
    customer_id = own_id(actor.principal)
    match.require(await _account(actor.connection, customer_id, actor.now_ms))
    if body.language is not None:
        await customers.remember_language(actor, customer_id, body.language)
    await lower_limits(actor, customer_id, body.daily_limit, body.debit_limit)
    return await _account(actor.connection, customer_id, actor.now_ms)


@RESOURCE.get(Audience.CUSTOMER, "/movements", listing=MOVEMENTS)
async def list_own_movements(
    connection: AsyncConnection, principal: Principal, query: OwnMovementQuery, asked: PageRequest
) -> Page[OwnMovementForm]:
    """List what moved the customer's money, the newest first."""
    customer_id = own_id(principal)
    since_ms, until_ms = milliseconds(query.since), milliseconds(query.until)
    wanted = MovementFilter(customer_id, query.kind, since_ms=since_ms, until_ms=until_ms)
    page = await movement_page(connection, wanted, asked)
    return page.map(lambda one: own_movement_form(one, customer_id))


@RESOURCE.get(Audience.CUSTOMER, "/statement")
async def show_own_statement(
    connection: AsyncConnection, principal: Principal, query: OwnStatementQuery
) -> OwnStatementForm:
    """Return the movements of a period of at most 92 days, between the balance before it and after it."""
    since_ms, until_ms = milliseconds(query.since), milliseconds(query.until)
    assert since_ms is not None and until_ms is not None  # noqa: PT018 -- for the type checker
    if not 0 <= until_ms - since_ms <= MOST_DAYS * 86_400_000:
        raise Refused(
            "statement.malformed_period",
            f"`until` comes after `since`, by at most {MOST_DAYS} days",
            ("until",),
            most=MOST_DAYS,
        )
    customer_id = own_id(principal)
    found = await read_statement(connection, customer_id, since_ms, until_ms)
    if found is None:
        currency = (await customers.show(connection, customer_id)).currency
        found = AccountStatement(customer_id, currency, 0, (), 0)
    return own_statement_form(found, since_ms, until_ms)


@RESOURCE.get(Audience.CUSTOMER, "/quote")
async def show_own_quote(services: Services, principal: Principal, query: OwnQuoteQuery) -> OwnQuoteForm:
    """Return what a call to a number costs the customer now, and for how long its credit is enough."""
    number = dialled_number(query.number, services.config.country)
    if number is None:
        raise Refused(
            "number.malformed",
            f"`{plain(query.number)}` is not a number that can be dialled: write one such as +441910000001",
            ("number",),
            number=query.number,
        )
    try:
        return own_quote_form(await quote(services.store, number, own_id(principal), services.now_ms()))
    except NoRate as error:
        # Which rate card, and what it says, is the operator's own business.
        raise NoRate("number.not_called", f"{number} cannot be called", number=number) from error


MOST_DAYS = 92


async def _account(connection: AsyncConnection, customer_id: int, now_ms: int) -> OwnAccountForm:
    customer = await customers.show(connection, customer_id)
    return own_account_form(customer, await read_account(connection, customer_id, now_ms))
