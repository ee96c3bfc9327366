"""`ringflow customer token`: what customers' devices and programs act by."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import customers
from ringflow.accounts.customer_access import tokens
from ringflow.accounts.customer_access.tokens import CUSTOMER_TOKENS
from ringflow.actor import Actor
from ringflow.cli.ids import id_argument
from ringflow.cli.operators import Operator
from ringflow.cli.output import Json, print_json, print_one
from ringflow.cli.page_options import DEFAULT_LIMIT, After, Limit, print_page, sort_option
from ringflow.cli.project import with_actor, with_reading
from ringflow.cli.values import Expires, end_of_day_ms
from ringflow.config import Config
from ringflow.forms.customer_access import (
    CustomerTokenForm,
    NewCustomerTokenForm,
    customer_token_form,
    new_customer_token_form,
)
from ringflow.moments import system_now_ms
from ringflow.store.pages import Page, PageRequest

app = typer.Typer(help="What customers' devices and programs act by.", no_args_is_help=True)

Id = Annotated[int, id_argument("ID", "The customer's id.")]


@app.command("add")
def add_command(
    customer_id: Id,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the token is for.")],
    operator: Operator,
    expires: Expires = None,
    as_json: Json = False,
) -> None:
    """Make a token for a customer's own program. Its text is shown now, and never again.

    It reaches what is the customer's, and nothing else.
    """
    expires_ms = end_of_day_ms(expires)

    async def add(actor: Actor, config: Config) -> NewCustomerTokenForm:
        return new_customer_token_form(*await tokens.add_program(actor, customer_id, name, expires_ms))

    made = with_actor(operator, add)
    if as_json:
        print_json(made)
        return
    typer.echo(made.secret)
    typer.echo(f"token {made.id} of customer {made.customer}: keep it, it is not shown again", err=True)


@app.command("list")
def list_command(
    customer_id: Id,
    ended: Annotated[bool, typer.Option("--ended", help="Those too that are revoked or over.")] = False,
    sort: Annotated[str | None, sort_option(CUSTOMER_TOKENS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
    as_json: Json = False,
) -> None:
    """List a customer's devices and programs, each with its last use."""
    asked = PageRequest(limit, after, sort)

    async def find(connection: AsyncConnection, config: Config) -> Page[CustomerTokenForm]:
        await customers.show(connection, customer_id)
        now_ms = system_now_ms()
        page = await tokens.page(connection, customer_id, asked, ended_too=ended, now_ms=now_ms)
        return page.map(customer_token_form)

    print_page(with_reading(find), CustomerTokenForm, as_json)


@app.command("revoke")
def revoke_command(
    customer_id: Id,
    token_id: Annotated[int, id_argument("TOKEN", "The token's id, as `list` shows it.")],
    operator: Operator,
    as_json: Json = False,
) -> None:
    """End a customer's device or program. It opens nothing from then on."""

    async def revoke(actor: Actor, config: Config) -> CustomerTokenForm:
        return customer_token_form(await tokens.revoke(actor, customer_id, token_id))

    print_one(with_actor(operator, revoke), as_json)
