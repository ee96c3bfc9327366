"""A customer's own numbers: those that it is known by, and those that it keeps under short keys."""

from __future__ import annotations

from http import HTTPStatus

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import clis, speed_dials
from ringflow.accounts.clis import CLIS, CliFilter
from ringflow.accounts.customer_access import call_backs
from ringflow.accounts.customer_access.call_backs import NewCallBack
from ringflow.accounts.customer_access.own_clis import remove_own, show_own
from ringflow.accounts.speed_dials import SPEED_DIALS, SpeedDial
from ringflow.actor import Actor, Principal
from ringflow.forms.own import (
    CallBackForm,
    OwnCliForm,
    OwnSpeedDialForm,
    call_back_form,
    own_cli_form,
    own_speed_dial_form,
)
from ringflow.rights import Audience
from ringflow.store.pages import Page, PageRequest
from ringflow.web.api.me.customer import own_id
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.repetition import Once
from ringflow.web.rest.request_input import Input
from ringflow.web.rest.services import Services

KNOWN_BY = Resource("me", "/me/clis", "What is a customer's own, for its own programs.")
CALLED_BACK = Resource("me", "/me/call-backs", "What is a customer's own, for its own programs.")
DIALS = Resource("me", "/me/speed-dials", "What is a customer's own, for its own programs.")


class NumberToCall(Input):
    """Which number is to be called."""

    number: str
    """In any form."""


class CodeHeard(Input):
    """The code that was said there."""

    code: str = Field(max_length=32)


class OwnSpeedDial(Input):
    """What is kept under a key."""

    number: str
    """In any form, or a short number that a trunk dials as it is keyed."""
    name: str = ""


@KNOWN_BY.get(Audience.CUSTOMER, listing=CLIS)
async def list_own_clis(
    connection: AsyncConnection, principal: Principal, asked: PageRequest
) -> Page[OwnCliForm]:
    """List the calling numbers by which the customer is known."""
    page = await clis.page(connection, CliFilter(own_id(principal)), asked)
    return page.map(own_cli_form)


@KNOWN_BY.get(Audience.CUSTOMER, "/{cli}")
async def show_own_cli(connection: AsyncConnection, principal: Principal, cli: int) -> OwnCliForm:
    """Return a calling number of the customer, by its id."""
    return own_cli_form(await show_own(connection, own_id(principal), cli))


@KNOWN_BY.delete(Audience.CUSTOMER, "/{cli}")
async def remove_own_cli(actor: Actor, cli: int) -> None:
    """Remove a calling number: calls from it are not the customer's any more."""
    await remove_own(actor, own_id(actor.principal), cli)


@CALLED_BACK.post(Audience.CUSTOMER, status=HTTPStatus.ACCEPTED)
async def call_back(services: Services, principal: Principal, once: Once, body: NumberToCall) -> CallBackForm:
    """Have a number called with a code, to be known by it. It rings at once, and nothing is charged.

    A call says six digits, three times. They are sent to `:confirm` within ten minutes.
    """

    def form(begun: NewCallBack) -> CallBackForm:
        return call_back_form(begun.call_back)

    asked = services.customers.call_backs.ask(own_id(principal), body.number, once.transaction(form))
    return form(await asked)


@CALLED_BACK.get(Audience.CUSTOMER, "/{call_back_id}")
async def show_call_back(
    connection: AsyncConnection, principal: Principal, call_back_id: str
) -> CallBackForm:
    """Return what has come of a call-back: `calling`, `answered`, `not_answered`, `failed`, `confirmed`."""
    return call_back_form(await call_backs.show(connection, own_id(principal), call_back_id))


@CALLED_BACK.post(Audience.CUSTOMER, "/{call_back_id}:confirm")
async def confirm_call_back(
    services: Services, principal: Principal, call_back_id: str, body: CodeHeard
) -> OwnCliForm:
    """Send the code that was heard: calls from the number are the customer's from now on. Five tries."""
    customer_id, called = own_id(principal), services.customers.call_backs
    return own_cli_form(await called.confirm(principal, customer_id, call_back_id, body.code))


@DIALS.get(Audience.CUSTOMER, listing=SPEED_DIALS)
async def list_own_speed_dials(
    connection: AsyncConnection, principal: Principal, asked: PageRequest
) -> Page[OwnSpeedDialForm]:
    """List the numbers that the customer keeps under short keys."""
    page = await speed_dials.page(connection, own_id(principal), None, asked)
    return page.map(own_speed_dial_form)


@DIALS.get(Audience.CUSTOMER, "/{place}")
async def show_own_speed_dial(
    connection: AsyncConnection, principal: Principal, place: int
) -> OwnSpeedDialForm:
    """Return the number under a key."""
    return own_speed_dial_form(await speed_dials.show(connection, own_id(principal), place))


@DIALS.put(Audience.CUSTOMER, "/{place}")
async def keep_own_speed_dial(actor: Actor, place: int, body: OwnSpeedDial) -> OwnSpeedDialForm:
    """Keep a number under a key from 0 to 99, in place of what was there."""
    wanted = SpeedDial(own_id(actor.principal), place, body.number, body.name)
    return own_speed_dial_form(await speed_dials.put(actor, wanted))


@DIALS.delete(Audience.CUSTOMER, "/{place}")
async def delete_own_speed_dial(actor: Actor, place: int) -> None:
    """Forget the number under a key."""
    await speed_dials.delete(actor, own_id(actor.principal), place)
