"""`ringflow bench lists`: how long a page of each list takes among many rows."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ringflow.bench.list_answers import Began
from ringflow.bench.lists import PAGE, measure_lists
from ringflow.cli.output import PIPED_WIDTH


def bench_lists(
    rows: Annotated[int, typer.Option(help="Rows of each list.", min=1000)] = 1_000_000,
    database: Annotated[
        str | None, typer.Option(help="The URL of an empty database; a fresh SQLite file if none.")
    ] = None,
) -> None:
    """Pages of lists in a database of many rows.

    The first page and one in the middle, by each sort; pages by filter; and the API's answers with them.
    Filling it takes minutes.
    """
    found, answers = asyncio.run(measure_lists(rows, database))
    console = Console()
    console = console if console.is_terminal else Console(width=PIPED_WIDTH)
    table = Table("list", "what", "first page, ms", "in the middle, ms")
    for one in found:
        middle = "-" if one.middle_ms is None else f"{one.middle_ms:.1f}"
        table.add_row(one.name, one.what, f"{one.first_ms:.1f}", middle)
    console.print(table)
    console.print(f"{rows:,} rows of each list, pages of {PAGE}; medians of five.")
    table = Table("over HTTP", "by", "first page begins, p50 and p95 ms", "in the middle")
    for answer in answers:
        shown = [_began(one) for one in (answer.first, answer.middle)]
        table.add_row(answer.path, answer.what, *shown)
    console.print(table)


def _began(found: Began | None) -> str:
    return "-" if found is None else f"{found.p50_ms:.1f} {found.p95_ms:.1f}"
