"""`ringflow bench billed`: is the talk charged as the wire has it, and what does charging add to a call?"""

from __future__ import annotations

import asyncio
from statistics import median
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ringflow.bench.billed import measure_billed
from ringflow.cli.output import PIPED_WIDTH
from ringflow.config import load_config
from ringflow.errors import Refused

TARGET_OFF_MS, TARGET_ADDED_MS = 100, 3


def bench_billed(
    calls: Annotated[int, typer.Option(help="Calls in a round.", min=1)] = 50,
    rounds: Annotated[int, typer.Option(help="Rounds, each charged and uncharged.", min=1)] = 2,
    release: Annotated[str | None, typer.Option(help="Whose Asterisk: forky has 22, bullseye 16.")] = None,
) -> None:
    """Billed talk of real calls against the wire.

    Calls with 6 s of menu; also from key to INVITE, charged and not.
    """
    config = load_config()
    project, lab = config.path(config.flows).parent, config.path(config.state) / "lab"
    found = asyncio.run(measure_billed(project, lab, release, calls, rounds))
    console = Console()
    console = console if console.is_terminal else Console(width=PIPED_WIDTH)
    table = Table("ms", "found", "target", title=found.asterisk)
    if found.off_ms and found.uncharged_ms and found.charged_ms:
        off = [abs(one) for one in found.off_ms]
        table.add_row(f"billed off the wire, median of {len(off)}", f"{median(off):.1f}", "")
        table.add_row("billed off the wire, worst", f"{max(off):.1f}", f"at most {TARGET_OFF_MS}")
        table.add_row("last key to INVITE, charged, p50", f"{median(found.charged_ms):.1f}", "")
        table.add_row("last key to INVITE, uncharged, p50", f"{median(found.uncharged_ms):.1f}", "")
        table.add_row("added by charging, p50", f"{found.added_ms:+.1f}", f"at most +{TARGET_ADDED_MS}")
    console.print(table)
    if found.wrong:
        raise Refused("measurement.failed", "; ".join(found.wrong[:5]))
