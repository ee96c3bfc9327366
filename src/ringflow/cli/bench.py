"""`ringflow bench`: measurements that print tables, with ratios taken in one run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ringflow.bench.agi import AgiFigures, measure_agi, measure_held, middle
from ringflow.cli.bench_api import bench_api
from ringflow.cli.bench_beside import bench_beside
from ringflow.cli.bench_billed import bench_billed
from ringflow.cli.bench_capacity import bench_capacity
from ringflow.cli.bench_cards import bench_cards
from ringflow.cli.bench_charged import bench_charged
from ringflow.cli.bench_crash import bench_crash
from ringflow.cli.bench_identify import bench_identify
from ringflow.cli.bench_lists import bench_lists
from ringflow.cli.bench_scripts import bench_scripts
from ringflow.cli.bench_sip import bench_sip
from ringflow.cli.bench_slots import bench_slots
from ringflow.cli.bench_transfers import bench_transfers
from ringflow.config import load_config
from ringflow.errors import Refused

app = typer.Typer(no_args_is_help=True)
BYTES_PER_KB = 1024


@app.command("agi")
def bench_agi(
    calls: Annotated[int, typer.Option(help="Calls in a round.", min=1)] = 500,
    at_once: Annotated[int, typer.Option(help="Calls at any time.", min=1)] = 50,
    rounds: Annotated[int, typer.Option(help="Rounds; the servers take turns.", min=1)] = 21,
    database: Annotated[str | None, typer.Option(help="A database URL; a fresh SQLite file if none.")] = None,
) -> None:
    """Calls per second on one core.

    Complete seed calls, against the bare protocol and panoramisk's fast_agi.
    """
    figures = measure_agi(_project(), calls, at_once, rounds, database)
    _refuse_failures(figures)
    table = Table("server", "CPU us a call", "calls per core second", "Ringflow / this", "calls")
    for found in figures:
        table.add_row(
            found.name,
            f"{middle(found.cpu_us):.0f}",
            f"{found.calls_per_core_s:.0f}",
            f"{figures[0].times_as_many_as(found):.2f}",
            str(found.complete),
        )
    Console().print(table)
    Console().print("By the processor time of the server's process, all threads, user and kernel; medians.")


@app.command("held")
def bench_held(
    calls: Annotated[int, typer.Option(help="Calls to hold at a prompt.", min=1)] = 5000,
) -> None:
    """Memory of calls that are held at a prompt in one process."""
    held = measure_held(_project(), calls)
    table = Table("calls held", "KB a call")
    table.add_row(str(held.calls), f"{held.bytes_per_call / BYTES_PER_KB:.1f}")
    Console().print(table)


app.command("identify")(bench_identify)
app.command("sip")(bench_sip)
app.command("slots")(bench_slots)
app.command("capacity")(bench_capacity)
app.command("transfers")(bench_transfers)
app.command("charged")(bench_charged)
app.command("billed")(bench_billed)
app.command("crash")(bench_crash)
app.command("cards")(bench_cards)
app.command("lists")(bench_lists)
app.command("scripts")(bench_scripts)
app.command("api")(bench_api)
app.command("beside")(bench_beside)


def _refuse_failures(figures: list[AgiFigures]) -> None:
    failed = {found.name: found.failed for found in figures if found.failed}
    if failed:
        raise Refused("measurement.failed", f"calls failed, so the figures mean nothing: {failed}")


def _project() -> Path:
    config = load_config()
    return config.path(config.flows).parent
