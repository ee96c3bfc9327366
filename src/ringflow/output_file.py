"""Files that are written anew: by one rule for all that is exported.

A file that is there stays, unless it is to be replaced. A file appears under its name when it is whole: what
fails half-way leaves what was there before. Without a file, and for `-`, it goes to standard output. What is
no file, such as a pipe, is written to as it is.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

from ringflow.errors import Conflict, Refused, StartError
from ringflow.spreadsheets import CsvTable, Table, WorkbookTable


def named_file(out: Path | None) -> Path | None:
    """Return the file that an option names; None: standard output."""
    return None if out is None or str(out) == "-" else out


def file_taken(path: Path, *, can_overwrite: bool = False) -> Conflict:
    """Return the error for a file that is there."""
    also = ", or add ‹overwrite›" if can_overwrite else ""
    return Conflict("file.exists", f"{path} exists already; choose another name{also}", path=str(path))


@contextmanager
def new_file(out: Path | None, *, overwrite: bool | None = None) -> Iterator[TextIO]:
    """The file, open for writing text. Raises `Refused` for one that is there, `StartError` for a full disk.

    `overwrite` None: the command has no such option.
    """
    path = named_file(out)
    if path is None:
        yield sys.stdout
        return
    with _placed(path, overwrite, 0o666) as file:
        stream = os.fdopen(os.dup(file.fileno()), "w", encoding="utf-8", newline="")
        with stream:
            yield stream


def write_private_file(path: Path, content: bytes, *, overwrite: bool) -> None:
    """Write a file that only its owner may read. Raises as `new_file`."""
    with _placed(path, overwrite, 0o600) as file:
        file.write(content)


@contextmanager
def _placed(path: Path, overwrite: bool | None, mode: int) -> Iterator[BinaryIO]:
    """A file that gets its name when the block is over, unless that raised.

    `mode`: who may read a new file, less the process's own mask.
    """
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as file:
                yield file
            return
        if path.exists() and not overwrite:
            raise file_taken(path, can_overwrite=overwrite is not None)
        # A name of its own: two commands with the same file must not write into one.
        part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
            if overwrite:
                part.replace(path.resolve())
            else:
                _name(part, path)
        finally:
            part.unlink(missing_ok=True)
    except FileExistsError as error:
        raise file_taken(path, can_overwrite=overwrite is not None) from error
    except OSError as error:
        raise StartError(f"{path} cannot be written: {error.strerror}") from error


def _name(part: Path, path: Path) -> None:
    """Give the file its name. Raises `FileExistsError` when another one took that meanwhile."""
    try:
        path.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:
        # A file system without hard links, such as that of a memory stick.
        if path.exists():
            raise FileExistsError(path) from None
        part.rename(path)


@contextmanager
def new_table(
    out: Path | None,
    for_spreadsheet: bool,
    figures: Iterable[str] = (),
    *,
    overwrite: bool | None = None,
    mode: int = 0o666,
) -> Iterator[Table]:
    """The table, open for writing: CSV, or a workbook in which only the columns `figures` are numbers.

    Raises as `new_file`, and `Refused` for a workbook on standard output. `mode`: who may read a new file,
    less the process's own mask.
    """
    path = named_file(out)
    if path is None:
        if for_spreadsheet:
            raise Refused(
                "option.missing",
                "‹for_spreadsheet› writes a workbook, not text: name its file with ‹out› calls.xlsx",
                option="out",
            )
        yield CsvTable(sys.stdout)
        return
    check_suffix(path, for_spreadsheet)
    with _placed(path, overwrite, mode) as file:
        if for_spreadsheet:
            with WorkbookTable(file, figures) as table:
                yield table
            return
        with os.fdopen(os.dup(file.fileno()), "w", encoding="utf-8", newline="") as stream:
            yield CsvTable(stream)


def check_suffix(out: Path, for_spreadsheet: bool) -> None:
    """Raise `Refused` for a name that says another format: a spreadsheet would not open the file."""
    is_workbook = out.suffix.lower() == ".xlsx"
    if for_spreadsheet and not is_workbook:
        raise Refused(
            "option.malformed",
            f"‹for_spreadsheet› writes a workbook: call it {out.with_suffix('.xlsx')}, not {out}",
            option="out",
        )
    if is_workbook and not for_spreadsheet:
        raise Refused(
            "option.malformed",
            f"{out} would be CSV: add ‹for_spreadsheet›, or call it {out.with_suffix('.csv')}",
            option="out",
        )
