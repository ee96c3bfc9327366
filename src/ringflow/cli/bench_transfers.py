"""`ringflow bench transfers`: is a call that is transferred charged to the end of its callee?"""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ringflow.bench.transfers import measure_transfers
from ringflow.cli.output import PIPED_WIDTH
from ringflow.config import load_config
from ringflow.errors import Refused

TARGET_MS = 100


def bench_transfers(
    repetitions: Annotated[int, typer.Option(help="Transfers of each kind.", min=1)] = 20,
    release: Annotated[str | None, typer.Option(help="Whose Asterisk: forky has 22, bullseye 16.")] = None,
    allowed: Annotated[
        bool, typer.Option(help="Transfers as PJSIP has them by default; --no-allowed: as shipped.")
    ] = True,
) -> None:
    """Billed talk of transferred calls against the wire.

    By REFER while they are charged: attended and blind, by caller and callee.
    """
    config = load_config()
    project, lab = config.path(config.flows).parent, config.path(config.state) / "lab"
    found = asyncio.run(measure_transfers(project, lab, release, repetitions, allowed=allowed))
    console = Console()
    console = console if console.is_terminal else Console(width=PIPED_WIDTH)
    table = Table("transfer", "times", "reply", "worst ms off the wire", "worst ms to the BYE", "wrong")
    for kind, rounds in found.items():
        table.add_row(
            kind.value,
            str(len(rounds)),
            " ".join(sorted({str(one.answer) for one in rounds})),
            f"{max(one.worst_ms for one in rounds):.1f}",
            f"{max(one.over_ms for one in rounds):.0f}",
            "; ".join(wrong for one in rounds for wrong in one.wrong) or "nothing",
        )
    console.print(table)
    console.print(f"Billed talk may be {TARGET_MS} ms off: callee's 200 to the BYE at the callee.")
    if any(one.wrong for rounds in found.values() for one in rounds):
        raise Refused(
            "measurement.failed",
            "not every transferred call was charged as it must be: the last column says how",
        )
