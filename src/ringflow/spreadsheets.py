"""Tables for spreadsheets: CSV that none of them calculates, and workbooks that none of them changes.

A spreadsheet that opens CSV makes numbers of long digits (4.47E+11), drops a zero or a plus before them, and
makes dates of what looks like one; saved again, that is what the file says. In a workbook (xlsx) each cell
says that it is text, so it is shown and saved as it was written. Only figures, which people add up, are
numbers there.

The workbook is written here, cell by cell into its archive, because openpyxl keeps it in temporary files
first, and PINs must not be left there.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import IO, Protocol, TextIO
from xml.sax.saxutils import escape

from ringflow.errors import Refused

Cell = str | int | None

MAX_ROWS = 1_048_576
MAX_FIGURE_DIGITS = 15
"""As many digits of a number as a spreadsheet keeps."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet calculate instead of show (OWASP: CSV Injection)."""
_FIGURE = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
# XML 1.0 has no way to write these.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_SHEET = "xl/worksheets/sheet1.xml"
# Number format 49 is `@`: text, also where somebody edits the cell.
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/{_SHEET}" ContentType="{_TYPE}.worksheet+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
    '<sheet name="Ringflow" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
    "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><fonts count="1"><font/></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="2"><xf/><xf numFmtId="49" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
}


class Table(Protocol):
    """Something that rows are written to, the columns' names first."""

    def write(self, rows: Iterable[Sequence[Cell]]) -> None:
        """Add rows."""


def csv_text(rows: Iterable[Sequence[Cell]]) -> str:
    """Return rows as CSV."""
    text = io.StringIO()
    CsvTable(text).write(rows)
    return text.getvalue()


class CsvTable:
    """Rows as CSV."""

    def __init__(self, file: TextIO) -> None:
        self._writer = csv.writer(file, lineterminator="\n")

    def write(self, rows: Iterable[Sequence[Cell]]) -> None:
        """Add rows."""
        self._writer.writerows([csv_cell(value) for value in row] for row in rows)


class WorkbookTable:
    """Rows as the only worksheet of a workbook, which is whole when it is closed.

    `figures` names the columns of amounts and lengths. Raises `Refused` for more rows than a worksheet has.
    """

    def __init__(self, file: IO[bytes], figures: Iterable[str] = ()) -> None:
        self._archive = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED)
        for name, text in _PARTS.items():
            self._archive.writestr(name, _HEAD + text)
        self._sheet = self._archive.open(_SHEET, "w", force_zip64=True)
        self._sheet.write(f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
        self._names = frozenset(figures)
        self._figures: frozenset[int] | None = None
        self._count = 0
        self._closed = False

    def write(self, rows: Iterable[Sequence[Cell]]) -> None:
        """Add rows; the first one ever names the columns."""
        for row in rows:
            self._count += 1
            if self._count > MAX_ROWS:
                raise Refused(
                    "spreadsheet.too_many_rows",
                    f"a worksheet has at most {MAX_ROWS} rows; export less at once, or CSV",
                    most=MAX_ROWS,
                )
            figures = self._figures or frozenset()
            cells = "".join(
                _cell_xml(value, _column(place) + str(self._count), place in figures)
                for place, value in enumerate(row)
                if value is not None and value != ""
            )
            self._sheet.write(f'<row r="{self._count}">{cells}</row>'.encode())
            if self._figures is None:
                self._figures = frozenset(place for place, name in enumerate(row) if name in self._names)

    def close(self) -> None:
        """Finish the workbook, once."""
        if self._closed:
            return
        self._closed = True
        self._sheet.write(b"</sheetData></worksheet>")
        self._sheet.close()
        self._archive.close()

    def __enter__(self) -> WorkbookTable:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def csv_cell(value: str | int | None) -> str:
    """The value as a cell: text that a spreadsheet would take for a formula has a `'` before it."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _cell_xml(value: str | int, place: str, is_figure: bool) -> str:
    text = str(value)
    digits = sum(map(str.isdigit, text))
    if is_figure and digits <= MAX_FIGURE_DIGITS and _FIGURE.fullmatch(text):
        return f'<c r="{place}"><v>{text}</v></c>'
    shown = escape(_NOT_XML.sub("?", text))
    return f'<c r="{place}" s="1" t="inlineStr"><is><t xml:space="preserve">{shown}</t></is></c>'


def _column(place: int) -> str:
    """A, B ... Z, AA, AB ..."""
    letters = ""
    number = place + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
