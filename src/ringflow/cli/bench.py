"""`ringflow bench`: measurements that print tables, with ratios taken in one run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ringflow.bench.agi import AgiFigures, measure_agi, measure_held, middle
from ringflow.cli.bench_billed import bench_billed
from ringflow.cli.bench_crash import bench_crash
from ringflow.cli.bench_identify import bench_identify
from ringflow.cli.bench_sip import bench_sip
from ringflow.config import load_config
from ringflow.errors import Refused

app = typer.Typer(no_args_is_help=True)
app.command("billed")(bench_billed)
app.command("crash")(bench_crash)
app.command("identify")(bench_identify)
app.command("sip")(bench_sip)

BYTES_PER_KB = 1024


@app.command("agi")
def bench_agi(
    calls: Annotated[int, typer.Option(help="Calls in a round.", min=1)] = 3000,
    at_once: Annotated[int, typer.Option(help="Calls at any time.", min=1)] = 50,
    rounds: Annotated[int, typer.Option(help="Rounds; the servers take turns.", min=1)] = 5,
    database: Annotated[str | None, typer.Option(help="A database URL; a fresh SQLite file if none.")] = None,
) -> None:
    """Complete seed calls per second on one core, against the bare protocol and panoramisk's fast_agi."""
    figures = measure_agi(_project(), calls, at_once, rounds, database)
    table = Table("server", "calls/s", "calls per CPU second", "call p50 ms", "Ringflow / this", "complete")
    ringflow = middle(figures[0].calls_per_s)
    for found in figures:
        table.add_row(
            found.name,
            f"{middle(found.calls_per_s):.0f}",
            f"{middle(found.calls_per_cpu_s):.0f}",
            f"{middle(found.call_ms):.1f}",
            f"{ringflow / middle(found.calls_per_s):.2f}" if middle(found.calls_per_s) else "-",
            f"{found.complete} of {found.complete + found.failed}",
        )
    Console().print(table)
    _refuse_failures(figures)


@app.command("held")
def bench_held(
    calls: Annotated[int, typer.Option(help="Calls to hold at a prompt.", min=1)] = 5000,
) -> None:
    """Memory of calls that are held at a prompt in one process."""
    held = measure_held(_project(), calls)
    table = Table("calls held", "KB a call")
    table.add_row(str(held.calls), f"{held.bytes_per_call / BYTES_PER_KB:.1f}")
    Console().print(table)


def _refuse_failures(figures: list[AgiFigures]) -> None:
    failed = {found.name: found.failed for found in figures if found.failed}
    if failed:
        raise Refused(f"calls failed, so the figures mean nothing: {failed}")


def _project() -> Path:
    config = load_config()
    return config.path(config.flows).parent
