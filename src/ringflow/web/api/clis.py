"""CLIs over HTTP: the calling numbers that identify customers."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import clis
from ringflow.accounts.clis import CLIS, CliChanges, CliFilter
from ringflow.accounts.directory_changes import lock_directory
from ringflow.actor import Actor
from ringflow.errors import Refused
from ringflow.forms.cli_number import CliForm, cli_form
from ringflow.rights import Right
from ringflow.store.pages import Page, PageRequest
from ringflow.web.rest.conditions import IfMatch
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input, Patch, unchanged
from ringflow.web.rest.services import Services

RESOURCE = Resource("clis", "/clis", "The calling numbers that identify customers.")


class CliQuery(Input):
    """Which CLIs."""

    customer: int | None = None
    pattern: bool | None = None
    """Only patterns, or only numbers."""
    q: str | None = None
    """How a number begins, or a part of a pattern or of the notes."""


class NewCli(Input):
    """A CLI that is to be made: a number or a pattern."""

    customer: int
    number: str | None = None
    """In any form."""
    pattern: str | None = None
    """A regular expression (RE2), unanchored unless it has ^ and $."""
    notes: str = ""


class CliPatch(Patch):
    """What is to be changed of a CLI: the fields that are there."""

    customer: int = unchanged()
    notes: str = unchanged()


@RESOURCE.get(Right.CUSTOMERS_READ, listing=CLIS)
async def list_clis(connection: AsyncConnection, query: CliQuery, asked: PageRequest) -> Page[CliForm]:
    """List CLIs. By id is the order in which patterns are tried."""
    wanted = CliFilter(query.customer, query.pattern, search=query.q)
    return (await clis.page(connection, wanted, asked)).map(cli_form)


@RESOURCE.post(Right.CUSTOMERS_CHANGE)
async def add_cli(actor: Actor, body: NewCli) -> CliForm:
    """Let a calling number, or all that match a pattern, call as a customer."""
    if body.number is not None and body.pattern is None:
        return cli_form(await clis.add_number(actor, body.customer, body.number, body.notes))
    if body.pattern is not None and body.number is None:
        return cli_form(await clis.add_pattern(actor, body.customer, body.pattern, body.notes))
    raise Refused("cli.number_or_pattern", "a CLI has a `number` or a `pattern`, one of them")


@RESOURCE.get(Right.CUSTOMERS_READ, "/{cli}", tagged=True)
async def show_cli(connection: AsyncConnection, services: Services, cli: str) -> CliForm:
    """Return a CLI, by its number, its pattern or its id."""
    return cli_form(await clis.show(connection, cli, services.config.country))


@RESOURCE.patch(Right.CUSTOMERS_CHANGE, "/{cli}")
async def alter_cli(actor: Actor, cli: str, match: IfMatch, body: CliPatch) -> CliForm:
    """Change the fields that the body has; the others stay."""
    await lock_directory(actor)
    match.require(cli_form(await clis.show(actor.connection, cli, actor.country)))
    fields = body.changes()
    if "customer" in fields:
        fields["customer_id"] = fields.pop("customer")
    changes: CliChanges = fields  # type: ignore[assignment]
    return cli_form(await clis.alter(actor, cli, **changes))


@RESOURCE.delete(Right.CUSTOMERS_CHANGE, "/{cli}")
async def delete_cli(actor: Actor, cli: str, match: IfMatch) -> None:
    """Delete a CLI."""
    await lock_directory(actor)
    match.require(cli_form(await clis.show(actor.connection, cli, actor.country)))
    await clis.delete(actor, cli)
