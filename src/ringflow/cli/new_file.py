"""Where an export goes: to a file that was not there before, or to standard output."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer

from ringflow.cli.printing import print_json
from ringflow.errors import Refused, StartError
from ringflow.spreadsheets import CsvTable, Table, WorkbookTable

Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="The file to write.", show_default="standard output"),
]


ForSpreadsheet = Annotated[
    bool,
    typer.Option(
        "--for-spreadsheet", help="A workbook (xlsx) instead of CSV: no spreadsheet changes its numbers."
    ),
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


@contextmanager
def new_table(
    out: Path | None,
    for_spreadsheet: bool,
    figures: Iterable[str] = (),
    *,
    overwrite: bool = False,
    mode: int = 0o666,
) -> Iterator[Table]:
    """The table, open for writing: CSV, or a workbook in which only the columns `figures` are numbers.

    Raises `Refused`: a file that is there (unless `overwrite`), a workbook for standard output; `StartError`
    for a full disk. `mode`: who may read a new file, less the process's own mask.
    """
    if out is None:
        if for_spreadsheet:
            raise Refused(
                "--for-spreadsheet writes a workbook, not text: name its file with --out calls.xlsx"
            )
        yield CsvTable(sys.stdout)
        return
    check_suffix(out, for_spreadsheet)
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if overwrite else os.O_EXCL)
    try:
        descriptor = os.open(out, flags, mode)
        if for_spreadsheet:
            with os.fdopen(descriptor, "wb") as file, WorkbookTable(file, figures) as table:
                yield table
            return
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            yield CsvTable(stream)
    except FileExistsError as error:
        raise Refused(f"{out} exists already; choose another name") from error
    except OSError as error:
        raise StartError(f"{out} cannot be written: {error.strerror}") from error


def check_suffix(out: Path, for_spreadsheet: bool) -> None:
    """Raise `Refused` for a name that says another format: a spreadsheet would not open the file."""
    is_workbook = out.suffix.lower() == ".xlsx"
    if for_spreadsheet and not is_workbook:
        raise Refused(f"--for-spreadsheet writes a workbook: call it {out.with_suffix('.xlsx')}, not {out}")
    if is_workbook and not for_spreadsheet:
        raise Refused(f"{out} would be CSV: add --for-spreadsheet, or call it {out.with_suffix('.csv')}")
