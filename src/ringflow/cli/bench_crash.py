"""`ringflow bench crash`: is each call charged once, and truly, whatever moment the server dies at?"""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ringflow.bench.crash import measure_crashes
from ringflow.cli.output import PIPED_WIDTH
from ringflow.config import load_config
from ringflow.errors import Refused


def bench_crash(
    rounds: Annotated[int, typer.Option(help="How often the server is killed.", min=1)] = 20,
    release: Annotated[str | None, typer.Option(help="Whose Asterisk: forky has 22, bullseye 16.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed kills at the same moments.")] = None,
) -> None:
    """Books and wire after kill -9 of the server.

    It is killed under real calls while they ring and talk, and started again.
    """
    config = load_config()
    project, lab = config.path(config.flows).parent, config.path(config.state) / "lab"
    found = asyncio.run(measure_crashes(project, lab, release, rounds, seed))
    console = Console()
    console = console if console.is_terminal else Console(width=PIPED_WIDTH)
    table = Table(
        "round",
        "talked",
        "settled at hang-up",
        "from AstDB",
        "clean after s",
        "worst ms off the wire",
        "wrong",
    )
    for number, one in enumerate(found, start=1):
        table.add_row(
            str(number), str(one.talked), str(one.by_handler), str(one.by_reaper),
            f"{one.clean_after_s:.1f}", f"{one.worst_ms:.0f}", "; ".join(one.wrong) or "nothing",
        )  # fmt: skip
    console.print(table)
    if any(one.wrong for one in found):
        raise Refused(
            "measurement.failed", "not every round ended as it must: the last column of the table says how"
        )
