"""The options of commands that write files, and what they print of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer

from ringflow.cli.output import print_json
from ringflow.errors import Refused
from ringflow.forms.json_value import json_value
from ringflow.output_file import named_file

Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        help="The file to write; - for standard output.",
        show_default="standard output",
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the file if there is one.")]
ForSpreadsheet = Annotated[
    bool,
    typer.Option(
        "--for-spreadsheet", help="A workbook (xlsx) instead of CSV: no spreadsheet changes its numbers."
    ),
]
MOST_PRINTED = 100
"""So many PINs or codes are printed at most."""


def written_to(out: Path | None, rows: int, as_json: bool) -> None:
    """For programs, say which file was written and how many rows are in it, below the columns' names."""
    if as_json and named_file(out) is not None:
        print_json({"file": named_file(out), "rows": rows})


class JsonList:
    """A list of objects on standard output, written as they are found: one line for each."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._count = 0

    def write(self, forms: Iterable[object]) -> None:
        """Add objects."""
        for form in forms:
            self._stream.write(("[\n" if self._count == 0 else ",\n") + json.dumps(json_value(form)))
            self._count += 1

    def close(self) -> None:
        """End the list."""
        self._stream.write("[]\n" if self._count == 0 else "\n]\n")


@contextmanager
def json_list() -> Iterator[JsonList]:
    """Open a list of objects on standard output; it is ended only where nothing went wrong."""
    listed = JsonList(sys.stdout)
    yield listed
    listed.close()


def check_secrets_out(out: Path | None, count: int, secrets: str, for_spreadsheet: bool) -> None:
    """Refuse to print so many PINs or codes, and a workbook that is not a file."""
    if out is None and for_spreadsheet:
        what = "--for-spreadsheet writes a workbook: name its file with --out, such as --out spring.xlsx"
        raise Refused("option.missing", what, option="--out")
    if out is None and count > MOST_PRINTED:
        what = f"more than {MOST_PRINTED} {secrets} are not printed; name a file with --out"
        raise Refused("option.missing", what, option="--out")
