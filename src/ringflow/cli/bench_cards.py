"""`ringflow bench cards`: cards made in bulk, with their PINs in a file, against the target."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
import uvloop
from rich.console import Console
from rich.table import Table

from ringflow.bench.cards import CardFigures, measure_cards
from ringflow.cli.card_generate import showing_progress
from ringflow.secret_table import SecretTable

TARGET_PER_S = 20_000


def bench_cards(
    count: Annotated[int, typer.Option("--count", help="Cards to make.", min=1)] = 1_000_000,
    pin_only: Annotated[
        bool, typer.Option("--pin-only", help="Cards that a PIN of 12 digits opens.")
    ] = False,
    database: Annotated[str | None, typer.Option(help="A fresh database URL; a SQLite file if none.")] = None,
) -> None:
    """Cards made in bulk.

    In a database of its own, as `ringflow card generate --out` does.
    """
    with TemporaryDirectory(prefix="ringflow-cards-") as name:
        folder = Path(name)
        url = database or f"sqlite:///{folder}/cards.db"
        with SecretTable(folder / "pins.csv", ("id", "pin")) as file, showing_progress(count) as progress:
            found = uvloop.run(measure_cards(url, count, pin_only, file.write, progress))
            file.keep()
    _print(found)


def _print(found: CardFigures) -> None:
    table = Table("database", "cards", "seconds", "cards a second", "target")
    figures = f"{found.cards:,}", f"{found.seconds:.1f}", f"{found.per_s:,.0f}"
    table.add_row(found.database, *figures, f"at least {TARGET_PER_S:,}")
    Console().print(table)
