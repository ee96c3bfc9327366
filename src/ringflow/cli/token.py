"""`ringflow token`: the keys by which operators' programs act on the REST API."""

from __future__ import annotations

from typing import Annotated

import typer

from ringflow.accounts import tokens
from ringflow.accounts.roles import read_rights
from ringflow.accounts.tokens import TOKENS, TokenFilter, TokenPlan
from ringflow.actor import Actor
from ringflow.cli.operators import Operator
from ringflow.cli.output import Json, print_json, print_one
from ringflow.cli.page_options import Find, paged, search_option
from ringflow.cli.project import with_actor
from ringflow.cli.values import Expires, end_of_day_ms
from ringflow.config import Config
from ringflow.forms.operator import NewTokenForm, TokenForm, new_token_form, token_form

app = typer.Typer(help="The keys by which programs act on the REST API.", no_args_is_help=True)


@app.command("add")
def add_command(
    of: Annotated[str, typer.Argument(metavar="OPERATOR", help="Whose program it is.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the token is for.")],
    operator: Operator,
    role: Annotated[
        str | None,
        typer.Option(
            "--role", metavar="ROLE", help="Only what this role may.", show_default="its operator's"
        ),
    ] = None,
    right: Annotated[
        list[str] | None,
        typer.Option("--right", metavar="RIGHT", help="Only this right; may be given repeatedly."),
    ] = None,
    expires: Expires = None,
    as_json: Json = False,
) -> None:
    """Make a token. Its text is shown now, and never again.

    It never has more rights than its operator.
    """
    plan = TokenPlan(of, name, role, read_rights(right) if right else None, end_of_day_ms(expires))

    async def add(actor: Actor, config: Config) -> NewTokenForm:
        token, secret = await tokens.add(actor, plan)
        return new_token_form(token, secret, config.zone)

    made = with_actor(operator, add)
    if as_json:
        print_json(made)
        return
    typer.echo(made.secret)
    until = "" if made.expires is None else f", good until the end of {made.expires}"
    typer.echo(f"token `{made.name}` of {made.operator}{until}: keep it, it is not shown again", err=True)


@paged(app, TOKENS, TokenForm, zoned=token_form)
def list_command(
    of: Annotated[
        str | None, typer.Option("--of", metavar="OPERATOR", help="Only the tokens of this operator.")
    ] = None,
    revoked: Annotated[bool, typer.Option("--revoked", help="Those too that are revoked.")] = False,
    search: Annotated[str | None, search_option("A part of the name.")] = None,
) -> Find:
    """List the tokens, each by what it starts with."""
    wanted = TokenFilter(of, revoked, search)
    return lambda connection, config, asked: tokens.page(connection, wanted, asked)


@app.command("revoke")
def revoke_command(
    start: Annotated[
        str, typer.Argument(metavar="START", help="What the token starts with, such as rf_ab12cd34.")
    ],
    operator: Operator,
    as_json: Json = False,
) -> None:
    """End a token. It opens nothing from then on."""

    async def revoke(actor: Actor, config: Config) -> TokenForm:
        return token_form(await tokens.revoke(actor, start), config.zone)

    print_one(with_actor(operator, revoke), as_json)
