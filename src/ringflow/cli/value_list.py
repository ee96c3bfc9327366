"""`ringflow value-list`: lists of numbers or texts that flows look values up in."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.value_lists import value_list
from ringflow.accounts.value_lists.entry_value import ListKind
from ringflow.accounts.value_lists.value_list import VALUE_LISTS, ValueListChanges, ValueListFilter
from ringflow.cli import value_list_entry
from ringflow.cli.operators import Operator
from ringflow.cli.output import Json, print_deleted, print_one
from ringflow.cli.page_options import DEFAULT_LIMIT, After, Limit, print_page, search_option, sort_option
from ringflow.cli.project import opener, with_actor, with_reading, with_store
from ringflow.config import Config
from ringflow.forms.value_list import (
    ValueListDetailForm,
    ValueListForm,
    value_list_detail_form,
    value_list_form,
)
from ringflow.store import Store
from ringflow.store.pages import PageRequest

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


@app.command("list")
def list_command(
    kind: Annotated[ListKind | None, typer.Option("--kind", help="Only those of this kind.")] = None,
    search: Annotated[str | None, search_option("A part of the name or the notes.")] = None,
    sort: Annotated[str | None, sort_option(VALUE_LISTS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
    as_json: Json = False,
) -> None:
    """List the lists."""
    wanted, asked = ValueListFilter(kind, search), PageRequest(limit, after, sort)
    page = with_reading(lambda connection, config: value_list.page(connection, wanted, asked))
    print_page(page.map(value_list_form), ValueListForm, as_json)


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
    changes: ValueListChanges = {}
    if new_name is not None:
        changes["name"] = new_name
    if notes is not None:
        changes["notes"] = notes
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
