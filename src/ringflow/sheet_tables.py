"""Sheets whose first row names the columns, in any order: lists of customers, CLIs and DIDs.

Several encodings and separators are tried. The one by which most of the expected names are found is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ringflow.errors import DocumentError, Problem
from ringflow.sheet_file import Sheet, SheetRow, head_of, read_candidates


@dataclass(frozen=True, slots=True)
class TableRow:
    """A line (from 1) and its cells by the names of their columns."""

    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        """A cell without the space around it; empty where the file has no such column."""
        return self.cells.get(column, "")


@dataclass(frozen=True, slots=True)
class SheetTable:
    """A sheet that was read: its good rows, and what is wrong with the others."""

    path: str
    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]
    problems: tuple[Problem, ...]

    def problem(self, row: TableRow, column: str, what: str, mend: str = "") -> Problem:
        """A problem with a cell, or with the row as a whole where `column` is none of the file's.

        Columns of a problem count cells, as spreadsheets do: the third cell stands in column 3.
        """
        if column in self.columns:
            return Problem(self.path, row.line, self.columns.index(column) + 1, f"{column}: {what}", mend)
        return Problem(self.path, row.line, 1, what, mend)


def read_sheet_table(
    path: Path, known: Sequence[str], needed: Sequence[str], aliases: Mapping[str, str]
) -> SheetTable:
    """Read a file whose columns are among `known`, or named in `aliases`.

    Names count without capitals, with `_` for spaces. Raises `DocumentError`: it cannot be read, or its first
    line does not name what is needed.
    """
    names = {one: one for one in known} | dict(aliases)
    name = str(path)
    sheet = max(read_candidates(path), key=lambda one: sum(cell in names for cell in _header(one)))
    columns = _columns(name, _header(sheet), names, needed)
    rows: list[TableRow] = []
    problems: list[Problem] = []
    header_is_read = False
    for row in sheet.rows():
        if row.empty:
            continue
        if not header_is_read:
            header_is_read = True
            continue
        cells = _without_trailing(row.cells, len(columns))
        if row.fault:
            problems.append(Problem(name, row.line, 1, row.fault, "close the quotes on this line"))
        elif len(cells) != len(columns):
            what = f"the first line names {len(columns)} columns, and here are {len(cells)}"
            problems.append(Problem(name, row.line, 1, what, "put quotes around text that has a separator"))
        else:
            rows.append(TableRow(row.line, dict(zip(columns, cells, strict=True))))
    if not rows and not problems:
        raise DocumentError([Problem(name, 0, 0, "has no rows", "write one on each line below the first")])
    return SheetTable(name, columns, tuple(rows), tuple(problems))


def _header(sheet: Sheet) -> list[str]:
    first = next((row for row in head_of(sheet, 20) if not row.empty), SheetRow(1, ()))
    cells = _without_trailing(first.cells, 1)
    return ["_".join(cell.lower().replace("-", " ").split()) for cell in cells]


def _without_trailing(cells: tuple[str, ...], least: int) -> tuple[str, ...]:
    """The cells without empty ones at the end: spreadsheets write more of them than there are columns."""
    while len(cells) > least and not cells[-1]:
        cells = cells[:-1]
    return cells


def _columns(
    path: str, header: Sequence[str], names: Mapping[str, str], needed: Sequence[str]
) -> tuple[str, ...]:
    mend = f"known: {', '.join(dict.fromkeys(names.values()))}"
    columns = tuple(names.get(one, one) for one in header)
    problems = [
        Problem(path, 1, at, f"unknown column `{one[:32]}`", mend)
        for at, one in enumerate(columns, start=1)
        if one not in names.values()
    ]
    problems += [
        Problem(path, 1, at, f"the column `{one}` stands here a second time", "keep one of them")
        for at, one in enumerate(columns, start=1)
        if one in columns[: at - 1] and one in names.values()
    ]
    problems += [
        Problem(path, 1, 1, f"the column `{one}` is missing", mend) for one in needed if one not in columns
    ]
    if problems:
        raise DocumentError(problems)
    return columns
