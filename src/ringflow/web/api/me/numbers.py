"""A customer's own numbers: those that it is known by, and those that it keeps under short keys."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import clis, speed_dials
from ringflow.accounts.clis import CLIS, CliFilter
from ringflow.accounts.customer_access.own_clis import remove_own, show_own
from ringflow.accounts.speed_dials import SPEED_DIALS, SpeedDial
from ringflow.actor import Actor, Principal
from ringflow.forms.own import OwnCliForm, OwnSpeedDialForm, own_cli_form, own_speed_dial_form
from ringflow.rights import Audience
from ringflow.store.pages import Page, PageRequest
from ringflow.web.api.me.customer import own_id
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.reading import Input

KNOWN_BY = Resource("me", "/me/clis", "What is a customer's own, for its own programs.")
DIALS = Resource("me", "/me/speed-dials", "What is a customer's own, for its own programs.")


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
