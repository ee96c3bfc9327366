"""Where an export goes: to a file that was not there before, or to standard output."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer

from ringflow.cli.printing import print_json
from ringflow.errors import Refused, StartError

Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="The file to write.", show_default="standard output"),
]


@contextmanager
def new_file(out: Path | None) -> Iterator[TextIO]:
    """The file, open for writing. Raises `Refused` for one that is there, `StartError` for a full disk."""
    if out is None:
        yield sys.stdout
        return
    try:
        with out.open("x", encoding="utf-8", newline="") as stream:
            yield stream
    except FileExistsError as error:
        raise Refused(f"{out} exists already; choose another name") from error
    except OSError as error:
        raise StartError(f"{out} cannot be written: {error.strerror}") from error


def check_out(out: Path | None, as_json: bool) -> None:
    """Raise `Refused` where JSON would be mixed with the CSV on standard output."""
    if as_json and out is None:
        raise Refused("--json says what was written to a file, and the file is CSV: name one with --out")


def written_to(out: Path | None, count: int, noun: str, as_json: bool) -> None:
    """For programs, say which file was written and how many of `noun` are in it."""
    if as_json:
        print_json({"file": out, noun: count})
