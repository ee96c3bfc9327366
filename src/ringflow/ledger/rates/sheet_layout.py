"""Which sheet of a carrier's file has its rates, in which rows, and whether its title contradicts them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ringflow.errors import DocumentError, Problem
from ringflow.ledger.rates.column_names import ENDS, PRICES, currency_fits
from ringflow.ledger.rates.sheet_columns import (
    HEAD_ROWS,
    ColumnMap,
    Header,
    argument,
    find_header,
    score_header,
)
from ringflow.money import CURRENCY_DIGITS
from ringflow.sheet_file import Sheet, SheetRow, head_of
from ringflow.wording import quoted


def choose_sheet(sheets: Sequence[Sheet], given: ColumnMap) -> tuple[Sheet, Sequence[SheetRow], int | None]:
    """The candidate that looks most like rates, its first rows, and which of them is the header."""
    found = []
    for sheet in sheets:
        head = head_of(sheet, HEAD_ROWS)
        index = find_header(head, given)
        found.append((score_header(head, index, given), sheet, head, index))
    found.sort(key=lambda one: one[0], reverse=True)
    score, sheet, head, index = found[0]
    whole = [one[1] for one in found if one[0] >= WHOLE_HEADER and one[1].title]
    if len(whole) > 1:
        titles = ", ".join(quoted(one.title) for one in whole)
        what = f"which worksheet has the rates: {titles}?"
        raise DocumentError([Problem(sheet.path, 0, 0, what, f"say it: ‹sheet› {argument(whole[0].title)}")])
    if score[0] == 0 and is_numbered(given):
        # No names are known, so take the separator that makes equally many columns in most lines.
        found.sort(key=lambda one: _evenness(one[2]), reverse=True)
        _, sheet, head, index = found[0]
    return sheet, head, index


WHOLE_HEADER = (100, 0)


def _evenness(head: Sequence[SheetRow]) -> tuple[int, int]:
    widths = [len(row.cells) for row in head if not row.empty and not row.fault]
    if not widths or max(widths) == 1:
        return (0, 0)
    usual = max(set(widths), key=widths.count)
    return (widths.count(usual) if usual > 1 else 0, usual)


def is_numbered(given: ColumnMap) -> bool:
    """Whether the operator names the columns that matter by their numbers: then there may be no header."""
    named = {of: list(columns) for of, columns in given.columns.items() if of in ("prefix", "area", *PRICES)}
    return len(named) > 1 and all(one.startswith("#") for columns in named.values() for one in columns)


def from_first_number(rows: list[SheetRow], header: Header) -> list[SheetRow]:
    """Without the lines above the first one that has digits where the prefix is."""
    place = header.fields.get("prefix", header.fields.get("area", 0))
    for index, row in enumerate(rows):
        if row.fault or any(one.isdigit() for one in cell_at(row, place)):
            return rows[index:]
    return rows


def used_width(row: SheetRow) -> int:
    """How many cells there are up to the last one that says something."""
    return max((place for place, cell in enumerate(row.cells, start=1) if cell), default=0)


def cell_at(row: SheetRow, place: int) -> str:
    """Return the text of a cell, empty where the row has fewer."""
    return row.cells[place] if place < len(row.cells) else ""


def no_header(sheet: Sheet, head: Sequence[SheetRow]) -> Problem:
    """Return what is wrong with a sheet in which no row names the columns."""
    first = next((row for row in head if not row.empty), None)
    if first is not None and first.fault:
        return Problem(sheet.path, first.line, 1, first.fault)
    what = "no line names a column for the prefix and one for the price"
    mend = (
        'say which they are: ‹map› prefix=Code,price="Rate USD", or by number '
        "without a header: prefix=#1,price=#3"
    )
    return Problem(sheet.path, first.line if first is not None else 1, 1, what, mend)


def with_country(sheet: Sheet, header: Header, rows: Sequence[SheetRow], given: ColumnMap) -> Header:
    """A column `Country` may hold countries' names or their codes: the cells tell."""
    place = header.fields.get("country_name")
    if place is None or "country_name" in header.mapped:
        return header
    cells = [cell for row in rows if (cell := cell_at(row, place))]
    numeric = [cell for cell in cells if re.fullmatch(r"\+?[0-9]{1,4}(\.0)?", cell)]
    needed = not (header.fields.keys() | given.values.keys()) & {"prefix", "country"}
    if numeric and len(numeric) == len(cells) and "country" not in header.fields:
        if "prefix" in header.fields:
            column = header.name("prefix")
            what = (
                f"is {quoted(column)} a whole prefix, with the country's code, or what goes with `Country`?"
            )
            mend = (
                f"say it: ‹map› prefix={argument(column)}, or ‹map› country=Country,area={argument(column)}"
            )
            if "prefix" not in header.mapped:
                raise DocumentError([Problem(sheet.path, header.line, 1, what, mend)])
            return header.without("country_name")
        return header.renamed("country_name", "country")
    if needed:
        what = "no column has the country's code: " + (
            f"{quoted(header.name('country_name'))} has names"
            if "area" in header.fields
            else "the prefix is missing"
        )
        raise DocumentError([Problem(sheet.path, header.line, 1, what, "add one to the sheet, such as 44")])
    return header


_CURRENCY_SAID = re.compile(
    r"\b(?:currency|(?:rates?|prices?|all|amounts?) (?:are )?in)\b\W*([A-Za-z]{3})\b", re.I
)

_PER_SECOND = re.compile(r"\b(?:per|/|a) ?sec(?:ond)?s?\b|\bcents?\b|\bpence\b", re.I)

_BILLING_SAID = re.compile(r"\b[0-9]{1,3} ?/ ?[0-9]{1,3}\b(?! ?/)")

_IS_BILLING = re.compile(r"billing|increment|interval", re.I)

_EFFECTIVE_SAID = re.compile(r"\b(?:effective|valid|from|as of|starting)\b.*[0-9]", re.I)


def check_title(
    sheet: Sheet, above: Sequence[SheetRow], header: Header, given: ColumnMap, currency: str
) -> None:
    """What stands above the header counts for all rows: what it says and no column does is asked for."""
    problems = []
    for row in above:
        text = " ".join(cell for cell in row.cells if cell)
        said = _CURRENCY_SAID.search(text)
        if (
            said is not None
            and said[1].upper() in CURRENCY_DIGITS
            and not currency_fits(said[1].upper(), currency)
        ):
            what = f"{quoted(text)}: is the sheet in {said[1].upper()}? The card is in {currency}"
            problems.append((row, what, "import it into a card of that currency, or remove the line"))
        if _PER_SECOND.search(text) and not header.mapped & set(PRICES) and "price" in header.fields:
            name = argument(header.name("price"))
            mend = f"say it: ‹map› price={name} (a minute), price_second={name} or price_cents={name}"
            problems.append((row, f"{quoted(text)}: are the prices for a minute, in {currency}?", mend))
        billing = _BILLING_SAID.search(text)
        known = header.fields.keys() | given.values.keys()
        if billing is not None and not known & {"increment", "minimum"} and _IS_BILLING.search(text):
            mend = f"say it: ‹set› increment={billing[0].replace(' ', '')}, or ‹set› increment=1/1"
            problems.append((row, f"{quoted(text)}: is this the minimum and increment of all rows?", mend))
        if _EFFECTIVE_SAID.search(text) and "from" not in header.fields and "from" not in given.values:
            mend = "say it: ‹set› from=2026-07-01, or ‹set› from=now for rates that count at once"
            problems.append((row, f"{quoted(text)}: from when do the rates count?", mend))
    if problems:
        raise DocumentError(Problem(sheet.path, row.line, 1, what, mend) for row, what, mend in problems)


def check_columns(sheet: Sheet, header: Header, rows: Sequence[SheetRow]) -> None:
    """Ask for what only the cells show: columns without names, last days, areas that look like prefixes."""
    problems = []
    for place in header.unnamed:
        row = next((one for one in rows if cell_at(one, place)), None)
        if row is not None:
            what = f"column {place + 1} has no name, and here is {quoted(cell_at(row, place))}"
            mend = (
                f"name it in the header, say what it is (‹map› price=#{place + 1}), "
                f"or ‹map› ignore=#{place + 1}"
            )
            problems.append(Problem(sheet.path, row.line, sheet.column(row.line, place), what, mend))
    if (place := header.fields.get(ENDS, -1)) >= 0:
        row = next((one for one in rows if cell_at(one, place)), None)
        if row is not None:
            name = header.name(ENDS)
            what = f"{quoted(name)} {quoted(cell_at(row, place))}: does the rate count on that day?"
            mend = f"say it: ‹map› last_day={argument(name)} if it does, until={argument(name)} if not"
            problems.append(Problem(sheet.path, row.line, sheet.column(row.line, place), what, mend))
    if {"country", "area"} <= header.fields.keys() and not {"country", "area"} <= header.mapped:
        codes, areas = header.fields["country"], header.fields["area"]
        both = [row for row in rows if cell_at(row, codes) and cell_at(row, areas)]
        if both and all(cell_at(row, areas).startswith(cell_at(row, codes).lstrip("+0")) for row in both):
            what = (
                f"every {quoted(header.name('area'))} begins with its country's code: is it a whole prefix?"
            )
            mend = (
                f"say it: ‹map› prefix={argument(header.name('area'))} if it is, "
                f"country={argument(header.name('country'))},area={argument(header.name('area'))} if not"
            )
            problems.append(Problem(sheet.path, both[0].line, sheet.column(both[0].line, areas), what, mend))
    if problems:
        raise DocumentError(problems)
