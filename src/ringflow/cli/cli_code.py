"""`ringflow cli code`: the codes of customers who share a calling number."""

from __future__ import annotations

from typing import Annotated

import typer

from ringflow.accounts import cli_codes
from ringflow.accounts.cli_codes import (
    CLI_CODES,
    DEFAULT_CODE_DIGITS,
    MAX_CODE_DIGITS,
    MIN_CODE_DIGITS,
    CliCodeFilter,
)
from ringflow.accounts.peppers import configured_peppers
from ringflow.actor import Actor
from ringflow.cli.ids import id_argument, id_option
from ringflow.cli.operators import Operator
from ringflow.cli.output import Json, print_deleted, print_json, print_one
from ringflow.cli.page_options import Find, paged, search_option
from ringflow.cli.project import with_actor, with_reading
from ringflow.config import Config
from ringflow.forms.caller_secret import CliCodeForm, NewCliCodeForm, cli_code_form, new_cli_code_form

app = typer.Typer(help="The codes of customers who share a calling number.", no_args_is_help=True)

Id = Annotated[int, id_argument("ID", "The code's id, as `list` shows it.")]
Digits = Annotated[
    int | None,
    typer.Option(
        "--digits",
        min=MIN_CODE_DIGITS,
        max=MAX_CODE_DIGITS,
        help="How long the code is.",
        show_default=str(DEFAULT_CODE_DIGITS),
    ),
]


def add_code(operator: str, text: str, customer: int, digits: int | None, notes: str, as_json: bool) -> None:
    """Give a customer a code at a number, and print it."""

    async def add(actor: Actor, config: Config) -> NewCliCodeForm:
        length = DEFAULT_CODE_DIGITS if digits is None else digits
        made = await cli_codes.add_code(actor, customer, text, length, notes, configured_peppers(config))
        return new_cli_code_form(*made)

    _print(with_actor(operator, add), as_json)


@paged(app, CLI_CODES, CliCodeForm, cli_code_form)
def list_command(
    customer: Annotated[int | None, id_option("--customer", "Only this customer's.")] = None,
    search: Annotated[str | None, search_option("How a number begins.")] = None,
) -> Find:
    """List who shares which number. No code is shown."""
    wanted = CliCodeFilter(customer_id=customer, search=search)
    return lambda connection, config, asked: cli_codes.code_page(connection, wanted, asked)


@app.command("show")
def show_command(code_id: Id, as_json: Json = False) -> None:
    """Show whose code it is and where, without the code."""
    found = with_reading(lambda connection, config: cli_codes.show_code(connection, code_id))
    print_one(cli_code_form(found), as_json)


@app.command("rotate")
def rotate_command(
    operator: Operator,
    code_id: Id,
    digits: Annotated[
        int | None,
        typer.Option(
            "--digits",
            min=MIN_CODE_DIGITS,
            max=MAX_CODE_DIGITS,
            help="How long the new code is.",
            show_default="as the old one",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a new code in the place of the old one. It is shown now, and never again."""

    async def rotate(actor: Actor, config: Config) -> NewCliCodeForm:
        return new_cli_code_form(
            *await cli_codes.rotate_code(actor, code_id, digits, configured_peppers(config))
        )

    _print(with_actor(operator, rotate), as_json)


@app.command("delete")
def delete_command(operator: Operator, code_id: Id, as_json: Json = False) -> None:
    """Take a customer's code away."""
    gone = with_actor(operator, lambda actor, config: cli_codes.delete_code(actor, code_id))
    print_deleted("code", gone.id, as_json)


def _print(made: NewCliCodeForm, as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    typer.echo(made.code)
    typer.echo(
        f"code {made.id} of customer {made.customer} at {made.number}: keep it, it is not shown again",
        err=True,
    )
