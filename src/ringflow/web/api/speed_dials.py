"""Speed dials over HTTP: the numbers that customers keep under short keys."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import speed_dials
from ringflow.accounts.directory_changes import lock_directory
from ringflow.accounts.speed_dials import SPEED_DIALS, SpeedDial, SpeedDialChanges
from ringflow.actor import Actor
from ringflow.forms.speed_dial import SpeedDialForm, speed_dial_form
from ringflow.rights import Right
from ringflow.store.pages import Page, PageRequest
from ringflow.web.rest.conditions import IfMatch
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input, Patch, unchanged

RESOURCE = Resource("speed dials", "/speed-dials", "The numbers that customers keep under short keys.")


class SpeedDialQuery(Input):
    """Which speed dials."""

    customer: int | None = None
    q: str | None = None
    """A part of the name."""


class NewSpeedDial(Input):
    """A number that is to be kept."""

    customer: int
    place: int
    """The key, 0 to 99, that callers press before #."""
    number: str
    """A telephone number in any form."""
    name: str = ""


class SpeedDialPatch(Patch):
    """What is to be changed of a speed dial: the fields that are there."""

    number: str = unchanged()
    name: str = unchanged()


@RESOURCE.get(Right.CUSTOMERS_READ, listing=SPEED_DIALS)
async def list_speed_dials(
    connection: AsyncConnection, query: SpeedDialQuery, asked: PageRequest
) -> Page[SpeedDialForm]:
    """List speed dials."""
    return (await speed_dials.page(connection, query.customer, query.q, asked)).map(speed_dial_form)


@RESOURCE.post(Right.CUSTOMERS_CHANGE)
async def add_speed_dial(actor: Actor, body: NewSpeedDial) -> SpeedDialForm:
    """Keep a number under a key of a customer."""
    wanted = SpeedDial(body.customer, body.place, body.number, body.name)
    return speed_dial_form(await speed_dials.add(actor, wanted))


@RESOURCE.get(Right.CUSTOMERS_READ, "/{customer}/{place}", tagged=True)
async def show_speed_dial(connection: AsyncConnection, customer: int, place: int) -> SpeedDialForm:
    """Return the number under a key."""
    return speed_dial_form(await speed_dials.show(connection, customer, place))


@RESOURCE.patch(Right.CUSTOMERS_CHANGE, "/{customer}/{place}")
async def alter_speed_dial(
    actor: Actor, customer: int, place: int, match: IfMatch, body: SpeedDialPatch
) -> SpeedDialForm:
    """Change the fields that the body has; the others stay."""
    await lock_directory(actor)
    match.require(speed_dial_form(await speed_dials.show(actor.connection, customer, place)))
    changes: SpeedDialChanges = body.changes()  # type: ignore[assignment]
    return speed_dial_form(await speed_dials.alter(actor, customer, place, **changes))


@RESOURCE.delete(Right.CUSTOMERS_CHANGE, "/{customer}/{place}")
async def delete_speed_dial(actor: Actor, customer: int, place: int, match: IfMatch) -> None:
    """Forget the number under a key."""
    await lock_directory(actor)
    match.require(speed_dial_form(await speed_dials.show(actor.connection, customer, place)))
    await speed_dials.delete(actor, customer, place)
