"""`ringflow bench api`: what the API's own layer costs."""

from __future__ import annotations

import statistics
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ringflow.bench.api import measure_api


def bench_api(
    requests: Annotated[int, typer.Option(help="Requests of a kind in a round.", min=1)] = 300,
    at_once: Annotated[int, typer.Option(help="Connections.", min=1)] = 4,
    rounds: Annotated[int, typer.Option(help="Rounds; both take turns.", min=1)] = 9,
    database: Annotated[
        str | None, typer.Option(help="The URL of an empty database; a fresh SQLite file if none.")
    ] = None,
) -> None:
    """The API against bare aiohttp, with the same queries.

    One process serves both. They run the same services on the same database; bare aiohttp asks nobody who
    they are, and checks nothing.
    """
    found = measure_api(requests, at_once, rounds, database)
    table = Table("request", "CPU us, API", "bare", "first byte p50 ms, API", "bare", "bare / API")
    for one in found:
        ours_us, bare_us = (statistics.median(times) for times in one.cpu_us)
        ours_ms, bare_ms = (statistics.median(times) for times in one.first_byte_ms)
        table.add_row(
            one.what,
            f"{ours_us:.0f}",
            f"{bare_us:.0f}",
            f"{ours_ms:.1f}",
            f"{bare_ms:.1f}",
            f"{one.ratio:.2f}",
        )
    Console().print(table)
    mean = statistics.geometric_mean(one.ratio for one in found)
    Console().print(
        f"Processor time of the server's process, all threads; medians of rounds. All: {mean:.2f}"
    )
