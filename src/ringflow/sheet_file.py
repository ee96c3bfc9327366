"""Sheets that other people made, as rows of text: CSV in any usual encoding and separator, and xlsx.

A CSV file does not say how it is encoded and separated. The bytes tell the encoding. Every separator is
offered, and whoever knows what the header looks like chooses (`read_candidates`).

A line of CSV is a row. Only where quotes are open at its end do the next lines belong to it, and only where
the quotes end properly: a quote that is left open spoils its own line and none below it.
"""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from ringflow.errors import DocumentError, Problem

SEPARATORS = {";": "semicolons", ",": "commas", "\t": "tabs", "|": "pipes"}
MAX_BYTES = 200_000_000
MAX_UNPACKED_BYTES = 1_000_000_000
MAX_CELL_LINES = 20
"""A cell in quotes that goes on for longer is a quote that was left open."""

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_UTF_8_MARK = b"\xef\xbb\xbf"
_ZIP = b"PK\x03\x04"
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_LINE_ENDS = re.compile(r"\r\n|\n|\r")
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[;,\t|]*', re.IGNORECASE)
_EXCEL_DIGITS = 15
"""As many digits of a number as a spreadsheet keeps and shows."""


class SheetRow(NamedTuple):
    """A row: its line (from 1), its cells without the space around them, and why it cannot be read, if so."""

    line: int
    cells: tuple[str, ...]
    fault: str = ""

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it."""
        return not self.fault and not any(self.cells)


@dataclass(frozen=True, slots=True)
class CsvSheet:
    """The lines of a CSV file, read with one separator."""

    path: str
    encoding: str
    separator: str
    lines: Sequence[str]
    start: int = 0
    title: str = ""

    @property
    def described(self) -> str:
        """What it was taken for, in words."""
        return f"CSV in {self.encoding}, separated by {SEPARATORS.get(self.separator, self.separator)}"

    def rows(self) -> Iterator[SheetRow]:
        """Every row, blank ones too."""
        index = self.start
        while index < len(self.lines):
            line = self.lines[index]
            taken, fault = 1, ""
            if '"' in line:
                reader = csv.reader(
                    (one + "\n" for one in self.lines[index : index + MAX_CELL_LINES]),
                    delimiter=self.separator,
                    strict=True,
                )
                try:
                    cells = next(reader, [])
                    taken = reader.line_num
                except csv.Error as error:
                    cells, fault = [], f"is not CSV: {error}"
            else:
                cells = line.split(self.separator)
            yield SheetRow(index + 1, tuple(map(clean_cell, cells)), fault)
            index += taken

    def column(self, line: int, index: int) -> int:
        """Where a cell begins in its line, as editors count."""
        quoted, cell = False, 0
        for place, sign in enumerate(self.lines[line - 1] if line <= len(self.lines) else "", start=1):
            if cell == index:
                return place
            quoted = quoted != (sign == '"')
            cell += sign == self.separator and not quoted
        return len(self.lines[line - 1]) + 1 if cell == index else 1


@dataclass(frozen=True, slots=True)
class XlsxSheet:
    """A worksheet of a workbook, read as a whole."""

    path: str
    title: str
    cells: Sequence[tuple[str, ...]]

    @property
    def described(self) -> str:
        """What it was taken for, in words."""
        return f"the worksheet `{self.title}`"

    def rows(self) -> Iterator[SheetRow]:
        """Every row, blank ones too."""
        for line, cells in enumerate(self.cells, start=1):
            yield SheetRow(line, cells)

    def column(self, line: int, index: int) -> int:
        """The number of a cell's column."""
        return index + 1


Sheet = CsvSheet | XlsxSheet


def read_candidates(path: Path, encoding: str | None = None, worksheet: str | None = None) -> list[Sheet]:
    """The sheets that a file may hold: CSV once for each separator, a workbook once for each worksheet.

    Raises `DocumentError`: it cannot be read, is in another format, or has no such worksheet.
    """
    name = str(path)
    try:
        size = path.stat().st_size
        raw = path.read_bytes() if size <= MAX_BYTES else b""
    except OSError as error:
        raise DocumentError([Problem(name, 0, 0, f"cannot be read: {error.strerror}")]) from error
    if size > MAX_BYTES:
        raise _unreadable(name, f"has more than {MAX_BYTES // 1_000_000} MB", "divide it")
    if raw.startswith(_ZIP):
        return list(_worksheets(name, raw, worksheet))
    if raw.startswith(_OLD_EXCEL):
        raise _unreadable(name, "is an old Excel file (.xls)", "save it as .xlsx or as CSV")
    if raw.lstrip()[:6].lower() in (b"<html>", b"<table") or raw.lstrip()[:5].lower() in (b"<?xml", b"<html"):
        raise _unreadable(name, "is a web page or XML", "open it in a spreadsheet and save it as CSV")
    if worksheet is not None:
        raise _unreadable(name, "is no workbook, so it has no worksheets", "leave ‹sheet› out")
    text, encoding = _text(name, raw, encoding)
    lines = _LINE_ENDS.split(text)
    if lines and not lines[-1]:
        lines.pop()
    if lines and (said := _SEPARATOR_LINE.fullmatch(lines[0])):
        return [CsvSheet(name, encoding, said[1], lines, start=1)]
    return [CsvSheet(name, encoding, separator, lines) for separator in SEPARATORS]


def head_of(sheet: Sheet, count: int) -> list[SheetRow]:
    """Its first rows."""
    return list(islice(sheet.rows(), count))


def clean_cell(text: str) -> str:
    """A cell without what spreadsheets and web pages put around it: spaces of all kinds, `="44"`."""
    if text.isascii() and not text.startswith(("=", "\t", " ")) and not text.endswith((" ", "\t")):
        return text
    for invisible in ("\u200b", "\u200e", "\u200f", "\u2060", "\ufeff"):
        text = text.replace(invisible, "")
    text = " ".join(text.split())
    if text.startswith('="') and text.endswith('"') and len(text) > 2:
        text = text[2:-1].strip()
    return text


def _text(name: str, raw: bytes, encoding: str | None) -> tuple[str, str]:
    if encoding is None:
        encoding = _encoding(raw)
    try:
        text = raw.decode(encoding)
    except LookupError:
        raise _unreadable(name, f"`{encoding}` is no encoding", "write one such as utf-8 or cp1252") from None
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        what = f"is not in {encoding}: byte 0x{raw[error.start]:02x} means nothing there"
        mend = "save it as CSV in UTF-8, or name its encoding: ‹encoding› cp1250"
        raise DocumentError([Problem(name, line, 1, what, mend)]) from error
    if "\0" in text:
        raise _unreadable(name, "is no text: it has NUL bytes", "save it as CSV in UTF-8")
    return text.removeprefix("\ufeff"), encoding


def _encoding(raw: bytes) -> str:
    if raw.startswith(_UTF_16):
        return "utf-16"
    if raw.startswith(_UTF_8_MARK):
        return "utf-8-sig"
    start = raw[:200]
    if start[1::2].count(0) > len(start) // 4:
        return "utf-16-le"
    if start[::2].count(0) > len(start) // 4:
        return "utf-16-be"
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _worksheets(name: str, raw: bytes, wanted: str | None) -> Iterator[XlsxSheet]:
    # Half of a second to load, which only those who read a workbook wait for.
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(BytesIO(raw)) as packed:
            unpacked = sum(one.file_size for one in packed.infolist())
        if unpacked > MAX_UNPACKED_BYTES:
            raise _unreadable(name, f"holds more than {MAX_UNPACKED_BYTES // 1_000_000} MB", "divide it")
        book = load_workbook(BytesIO(raw), read_only=True, data_only=True)
        titles = [sheet.title for sheet in book.worksheets]
        if wanted is not None and wanted not in titles:
            raise _unreadable(name, f"has no worksheet `{wanted}`", f"it has {', '.join(titles)}")
        for sheet in book.worksheets:
            if wanted in (None, sheet.title):
                sheet.reset_dimensions()  # programs write wrong ones
                cells = [tuple(map(_cell_text, row)) for row in sheet.iter_rows(values_only=True)]
                width = max(map(len, cells), default=0)  # a row ends with its last cell
                padded = [(*row, *[""] * (width - len(row))) for row in cells]
                yield XlsxSheet(name, sheet.title, padded)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, TypeError, SyntaxError, OSError):
        raise _unreadable(name, "is no workbook that can be read", "save it as CSV") from None


def _cell_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{Decimal(f'{value:.{_EXCEL_DIGITS}g}'):f}"
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return clean_cell(str(value))


def _unreadable(name: str, what: str, mend: str) -> DocumentError:
    return DocumentError([Problem(name, 0, 0, what, mend)])
