"""`ringflow speed-dial`: the numbers that customers keep under short keys."""

from __future__ import annotations

from typing import Annotated

import typer

from ringflow.accounts import speed_dials
from ringflow.accounts.speed_dial_import import SpeedDialImport
from ringflow.accounts.speed_dials import LAST_PLACE, SPEED_DIALS, SpeedDial, SpeedDialChanges
from ringflow.cli.empty_options import given
from ringflow.cli.ids import id_argument, id_option
from ringflow.cli.operators import Operator
from ringflow.cli.output import Json, print_deleted, print_one
from ringflow.cli.page_options import Find, paged, search_option
from ringflow.cli.project import with_actor, with_reading
from ringflow.cli.table_import import add_import_command
from ringflow.forms.speed_dial import SpeedDialForm, speed_dial_form

app = typer.Typer(help="The numbers that customers keep under short keys.", no_args_is_help=True)

Customer = Annotated[int, id_argument("CUSTOMER", "Whose it is.")]
Place = Annotated[
    int,
    typer.Argument(
        metavar="KEY", min=0, max=LAST_PLACE, help="The key, 0 to 99, that callers press before #."
    ),
]
Name = Annotated[str | None, typer.Option("--name", help="Whose number it is; a line for people.")]


@app.command("add")
def add_command(
    operator: Operator,
    customer: Customer,
    place: Place,
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="A telephone number in any form.")],
    name: Name = "",
    as_json: Json = False,
) -> None:
    """Keep a number under a key of a customer."""
    wanted = SpeedDial(customer, place, number, name or "")
    made = with_actor(operator, lambda actor, config: speed_dials.add(actor, wanted))
    print_one(speed_dial_form(made), as_json)


add_import_command(app, SpeedDialImport, "speed dials")


@paged(app, SPEED_DIALS, SpeedDialForm, speed_dial_form)
def list_command(
    customer: Annotated[int | None, id_option("--customer", "Only this customer's.")] = None,
    search: Annotated[str | None, search_option("A part of the name.")] = None,
) -> Find:
    """List the speed dials."""
    return lambda connection, config, asked: speed_dials.page(connection, customer, search, asked)


@app.command("show")
def show_command(customer: Customer, place: Place, as_json: Json = False) -> None:
    """Show the number under a key."""
    found = with_reading(lambda connection, config: speed_dials.show(connection, customer, place))
    print_one(speed_dial_form(found), as_json)


@app.command("set")
def set_command(
    operator: Operator,
    customer: Customer,
    place: Place,
    number: Annotated[str | None, typer.Option("--number", help="The number that the key dials.")] = None,
    name: Name = None,
    as_json: Json = False,
) -> None:
    """Change what is given; the rest stays."""
    changes: SpeedDialChanges = given(number=number, name=name)
    altered = with_actor(operator, lambda actor, config: speed_dials.alter(actor, customer, place, **changes))
    print_one(speed_dial_form(altered), as_json)


@app.command("delete")
def delete_command(operator: Operator, customer: Customer, place: Place, as_json: Json = False) -> None:
    """Forget the number under a key."""
    gone = with_actor(operator, lambda actor, config: speed_dials.delete(actor, customer, place))
    print_deleted("key", gone.place, as_json)
