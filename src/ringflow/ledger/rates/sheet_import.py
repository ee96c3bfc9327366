"""Rates from a sheet: every bad row is named by its line, and one bad row keeps all from being applied.

What the columns are is worked out in `sheet_columns`, what their cells say in `sheet_cells`. Ringflow's own
export has the columns `COLUMNS`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.audit import Act, note
from ringflow.errors import DocumentError, Problem
from ringflow.ledger.rates.card import Rate, RateCard, get_card, lock_card
from ringflow.ledger.rates.sheet_cells import (
    DAY,
    LAST_MOMENT_MS,
    MILLISECOND,
    CellError,
    decimal_mark,
    joined_prefixes,
    order_of_dates,
    read_amount,
    read_billing,
    read_destination,
    read_period,
    read_prefixes,
    read_price,
    read_seconds,
    read_status,
)
from ringflow.ledger.rates.sheet_columns import (
    ENDS,
    HEAD_ROWS,
    PRICES,
    ColumnMap,
    Header,
    argument,
    currency_fits,
    find_header,
    read_header,
    score_header,
)
from ringflow.money import CURRENCY_DIGITS
from ringflow.sheet_file import Sheet, SheetRow, head_of, read_candidates
from ringflow.store.ledger_tables import rates
from ringflow.wording import quoted

COLUMNS = (
    *("prefix", "price", "connection", "minimum_s", "increment_s", "grace_s", "from_at", "until_at"),
    *("destination", "status"),
)
BLOCKED = "blocked"
ROWS_AT_ONCE = 5000

Progress = Callable[[int], None]
"""Told how many rows have been done since it was last told."""


@dataclass(frozen=True, slots=True)
class RateFile:
    """A file that was read: its good rows with their lines, and what is wrong with the others.

    `header`: where its columns were found; `described`: what the file was taken for; `dates`, `decimal`: how
    its days and amounts were read, where they showed it.
    """

    path: str
    rows: tuple[tuple[int, Rate], ...]
    problems: tuple[Problem, ...]
    header: Header | None = None
    described: str = ""
    dates: str = ""
    decimal: str = ""


def read_rates(
    path: Path,
    currency: str,
    country: str,
    progress: Progress | None = None,
    given: ColumnMap = ColumnMap(),  # noqa: B008
) -> RateFile:
    """Read a sheet: CSV or xlsx. Raises `DocumentError` for one that cannot be read as a whole.

    `country` is a two-letter code (ISO 3166-1), whose international prefix may stand before prefixes.
    `given`: what the operator says of it.
    """
    sheets = read_candidates(path, given.encoding or None, given.worksheet or None)
    sheet, head, index = _choose(sheets, given)
    numbered = _is_numbered(given)
    rows = [row for row in sheet.rows() if not row.empty]
    row = head[index] if index is not None and not numbered else None
    if row is None and not numbered:
        raise DocumentError([_no_header(sheet, head)])
    if row is not None and row.fault:
        raise DocumentError([Problem(sheet.path, row.line, 1, row.fault)])
    width = max((_used(one) for one in rows if row is None or one.line > row.line), default=0)
    header = read_header(sheet, row, given, width, currency)
    above = [one for one in rows if one.line < header.line]
    below = [one for one in rows if one.line > header.line and one.cells != header.all_names]
    if numbered:
        below = _from_first_number(below, header)
    header = _with_country(sheet, header, below, given)
    _check_title(sheet, above, header, given, currency)
    _check_columns(sheet, header, below)
    reading = _Reading(sheet, header, given, currency, country, below)
    good, problems = reading.read(progress or (lambda rows: None))
    file = RateFile(
        str(path), tuple(good), tuple(problems), header, sheet.described, reading.dates, reading.decimal
    )
    return _without_overlaps(file, {})


async def import_rates(
    act: Act,
    card: RateCard,
    file: RateFile,
    *,
    replace: bool = False,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> RateFile:
    """Add the file's rows to the card, or put them in place of all its rows, within the caller's transaction.

    Raises `DocumentError` with every problem, unless `skip_bad`; gives what was added and what was left out.
    """
    connection = act.connection
    await lock_card(act, card)
    before = (await get_card(connection, card.name)).rows
    if replace:
        await connection.execute(rates.delete().where(rates.c.card_id == card.id))
    else:
        file = await without_rates_of(connection, card, file)
    if file.problems and not skip_bad:
        raise DocumentError(file.problems)
    for start in range(0, len(file.rows), ROWS_AT_ONCE):
        part = file.rows[start : start + ROWS_AT_ONCE]
        values = [{"card_id": card.id, **asdict(rate)} for _, rate in part]
        await connection.execute(rates.insert(), values)
        if progress:
            progress(len(part))
    after = len(file.rows) if replace else before + len(file.rows)
    facts = {"rows": after, "file": Path(file.path).name, "replaced": replace}
    await note(act, "import", f"rate card {card.name}", {"rows": before}, facts)
    return file


async def without_rates_of(connection: AsyncConnection, card: RateCard, file: RateFile) -> RateFile:
    """The file without rows that are in effect when a rate of the card is, too: each is a problem."""
    return _without_overlaps(file, await _existing(connection, card))


def _choose(sheets: Sequence[Sheet], given: ColumnMap) -> tuple[Sheet, Sequence[SheetRow], int | None]:
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
        raise DocumentError([Problem(sheet.path, 0, 0, what, f"say it: --sheet {argument(whole[0].title)}")])
    if score[0] == 0 and _is_numbered(given):
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


def _is_numbered(given: ColumnMap) -> bool:
    """Whether the operator names the columns that matter by their numbers: then there may be no header."""
    named = {of: list(columns) for of, columns in given.columns.items() if of in ("prefix", "area", *PRICES)}
    return len(named) > 1 and all(one.startswith("#") for columns in named.values() for one in columns)


def _from_first_number(rows: list[SheetRow], header: Header) -> list[SheetRow]:
    """Without the lines above the first one that has digits where the prefix is."""
    place = header.fields.get("prefix", header.fields.get("area", 0))
    for index, row in enumerate(rows):
        if row.fault or any(one.isdigit() for one in _at(row, place)):
            return rows[index:]
    return rows


def _used(row: SheetRow) -> int:
    """How many cells there are up to the last one that says something."""
    return max((place for place, cell in enumerate(row.cells, start=1) if cell), default=0)


def _at(row: SheetRow, place: int) -> str:
    return row.cells[place] if place < len(row.cells) else ""


def _no_header(sheet: Sheet, head: Sequence[SheetRow]) -> Problem:
    first = next((row for row in head if not row.empty), None)
    if first is not None and first.fault:
        return Problem(sheet.path, first.line, 1, first.fault)
    what = "no line names a column for the prefix and one for the price"
    mend = (
        'say which they are: --map prefix=Code,price="Rate USD", or by number '
        "without a header: prefix=#1,price=#3"
    )
    return Problem(sheet.path, first.line if first is not None else 1, 1, what, mend)


def _with_country(sheet: Sheet, header: Header, rows: Sequence[SheetRow], given: ColumnMap) -> Header:
    """A column `Country` may hold countries' names or their codes: the cells tell."""
    place = header.fields.get("country_name")
    if place is None or "country_name" in header.mapped:
        return header
    cells = [cell for row in rows if (cell := _at(row, place))]
    numeric = [cell for cell in cells if re.fullmatch(r"\+?[0-9]{1,4}(\.0)?", cell)]
    needed = not (header.fields.keys() | given.values.keys()) & {"prefix", "country"}
    if numeric and len(numeric) == len(cells) and "country" not in header.fields:
        if "prefix" in header.fields:
            column = header.name("prefix")
            what = (
                f"is {quoted(column)} a whole prefix, with the country's code, or what goes with `Country`?"
            )
            mend = (
                f"say it: --map prefix={argument(column)}, or --map country=Country,area={argument(column)}"
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


def _check_title(
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
            mend = f"say it: --map price={name} (a minute), price_second={name} or price_cents={name}"
            problems.append((row, f"{quoted(text)}: are the prices for a minute, in {currency}?", mend))
        billing = _BILLING_SAID.search(text)
        known = header.fields.keys() | given.values.keys()
        if billing is not None and not known & {"increment", "minimum"} and _IS_BILLING.search(text):
            mend = f"say it: --set increment={billing[0].replace(' ', '')}, or --set increment=1/1"
            problems.append((row, f"{quoted(text)}: is this the minimum and increment of all rows?", mend))
        if _EFFECTIVE_SAID.search(text) and "from" not in header.fields and "from" not in given.values:
            mend = "say it: --set from=2026-07-01, or --set from=now for rates that count at once"
            problems.append((row, f"{quoted(text)}: from when do the rates count?", mend))
    if problems:
        raise DocumentError(Problem(sheet.path, row.line, 1, what, mend) for row, what, mend in problems)


def _check_columns(sheet: Sheet, header: Header, rows: Sequence[SheetRow]) -> None:
    """Ask for what only the cells show: columns without names, last days, areas that look like prefixes."""
    problems = []
    for place in header.unnamed:
        row = next((one for one in rows if _at(one, place)), None)
        if row is not None:
            what = f"column {place + 1} has no name, and here is {quoted(_at(row, place))}"
            mend = (
                f"name it in the header, say what it is (--map price=#{place + 1}), "
                f"or --map ignore=#{place + 1}"
            )
            problems.append(Problem(sheet.path, row.line, sheet.column(row.line, place), what, mend))
    if (place := header.fields.get(ENDS, -1)) >= 0:
        row = next((one for one in rows if _at(one, place)), None)
        if row is not None:
            name = header.name(ENDS)
            what = f"{quoted(name)} {quoted(_at(row, place))}: does the rate count on that day?"
            mend = f"say it: --map last_day={argument(name)} if it does, until={argument(name)} if not"
            problems.append(Problem(sheet.path, row.line, sheet.column(row.line, place), what, mend))
    if {"country", "area"} <= header.fields.keys() and not {"country", "area"} <= header.mapped:
        codes, areas = header.fields["country"], header.fields["area"]
        both = [row for row in rows if _at(row, codes) and _at(row, areas)]
        if both and all(_at(row, areas).startswith(_at(row, codes).lstrip("+0")) for row in both):
            what = (
                f"every {quoted(header.name('area'))} begins with its country's code: is it a whole prefix?"
            )
            mend = (
                f"say it: --map prefix={argument(header.name('area'))} if it is, "
                f"country={argument(header.name('country'))},area={argument(header.name('area'))} if not"
            )
            problems.append(Problem(sheet.path, both[0].line, sheet.column(both[0].line, areas), what, mend))
    if problems:
        raise DocumentError(problems)


class _Reading:
    """The rows of one sheet."""

    def __init__(
        self,
        sheet: Sheet,
        header: Header,
        given: ColumnMap,
        currency: str,
        country: str,
        rows: Sequence[SheetRow],
    ) -> None:
        self._sheet, self._header, self._given = sheet, header, given
        self._currency, self._country = currency, country
        self._rows = rows
        self._price_field = next(one for one in PRICES if one in header.fields)
        self.dates = given.dates or order_of_dates(self._column("from", "until", "last_day"))
        self.decimal = given.decimal or decimal_mark(self._column(self._price_field, "connection"))
        self._common = {of: value for of, value in given.values.items() if (of, value) != ("from", "now")}

    def read(self, progress: Progress) -> tuple[list[tuple[int, Rate]], list[Problem]]:
        good: list[tuple[int, Rate]] = []
        problems: list[Problem] = []
        width = len(self._header.names)
        for row in self._rows:
            progress(1)
            try:
                if row.fault:
                    raise CellError("", row.fault)
                self._check_width(row, width)
                cells = dict(self._common)
                cells |= {of: value for of, at in self._header.fields.items() if (value := _at(row, at))}
                good += [(row.line, rate) for rate in self._rates(cells)]
            except CellError as error:
                place = self._header.fields.get(error.field, -1)
                column = self._sheet.column(row.line, place) if place >= 0 else 1
                problems.append(Problem(self._sheet.path, row.line, column, error.what, error.mend))
        return good, problems

    def _column(self, *fields: str) -> list[str]:
        places = [self._header.fields[of] for of in fields if of in self._header.fields]
        return [cell for row in self._rows for place in places if (cell := _at(row, place))]

    def _check_width(self, row: SheetRow, width: int) -> None:
        if len(row.cells) < width and max(self._header.fields.values()) >= len(row.cells):
            raise CellError("", f"the header names {width} columns, and here are {len(row.cells)}")
        extra = next((cell for cell in row.cells[width:] if cell), None)
        if extra is not None:
            mend = "put quotes around a cell that has a separator or a decimal comma in it"
            raise CellError(
                "", f"the header names {width} columns, and here are {len(row.cells)}: {quoted(extra)}", mend
            )

    def _rates(self, cells: Mapping[str, str]) -> list[Rate]:
        prefixes = self._prefixes(cells)
        said = cells.get("currency", "")
        if said and said.upper() != self._currency:
            raise CellError("currency", f"the row is in {quoted(said)}, and the card in {self._currency}")
        price = read_price(cells.get(self._price_field, ""), self._currency, self.decimal, self._price_field)
        status = cells.get("status", "")
        closed = bool(status) and read_status(status, self._header.name("status"))
        connection = cells.get("connection", "")
        minimum, increment = self._billing(cells)
        from_ms, until_ms = self._period(cells)
        first = Rate(
            prefix=prefixes[0],
            price_micros=price or 0,
            connection_micros=read_amount(connection, self._currency, self.decimal, "connection")
            if connection
            else 0,
            minimum_s=minimum,
            increment_s=increment,
            grace_s=read_seconds(cells.get("grace", ""), "grace", 0) or 0,
            from_ms=from_ms,
            until_ms=until_ms,
            destination=self._destination(cells),
            blocked=price is None or closed,
        )
        return [replace(first, prefix=prefix) for prefix in prefixes]

    def _prefixes(self, cells: Mapping[str, str]) -> list[str]:
        if "prefix" in self._header.fields:
            return read_prefixes(cells.get("prefix", ""), self._country)
        codes = read_prefixes(cells.get("country", ""), self._country, "country")
        area = cells.get("area", "")
        if len(codes) > 1 and area:
            raise CellError(
                "country", f"which of {quoted(cells['country'])} is the country of {quoted(area)}?"
            )
        return (
            joined_prefixes(codes[0], read_prefixes(area, self._country, "area"), self._country)
            if area
            else codes
        )

    def _billing(self, cells: Mapping[str, str]) -> tuple[int, int]:
        minimum = read_seconds(cells.get("minimum", ""), "minimum", 1)
        text = cells.get("increment", "")
        said, increment = read_billing(text) if text else (None, None)
        if said is not None and minimum is not None and said != minimum:
            what = f"increment {quoted(text)} has another minimum than {minimum}: which is it?"
            raise CellError("increment", what, "leave one of the two out: --map ignore=NAME")
        minimum = said if minimum is None else minimum
        # Who bills in blocks of 60 s bills the first one whole too.
        return minimum or increment or 1, increment or 1

    def _period(self, cells: Mapping[str, str]) -> tuple[int, int | None]:
        begin = read_period(cells.get("from", ""), "from", self.dates)
        end = read_period(cells.get("until", ""), "until", self.dates)
        last = read_period(cells.get("last_day", ""), "last_day", self.dates)
        from_ms = begin.start_ms if begin is not None else 0
        until_ms = end.start_ms if end is not None else None
        if last is not None:
            until_ms = min(last.start_ms + (0 if last.exact else DAY // MILLISECOND), LAST_MOMENT_MS)
        if until_ms is not None and until_ms <= from_ms:
            field = "until" if end is not None else "last_day"
            raise CellError(field, f"`{self._header.name(field)}` is not after `{self._header.name('from')}`")
        return from_ms, until_ms

    def _destination(self, cells: Mapping[str, str]) -> str:
        country, name = (read_destination(cells.get(of, "")) for of in ("country_name", "destination"))
        if not country or country.casefold() in name.casefold():
            return name
        return read_destination(f"{country} {name}".strip())


def _without_overlaps(file: RateFile, known: dict[str, list[tuple[int, int | None, str]]]) -> RateFile:
    """The file without rows that are in effect at a time at which another row of their prefix is."""
    taken: dict[str, list[tuple[int, int | None, str]]] = defaultdict(list, known)
    rows: list[tuple[int, Rate]] = []
    problems = list(file.problems)
    for line, rate in file.rows:
        spans = taken[rate.prefix]
        other = next((span for span in spans if _overlap(rate.from_ms, rate.until_ms, span)), None)
        if other is None:
            rows.append((line, rate))
            spans.append((rate.from_ms, rate.until_ms, f"line {line}"))
        else:
            what = f"prefix {rate.prefix} has a rate at the same time in {other[2]}"
            problems.append(Problem(file.path, line, 1, what, "end one with `until` before the other begins"))
    return replace(file, rows=tuple(rows), problems=tuple(sorted(problems)))


def _overlap(from_ms: int, until_ms: int | None, span: tuple[int, int | None, str]) -> bool:
    begins_before = until_ms is None or span[0] < until_ms
    return begins_before and (span[1] is None or from_ms < span[1])


async def _existing(
    connection: AsyncConnection, card: RateCard
) -> dict[str, list[tuple[int, int | None, str]]]:
    query = select(rates.c.prefix, rates.c.from_ms, rates.c.until_ms).where(rates.c.card_id == card.id)
    found: dict[str, list[tuple[int, int | None, str]]] = defaultdict(list)
    for prefix, from_ms, until_ms in (tuple(row) for row in await connection.execute(query)):
        found[prefix].append((from_ms, until_ms, "the card"))
    return found
