"""`ringflow bench scripts`: what scripts cost calls, and whether runs survive the end of their processes."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ringflow.bench.scripts import CallTimes, KilledFigures, measure_killed_runs, measure_script_calls
from ringflow.config import load_config
from ringflow.errors import Refused

SHARES = (("p50", 0.5, 3.0), ("p99", 0.99, 8.0))
"""The share of calls, and by how many milliseconds a script may delay it."""
BESIDE_MS = 20.0
BY_TURNS = 2
"""How many kinds are measured first, by turns."""


def bench_scripts(
    calls: Annotated[int, typer.Option(min=1, help="Calls of each kind, which take turns.")] = 1000,
    rate: Annotated[float, typer.Option(min=0.1, help="Calls a second in all.")] = 50.0,
    realtime: Annotated[
        bool, typer.Option("--realtime", help="Before anything else on the machine. For root.")
    ] = False,
    hostile: Annotated[bool, typer.Option(help="Also calls beside scripts that never end.")] = True,
    runs: Annotated[
        int | None, typer.Option(min=1, help="Instead: so many runs, one process killed each second.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Which processes are killed.")] = 1,
) -> None:
    """Calls with a script and without, by turns.

    With --runs instead: runs while their processes are killed.
    """
    if runs is not None:
        _show_killed(measure_killed_runs(runs, seed))
        return
    config = load_config()
    project = config.path(config.flows).parent
    times = measure_script_calls(project, calls, rate, hostile, realtime)
    _show_calls(times, rate)
    if any(one.failed for one in times):
        raise Refused("measurement.failed", "calls failed, so the figures mean nothing")


def _show_calls(times: list[CallTimes], rate: float) -> None:
    table = Table("calls", "p50 ms", "p99 ms", "p50 more", "p99 more", "complete", "failed")
    for at, one in enumerate(times):
        # Each kind is compared with the one without a script that was measured beside it.
        plain = times[0 if at < BY_TURNS else BY_TURNS]
        shares = [f"{one.share_ms(share):.1f}" for _, share, _ in SHARES]
        more = [f"{one.share_ms(share) - plain.share_ms(share):+.1f}" for _, share, _ in SHARES]
        counts = str(len(one.call_ms)), str(one.failed)
        table.add_row(one.name, *shares, *(more if one is not plain else ("", "")), *counts)
    Console().print(table)
    targets = ", ".join(f"+{most:g} ms {name}" for name, _, most in SHARES)
    Console().print(
        f"{rate:g} calls a second. A script may add {targets}; beside hostile ones {BESIDE_MS:g} ms."
    )


def _show_killed(found: KilledFigures) -> None:
    table = Table("", "before", "after")
    for name, pair in (
        ("memory of the server, KB", found.resident_kb),
        ("open descriptors", found.descriptors),
        ("processes", found.processes),
    ):
        table.add_row(name, *map(str, pair))
    Console().print(table)
    Console().print(
        f"{found.runs:,} runs in {found.seconds:.0f} s, {found.runs / found.seconds:.0f} a second; "
        f"{found.killed} processes killed, {found.lost_processes} runs begun again; "
        f"{len(found.failures)} lost; {found.counted:,} counted in the database"
    )
    for failure in found.failures[:10]:
        Console().print(failure)
    if found.failures or found.counted != found.runs:
        raise Refused("measurement.failed", "runs were lost, or counted otherwise than once")
