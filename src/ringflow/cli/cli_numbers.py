"""`ringflow cli`: the calling numbers that identify customers."""

from __future__ import annotations

from typing import Annotated

import typer

from ringflow.accounts import clis
from ringflow.accounts.bulk_actions import carry_out
from ringflow.accounts.cli_bulk import CliBulk
from ringflow.accounts.cli_import import CliImport
from ringflow.accounts.clis import CLIS, CliChanges, CliFilter
from ringflow.cli import cli_code
from ringflow.cli.bulk import add_bulk_command
from ringflow.cli.cli_code import Digits
from ringflow.cli.empty_options import given
from ringflow.cli.ids import id_option
from ringflow.cli.operators import Operator
from ringflow.cli.output import Json, print_deleted, print_one
from ringflow.cli.page_options import Find, paged, search_option
from ringflow.cli.project import with_actor, with_reading
from ringflow.cli.table_import import add_import_command
from ringflow.forms.cli_number import CliForm, cli_form

app = typer.Typer(help="The calling numbers that identify customers.", no_args_is_help=True)
app.add_typer(cli_code.app, name="code")

Which = Annotated[
    str, typer.Argument(metavar="CLI", help="A number in any form, a pattern as it was added, or an id.")
]
Notes = Annotated[str | None, typer.Option("--notes", help="A line for people.")]


@app.command("add")
def add_command(
    operator: Operator,
    text: Annotated[str, typer.Argument(metavar="CLI", help="A number in any form; a pattern with -p.")],
    customer: Annotated[int, id_option("--customer", "Whom it identifies.")],
    pattern: Annotated[
        bool,
        typer.Option(
            "--pattern", "-p", help="CLI is a regular expression (RE2), unanchored unless it has ^ and $."
        ),
    ] = False,
    code: Annotated[
        bool,
        typer.Option(
            "--code", help="Others have the number too: the customer gets a code, which is shown once."
        ),
    ] = False,
    digits: Digits = None,
    notes: Notes = "",
    as_json: Json = False,
) -> None:
    """Let a calling number call as a customer.

    With --pattern: all numbers that match. With --code: the caller keys a code that says which of the
    customers of the number it is.
    """
    if code and pattern:
        raise typer.BadParameter("a code goes with one number, not with a pattern", param_hint="--code")
    if digits is not None and not code:
        raise typer.BadParameter("there is no code without --code", param_hint="--digits")
    if code:
        cli_code.add_code(operator, text, customer, digits, notes or "", as_json)
        return
    add = clis.add_pattern if pattern else clis.add_number
    made = with_actor(operator, lambda actor, config: add(actor, customer, text, notes or ""))
    print_one(cli_form(made), as_json)


add_import_command(app, CliImport, "CLIs")
add_bulk_command(
    app, "CLIs", int, CliFilter, CliChanges, lambda actor, order: carry_out(CliBulk(actor), order)
)


@paged(app, CLIS, CliForm, cli_form)
def list_command(
    customer: Annotated[int | None, id_option("--customer", "Only this customer's.")] = None,
    is_pattern: Annotated[
        bool | None, typer.Option("--patterns/--numbers", help="Only patterns, or only numbers.")
    ] = None,
    search: Annotated[
        str | None, search_option("How a number begins, or a part of a pattern or its notes.")
    ] = None,
) -> Find:
    """List the CLIs.

    By id is the order in which patterns are tried.
    """
    wanted = CliFilter(customer_id=customer, is_pattern=is_pattern, search=search)
    return lambda connection, config, asked: clis.page(connection, wanted, asked)


@app.command("show")
def show_command(which: Which, as_json: Json = False) -> None:
    """Show a CLI."""
    found = with_reading(lambda connection, config: clis.show(connection, which, config.country))
    print_one(cli_form(found), as_json)


@app.command("set")
def set_command(
    operator: Operator,
    which: Which,
    customer: Annotated[int | None, id_option("--customer", "Whom it identifies.")] = None,
    notes: Notes = None,
    as_json: Json = False,
) -> None:
    """Change what is given; the rest stays."""
    changes: CliChanges = given(customer_id=customer, notes=notes)
    altered = with_actor(operator, lambda actor, config: clis.alter(actor, which, **changes))
    print_one(cli_form(altered), as_json)


@app.command("delete")
def delete_command(operator: Operator, which: Which, as_json: Json = False) -> None:
    """Delete a CLI."""
    gone = with_actor(operator, lambda actor, config: clis.delete(actor, which))
    print_deleted("CLI", gone.number or gone.pattern, as_json)
