"""How commands write what they found as CSV: the columns of their tables, for spreadsheets."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from ringflow.output_file import new_file

Csv = Annotated[
    Path | None,
    typer.Option("--csv", metavar="FILE.csv", help="Write a CSV file instead; - for standard output."),
]


def write_csv(
    out: Path, columns: Sequence[str], lines: Iterable[Mapping[str, str | int | float | None]]
) -> None:
    """Write the lines. Raises `Refused` for a file that exists, `StartError` for one that cannot be written.

    The cells are what the lines have: text that somebody else wrote has passed `csv_cell`.
    """
    with new_file(out) as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
