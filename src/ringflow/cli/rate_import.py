"""`ringflow rate import`: rates from carriers' sheets, tried first with `--dry-run`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.progress import Progress

from ringflow.actor import Actor
from ringflow.cli.hints import with_options
from ringflow.cli.operators import Operator
from ringflow.cli.output import Json, print_many, print_one
from ringflow.cli.project import opener, with_reading, with_store
from ringflow.cli.rate_rows import ColumnRow, column_rows
from ringflow.config import Config
from ringflow.errors import DocumentError
from ringflow.forms.rate import ImportedRatesForm, SheetRateForm, sheet_rate_form
from ringflow.ledger.rates.card import RateCard, get_card
from ringflow.ledger.rates.column_maps import get_map, save_map
from ringflow.ledger.rates.edition import import_sheet
from ringflow.ledger.rates.sheet_columns import ColumnMap, column_map
from ringflow.ledger.rates.sheet_import import RateFile, read_rates, without_rates_of
from ringflow.store import Store
from ringflow.wording import counted

SHOWN = 10

Card = Annotated[str, typer.Option("--card", metavar="NAME", help="The rate card.")]


def import_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV or xlsx.")],
    card: Card,
    operator: Operator,
    replace_all: Annotated[
        bool, typer.Option("--replace", help="In place of all rows the card has.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before --replace.")] = False,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave bad rows out.")] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show how the columns and first rows would be read; change nothing."),
    ] = False,
    maps: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="FIELD=COLUMN,...", help="Which column is what; #3 is the third."),
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE,...", help="What counts for all rows: increment=60/60."),
    ] = None,
    use_map: Annotated[
        str | None, typer.Option("--use-map", metavar="NAME", help="Read it as this name's sheets before.")
    ] = None,
    save_as: Annotated[
        str | None,
        typer.Option("--save-map", metavar="NAME", help="Keep what is said here for the next sheet."),
    ] = None,
    dates: Annotated[
        Literal["dmy", "mdy", "ymd"] | None,
        typer.Option("--dates", help="What 03/04/2026 is: day first or month."),
    ] = None,
    decimal: Annotated[
        Literal["point", "comma"] | None, typer.Option("--decimal", help="The decimal mark of amounts.")
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option("--encoding", metavar="NAME", help="Such as cp1250.", show_default="by its bytes"),
    ] = None,
    sheet: Annotated[
        str | None, typer.Option("--sheet", metavar="NAME", help="The worksheet of a workbook.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Add rates from a carrier's sheet.

    All of them, or none where one is bad. What is ambiguous is asked for; try it first with --dry-run.
    """
    said = column_map(
        ",".join(maps or ()), ",".join(values or ()), dates or "", decimal or "", encoding or "", sheet or ""
    )

    async def find(store: Store, config: Config) -> tuple[RateCard, ColumnMap, str]:
        async with store.reading() as connection:
            found = await get_card(connection, card)
            given = said.over(await get_map(connection, use_map)) if use_map is not None else said
            return found, given, config.country

    found, given, country = with_store(find)
    with progress_bar() as progress:
        reading = progress.add_task("read", total=None)
        read = read_rates(file, found.currency, country, lambda rows: progress.advance(reading, rows), given)
    if dry_run:
        if not replace_all:
            read = with_reading(lambda connection, config: without_rates_of(connection, found, read))
        _print_reading(read, found, skip_bad, as_json)
        return
    if read.problems and not skip_bad:
        raise DocumentError(read.problems)
    if replace_all and not yes and found.rows:
        what = (
            f"the {counted(found.rows, 'rate')} of `{card}` by the "
            f"{counted(len(read.rows), 'rate')} of {file}"
        )
        typer.confirm(f"replace {what}?", abort=True, err=True)

    async def work(store: Store, config: Config) -> RateFile:
        with progress_bar() as progress:
            writing = progress.add_task("write", total=len(read.rows))
            return await import_sheet(
                store,
                opener(store, config, operator),
                found.name,
                read,
                replace=replace_all,
                skip_bad=skip_bad,
                progress=lambda rows: progress.advance(writing, rows),
                last=keep_map,
            )

    async def keep_map(actor: Actor, done: RateFile) -> None:
        if save_as is not None:
            await save_map(actor, save_as, given)

    done = with_store(work)
    _print_problems(done)
    print_one(ImportedRatesForm(card, len(done.rows), len(done.problems)), as_json)


def _print_reading(read: RateFile, card: RateCard, skip_bad: bool, as_json: bool) -> None:
    """Show what a sheet was taken for, how its first rows were read, and how many would be added.

    Raises `DocumentError` where an import would.
    """
    rows = [sheet_rate_form(line, rate, card.currency) for line, rate in read.rows[:SHOWN]]
    if not as_json:
        typer.echo(f"{read.path}: {read.described}", err=True)
        if read.dates:
            typer.echo(f"dates: {read.dates}", err=True)
        if read.decimal == "comma":
            typer.echo("decimal commas", err=True)
        print_many(column_rows(read), ColumnRow, False)
    print_many(rows, SheetRateForm, as_json)
    typer.echo(f"{_would_be_added(read, skip_bad)}; nothing was changed", err=True)
    if read.problems and not skip_bad:
        raise DocumentError(read.problems)
    _print_problems(read)


def _would_be_added(read: RateFile, skip_bad: bool) -> str:
    good, problems = len(read.rows), counted(len(read.problems), "problem")
    if read.problems and not skip_bad:
        return f"0 rates would be added: {problems}; with --skip-bad {good} would be"
    shown = f", of which {SHOWN} are shown" if good > SHOWN else ""
    left_out = f", and {problems} left out" if read.problems else ""
    return f"{counted(good, 'rate')} would be added{shown}{left_out}"


def _print_problems(read: RateFile) -> None:
    for problem in read.problems:
        typer.echo(with_options(str(problem)), err=True)


def progress_bar() -> Progress:
    """Shown to people only."""
    return Progress(console=Console(stderr=True), disable=not sys.stderr.isatty())
