"""`ringflow value-list`: lists of numbers or texts that flows look values up in."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.value_lists import value_list
from ringflow.accounts.value_lists.entry_value import ListKind
from ringflow.accounts.value_lists.value_list import VALUE_LISTS, ValueListChanges, ValueListFilter
from ringflow.cli import value_list_entry
from ringflow.cli.empty_options import given
from ringflow.cli.operators import Operator
from ringflow.cli.output import Json, print_deleted, print_one
from ringflow.cli.page_options import Find, paged, search_option
from ringflow.cli.project import opener, with_actor, with_reading, with_store
from ringflow.config import Config
from ringflow.forms.value_list import (
    ValueListDetailForm,
    ValueListForm,
    value_list_detail_form,
    value_list_form,
)
from ringflow.store import Store

app = typer.Typer(help="Lists of numbers or texts that flows look values up in.", no_args_is_help=True)
app.add_typer(value_list_entry.app, name="entry", help="What stands in a list.")

Name = Annotated[str, typer.Argument(metavar="LIST", help="The list's name.")]
Notes = Annotated[str | None, typer.Option("--notes", help="A line for people.")]


@app.command("add")
def add_command(
    name: Annotated[str, typer.Argument(metavar="LIST", help="Its name, by which flows look into it.")],
    operator: Operator,
    kind: Annotated[
        ListKind, typer.Option("--kind", help="What it holds: telephone numbers, or text.")
    ] = ListKind.NUMBERS,
    notes: Notes = "",
    as_json: Json = False,
) -> None:
    """Make an empty list."""
    made = with_actor(operator, lambda actor, config: value_list.add(actor, name, kind, notes or ""))
    print_one(value_list_form(made), as_json)


@paged(app, VALUE_LISTS, ValueListForm, value_list_form)
def list_command(
    kind: Annotated[ListKind | None, typer.Option("--kind", help="Only those of this kind.")] = None,
    search: Annotated[str | None, search_option("A part of the name or the notes.")] = None,
) -> Find:
    """List the lists."""
    wanted = ValueListFilter(kind, search)
    return lambda connection, config, asked: value_list.page(connection, wanted, asked)


@app.command("show")
def show_command(name: Name, as_json: Json = False) -> None:
    """Show a list, and how many entries it has."""

    async def find(connection: AsyncConnection, config: Config) -> ValueListDetailForm:
        found = await value_list.show(connection, name)
        return value_list_detail_form(found, await value_list.count(connection, found))

    print_one(with_reading(find), as_json)


@app.command("set")
def set_command(
    name: Name,
    operator: Operator,
    new_name: Annotated[
        str | None, typer.Option("--name", help="Another name: so one list takes the place of another.")
    ] = None,
    notes: Notes = None,
    as_json: Json = False,
) -> None:
    """Change what is given; the rest stays."""
    changes: ValueListChanges = given(name=new_name, notes=notes)
    altered = with_actor(operator, lambda actor, config: value_list.alter(actor, name, **changes))
    print_one(value_list_form(altered), as_json)


@app.command("delete")
def delete_command(
    name: Name,
    operator: Operator,
    with_entries: Annotated[bool, typer.Option("--entries", help="Also if it has entries.")] = False,
    as_json: Json = False,
) -> None:
    """Delete a list."""

    async def delete(store: Store, config: Config) -> int:
        return await value_list.delete(opener(store, config, operator), name, with_entries=with_entries)

    with_store(delete)
    print_deleted("list", name, as_json)
