"""`ringflow bench identify`: what it costs to know a caller, in a small directory and in a large one."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ringflow.bench.identify import SMALL_CLIS, SMALL_DIDS, Databases, measure_identify
from ringflow.config import load_config

TARGET_RATIO = 1.2


def bench_identify(
    clis: Annotated[int, typer.Option(min=SMALL_CLIS, help="CLIs in the large directory.")] = 1_000_000,
    dids: Annotated[int, typer.Option(min=SMALL_DIDS, help="DIDs in the large directory.")] = 100_000,
    callers: Annotated[int, typer.Option(min=1, help="Callers identified in a round.")] = 5_000,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the directories take turns.")] = 9,
    database: Annotated[Databases, typer.Option(help="Where to measure.")] = "both",
) -> None:
    """Callers identified in a large directory and in a small one.

    By turns, with the ratio of the two.
    """
    config = load_config()
    lab_folder = config.path(config.state) / "lab"
    table = Table(
        "database", "callers", "small: us a caller", "large: us a caller", "large / small", "target"
    )
    for one in measure_identify(lab_folder, database, clis, dids, callers, rounds):
        costs = f"{one.small_us:.0f}", f"{one.large_us:.0f}", f"{one.ratio:.2f}"
        table.add_row(one.database, one.callers, *costs, f"at most {TARGET_RATIO}")
    Console().print(table)
    Console().print(
        f"small: {SMALL_CLIS:,} CLIs, {SMALL_DIDS:,} DIDs; large: {clis:,} CLIs, {dids:,} DIDs; "
        f"medians of {rounds} rounds of {callers:,} callers"
    )
