"""`ringflow value-list entry`: what stands in a list."""

from __future__ import annotations

from dataclasses import astuple, fields
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.value_lists import entries, entry_import, value_list
from ringflow.accounts.value_lists.entries import ENTRIES, Entry
from ringflow.accounts.value_lists.entry_import import ImportedEntries, read_entries
from ringflow.cli.moments import operator_zone
from ringflow.cli.operators import Operator
from ringflow.cli.out_file import ForSpreadsheet, Out, Overwrite, written_to
from ringflow.cli.output import Json, print_deleted, print_one
from ringflow.cli.page_options import DEFAULT_LIMIT, After, Limit, print_page, search_option, sort_option
from ringflow.cli.project import opener, with_actor, with_reading, with_store
from ringflow.cli.table_import import DryRun
from ringflow.cli.values import Expires, end_of_day_ms
from ringflow.config import Config
from ringflow.forms.value_list import ValueListEntryForm, entry_form
from ringflow.output_file import new_table
from ringflow.store import Store
from ringflow.store.pages import Page, PageRequest

app = typer.Typer(help="What stands in a list.", no_args_is_help=True)

ListName = Annotated[str, typer.Argument(metavar="LIST", help="The list's name.")]
Value = Annotated[
    str, typer.Argument(metavar="VALUE", help="A number in any form, 4419* for all that begin so, or text.")
]
COLUMNS = tuple(one.name for one in fields(ValueListEntryForm))


@app.command("add")
def add_command(
    name: ListName,
    value: Value,
    operator: Operator,
    notes: Annotated[str, typer.Option("--notes", help="A line for people.")] = "",
    expires: Expires = None,
    as_json: Json = False,
) -> None:
    """Add a value. One that is there gets these notes and this expiry."""
    expires_ms = end_of_day_ms(expires)
    made = with_actor(operator, lambda actor, config: entries.add(actor, name, value, notes, expires_ms))
    print_one(entry_form(made, operator_zone()), as_json)


@app.command("import")
def import_command(
    name: ListName,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="CSV or xlsx: a value on each line, or columns entry, notes, expires."
        ),
    ],
    operator: Operator,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Add the values of a file, by the million.

    All of them, or none where a line is wrong; every wrong line is named.
    """

    async def run(store: Store, config: Config) -> ImportedEntries:
        return await entry_import.import_entries(
            opener(store, config, operator),
            name,
            lambda which: read_entries(file, which.kind, config.country, config.zone),
            dry_run=dry_run,
        )

    print_one(with_store(run), as_json)


@app.command("export")
def export_command(
    name: ListName,
    out: Out = None,
    overwrite: Overwrite = False,
    for_spreadsheet: ForSpreadsheet = False,
    as_json: Json = False,
) -> None:
    """Write all values of a list, as `import` reads them."""

    async def write(connection: AsyncConnection, config: Config) -> int:
        which, count = await value_list.show(connection, name), 0
        with new_table(out, for_spreadsheet, overwrite=overwrite) as table:
            table.write([COLUMNS])
            async for some in entries.every(connection, which):
                table.write(astuple(entry_form(one, config.zone)) for one in some)
                count += len(some)
        return count

    written_to(out, with_reading(write), as_json)


@app.command("list")
def list_command(
    name: ListName,
    search: Annotated[str | None, search_option("How a value begins.")] = None,
    sort: Annotated[str | None, sort_option(ENTRIES)] = None,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
    as_json: Json = False,
) -> None:
    """List the values of a list."""
    asked = PageRequest(limit, after, sort)

    async def find(connection: AsyncConnection, config: Config) -> Page[Entry]:
        return await entries.page(connection, await value_list.show(connection, name), search, asked)

    zone = operator_zone()
    print_page(with_reading(find).map(lambda one: entry_form(one, zone)), ValueListEntryForm, as_json)


@app.command("show")
def show_command(name: ListName, value: Value, as_json: Json = False) -> None:
    """Show a value, if it is in the list."""

    async def find(connection: AsyncConnection, config: Config) -> Entry:
        which = await value_list.show(connection, name)
        return await entries.show_entry(connection, which, value, config.country)

    print_one(entry_form(with_reading(find), operator_zone()), as_json)


@app.command("remove")
def remove_command(name: ListName, value: Value, operator: Operator, as_json: Json = False) -> None:
    """Take a value out of a list."""
    gone = with_actor(operator, lambda actor, config: entries.remove(actor, name, value))
    print_deleted("value", gone.value, as_json)
