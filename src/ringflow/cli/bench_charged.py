"""`ringflow bench charged`: calls per second with money, against the same calls for nothing."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ringflow.bench.agi import middle
from ringflow.bench.charged import measure_charged
from ringflow.config import load_config
from ringflow.errors import Refused

TARGET_SHARE = 0.6


def bench_charged(
    calls: Annotated[int, typer.Option(help="Calls in a round.", min=1)] = 2000,
    at_once: Annotated[int, typer.Option(help="Calls at any time.", min=1)] = 50,
    rounds: Annotated[int, typer.Option(help="Rounds, each uncharged and charged.", min=1)] = 3,
    database: Annotated[str | None, typer.Option(help="A fresh database URL; a SQLite file if none.")] = None,
) -> None:
    """Charged calls per second on one core.

    Complete calls, against the same calls rated upstream.
    """
    config = load_config()
    project = config.path(config.flows).parent
    found = measure_charged(project, calls, at_once, rounds, database)
    table = Table("calls", "a second", "a processor second", title=found.database)
    table.add_row("uncharged", f"{middle(found.uncharged):.0f}", f"{middle(found.uncharged_cpu):.0f}")
    table.add_row("charged", f"{middle(found.charged):.0f}", f"{middle(found.charged_cpu):.0f}")
    share = middle(found.charged) / middle(found.uncharged)
    cpu_share = middle(found.charged_cpu) / middle(found.uncharged_cpu)
    table.add_row(f"share (target {TARGET_SHARE})", f"{share:.2f}", f"{cpu_share:.2f}")
    Console().print(table)
    if found.failed:
        raise Refused("measurement.failed", f"{found.failed} calls failed, so the figures mean nothing")
