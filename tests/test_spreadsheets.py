from __future__ import annotations

from io import BytesIO, StringIO

import pytest
from openpyxl import load_workbook

from ringflow.errors import Refused
from ringflow.spreadsheets import CsvTable, WorkbookTable

MANGLED = (
    "0044",
    "+441910000001",
    "106367704089",
    "4477777777777777",
    "1/1",
    "=1+1",
    "1.10",
    "4.47E+11",
    "2026-07-01",
)
"""What a spreadsheet that opens CSV makes numbers, dates and formulas of."""


def workbook(*rows: tuple[str | int | None, ...], figures: tuple[str, ...] = ()) -> BytesIO:
    file = BytesIO()
    with WorkbookTable(file, figures) as table:
        table.write(rows)
    file.seek(0)
    return file


def test_every_cell_of_a_workbook_is_text_as_it_was_written() -> None:
    odd = ("", None, " with  spaces ", "Côte d’Ivoire", "<&>", "two\nlines", "bell\x07", "\ud800", 7)
    sheet = load_workbook(workbook(("name",) * len(MANGLED), MANGLED, odd)).active
    assert tuple(cell.value for cell in sheet[2]) == MANGLED
    assert {(cell.data_type, cell.number_format) for cell in sheet[2]} == {("s", "@")}
    shown = tuple(cell.value for cell in sheet[3])
    assert shown == (None, None, " with  spaces ", "Côte d’Ivoire", "<&>", "two\nlines", "bell?", "?", "7")


def test_figures_are_numbers_unless_a_spreadsheet_would_round_them() -> None:
    rows = (
        ("id", "charged"),
        ("1", "0.0117"),
        ("2", "1000000000.000001"),
        ("3", "4.0"),
        ("4", "007"),
        ("5", "-1.5"),
    )
    sheet = load_workbook(workbook(*rows, figures=("charged",))).active
    assert [row[1].value for row in sheet.iter_rows(min_row=2)] == [
        0.0117,
        "1000000000.000001",
        4.0,
        "007",
        -1.5,
    ]
    assert [row[0].value for row in sheet.iter_rows(min_row=2)] == ["1", "2", "3", "4", "5"]


def test_a_workbook_has_columns_beyond_z_and_a_last_row(monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = load_workbook(workbook(tuple(str(place) for place in range(60)))).active
    assert [sheet[place].value for place in ("A1", "Z1", "AA1", "AZ1", "BA1")] == [
        "0",
        "25",
        "26",
        "51",
        "52",
    ]
    monkeypatch.setattr("ringflow.spreadsheets.MAX_ROWS", 2)
    with pytest.raises(Refused, match="at most 2 rows"):
        workbook(("a",), ("b",), ("c",))


def test_csv_keeps_formulas_from_being_calculated() -> None:
    file = StringIO()
    CsvTable(file).write([("a", None, 7), ("=1+1", "+44", "0044")])
    assert file.getvalue() == "a,,7\n'=1+1,'+44,0044\n"
