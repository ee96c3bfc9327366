"""Codes of customers who share a calling number, over HTTP."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import cli_codes
from ringflow.accounts.cli_codes import CLI_CODES, DEFAULT_CODE_DIGITS, CliCodeFilter
from ringflow.accounts.directory_changes import lock_directory
from ringflow.accounts.peppers import configured_peppers
from ringflow.actor import Actor, Principal
from ringflow.forms.caller_secret import CliCodeForm, NewCliCodeForm, cli_code_form, new_cli_code_form
from ringflow.rights import Right
from ringflow.store.pages import Page, PageRequest
from ringflow.web.rest.conditions import IfMatch
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input
from ringflow.web.rest.services import Services

RESOURCE = Resource("clis", "/cli-codes", "The codes of customers who share a calling number.")


class CliCodeQuery(Input):
    """Which codes."""

    customer: int | None = None
    q: str | None = None
    """How a number begins."""


class NewCode(Input):
    """A code that is to be made."""

    customer: int
    number: str
    """In any form."""
    digits: int = DEFAULT_CODE_DIGITS
    notes: str = ""


class Rotation(Input):
    """A code in the place of another."""

    digits: int | None = None
    """null: as many as the old one has."""


@RESOURCE.get(Right.CUSTOMERS_READ, listing=CLI_CODES)
async def list_cli_codes(
    connection: AsyncConnection, query: CliCodeQuery, asked: PageRequest
) -> Page[CliCodeForm]:
    """List who shares which number. No code is shown."""
    wanted = CliCodeFilter(query.customer, query.q)
    return (await cli_codes.code_page(connection, wanted, asked)).map(cli_code_form)


@RESOURCE.post(Right.CUSTOMERS_CHANGE)
async def add_cli_code(services: Services, principal: Principal, body: NewCode) -> NewCliCodeForm:
    """Let a customer call from a number that others have too. The code is shown now, and never again.

    It takes no Idempotency-Key, because the code would be kept with the answer: who lost it rotates it.
    """
    peppers = configured_peppers(services.config)
    async with services.opener(principal)() as actor:
        made = await cli_codes.add_code(actor, body.customer, body.number, body.digits, body.notes, peppers)
    return new_cli_code_form(*made)


@RESOURCE.get(Right.CUSTOMERS_READ, "/{cli_code}", tagged=True)
async def show_cli_code(connection: AsyncConnection, cli_code: int) -> CliCodeForm:
    """Return whose code it is and where, without the code."""
    return cli_code_form(await cli_codes.show_code(connection, cli_code))


@RESOURCE.post(Right.CUSTOMERS_CHANGE, "/{cli_code}:rotate")
async def rotate_cli_code(
    services: Services, principal: Principal, cli_code: int, body: Rotation
) -> NewCliCodeForm:
    """Make a new code in the place of the old one. It is shown now, and never again."""
    peppers = configured_peppers(services.config)
    async with services.opener(principal)() as actor:
        return new_cli_code_form(*await cli_codes.rotate_code(actor, cli_code, body.digits, peppers))


@RESOURCE.delete(Right.CUSTOMERS_CHANGE, "/{cli_code}")
async def delete_cli_code(actor: Actor, cli_code: int, match: IfMatch) -> None:
    """Take a customer's code away."""
    await lock_directory(actor)
    match.require(cli_code_form(await cli_codes.show_code(actor.connection, cli_code)))
    await cli_codes.delete_code(actor, cli_code)
