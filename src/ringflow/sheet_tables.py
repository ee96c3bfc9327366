"""Sheets whose first row names the columns, in any order, and NDJSON: lists of customers, CLIs and DIDs.

Several encodings and separators are tried. The one by which most of the expected names are found is used.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ringflow.errors import DocumentError, Problem
from ringflow.object_lines import holds_objects, read_object_lines
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
    """A sheet that was read: its good rows, and what is wrong with the others.

    `columns`: of its cells; None where they are named on each line, as in NDJSON.
    """

    path: str
    columns: tuple[str, ...] | None
    rows: tuple[TableRow, ...]
    problems: tuple[Problem, ...]

    def problem(self, row: TableRow, column: str, what: str, mend: str = "") -> Problem:
        """A problem with a cell, or with the row as a whole where `column` is none of the file's.

        Columns of a problem count cells, as spreadsheets do: the third cell stands in column 3.
        """
        if self.columns is None:
            return Problem(self.path, row.line, 1, f"{column}: {what}", mend)
        if column in self.columns:
            return Problem(self.path, row.line, self.columns.index(column) + 1, f"{column}: {what}", mend)
        return Problem(self.path, row.line, 1, what, mend)


@dataclass(frozen=True, slots=True)
class TableColumns:
    """The columns that a table may have.

    `aliases`: other names of them. `ignored`: what an export has besides. `null`: what null of NDJSON means,
    where that is not the same as an empty cell.
    """

    known: Sequence[str]
    needed: Sequence[str] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    ignored: Collection[str] = ()
    null: Mapping[str, str] = field(default_factory=dict)


def read_sheet_table(path: Path, expected: TableColumns) -> SheetTable:
    """Read a file with columns that are expected.

    Names count without capitals, with `_` for spaces. Raises `DocumentError`: it cannot be read, or its first
    line does not name what is needed.
    """
    if holds_objects(path):
        return _table_of_objects(path, expected)
    names = {one: one for one in (*expected.known, *expected.ignored)} | dict(expected.aliases)
    name = str(path)
    sheet = max(read_candidates(path), key=lambda one: sum(cell in names for cell in _header(one)))
    columns = _columns(name, _header(sheet), names, expected)
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


def _table_of_objects(path: Path, expected: TableColumns) -> SheetTable:
    null = {one: expected.null.get(one, "") for one in expected.known}
    lines, problems = read_object_lines(path, null, expected.aliases, expected.ignored)
    rows = tuple(TableRow(one.line, one.cells) for one in lines)
    return SheetTable(str(path), None, rows, tuple(problems))


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
    path: str, header: Sequence[str], names: Mapping[str, str], expected: TableColumns
) -> tuple[str, ...]:
    mend = f"known: {', '.join(expected.known)}"
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
        Problem(path, 1, 1, f"the column `{one}` is missing", mend)
        for one in expected.needed
        if one not in columns
    ]
    if problems:
        raise DocumentError(problems)
    return columns
