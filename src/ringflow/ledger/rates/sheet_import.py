"""Rates from a sheet: every bad row is named by its line, and one bad row keeps all from being applied.

Where the rates stand is worked out in `sheet_layout`, what the columns are in `sheet_columns`, and what their
cells say in `sheet_cells`, `sheet_dates` and `sheet_prefixes`. Ringflow's own
export has the columns `COLUMNS`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor
from ringflow.audit import Verb, note
from ringflow.errors import DocumentError, Problem
from ringflow.ledger.rates.card import Rate, RateCard, lock_card
from ringflow.ledger.rates.column_names import PRICES
from ringflow.ledger.rates.sheet_cells import (
    CellError,
    decimal_mark,
    read_amount,
    read_billing,
    read_destination,
    read_price,
    read_seconds,
    read_status,
)
from ringflow.ledger.rates.sheet_columns import ColumnMap, Header, read_header
from ringflow.ledger.rates.sheet_dates import DAY, LAST_MOMENT_MS, MILLISECOND, order_of_dates, read_period
from ringflow.ledger.rates.sheet_layout import (
    cell_at,
    check_columns,
    check_title,
    choose_sheet,
    from_first_number,
    is_numbered,
    no_header,
    used_width,
    with_country,
)
from ringflow.ledger.rates.sheet_prefixes import joined_prefixes, read_prefixes
from ringflow.sheet_file import Sheet, SheetRow, read_candidates
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
    sheet, head, index = choose_sheet(sheets, given)
    numbered = is_numbered(given)
    rows = [row for row in sheet.rows() if not row.empty]
    row = head[index] if index is not None and not numbered else None
    if row is None and not numbered:
        raise DocumentError([no_header(sheet, head)])
    if row is not None and row.fault:
        raise DocumentError([Problem(sheet.path, row.line, 1, row.fault)])
    width = max((used_width(one) for one in rows if row is None or one.line > row.line), default=0)
    header = read_header(sheet, row, given, width, currency)
    above = [one for one in rows if one.line < header.line]
    below = [one for one in rows if one.line > header.line and one.cells != header.all_names]
    if numbered:
        below = from_first_number(below, header)
    header = with_country(sheet, header, below, given)
    check_title(sheet, above, header, given, currency)
    check_columns(sheet, header, below)
    reading = _Reading(sheet, header, given, currency, country, below)
    good, problems = reading.read(progress or (lambda rows: None))
    file = RateFile(
        str(path), tuple(good), tuple(problems), header, sheet.described, reading.dates, reading.decimal
    )
    return _without_overlaps(file, {})


async def import_rates(
    actor: Actor,
    card: RateCard,
    file: RateFile,
    *,
    replace: bool = False,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> RateFile:
    """Add the file's rows to the card, or put them in place of all its rows, within the caller's transaction.

    Raises `DocumentError` with every problem, unless `skip_bad`; return what was added and what was left out.
    """
    connection = actor.connection
    card = await lock_card(actor, card)
    before = card.rows
    if replace:
        await connection.execute(rates.delete().where(rates.c.card_id == card.rates_id))
    else:
        file = await without_rates_of(connection, card, file)
    if file.problems and not skip_bad:
        raise DocumentError(file.problems)
    for start in range(0, len(file.rows), ROWS_AT_ONCE):
        part = file.rows[start : start + ROWS_AT_ONCE]
        values = [{"card_id": card.rates_id, **asdict(rate)} for _, rate in part]
        await connection.execute(rates.insert(), values)
        if progress:
            progress(len(part))
    after = len(file.rows) if replace else before + len(file.rows)
    facts = {"rows": after, "file": Path(file.path).name, "replaced": replace}
    await note(actor, Verb.IMPORT, f"rate card {card.name}", {"rows": before}, facts)
    return file


async def without_rates_of(connection: AsyncConnection, card: RateCard, file: RateFile) -> RateFile:
    """The file without rows that are in effect when a rate of the card is, too: each is a problem."""
    prefixes = dict.fromkeys(rate.prefix for _, rate in file.rows)
    return _without_overlaps(file, await _existing(connection, card, prefixes))


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
                cells |= {of: value for of, at in self._header.fields.items() if (value := cell_at(row, at))}
                good += [(row.line, rate) for rate in self._rates(cells)]
            except CellError as error:
                place = self._header.fields.get(error.field, -1)
                column = self._sheet.column(row.line, place) if place >= 0 else 1
                problems.append(Problem(self._sheet.path, row.line, column, error.what, error.mend))
        return good, problems

    def _column(self, *fields: str) -> list[str]:
        places = [self._header.fields[of] for of in fields if of in self._header.fields]
        return [cell for row in self._rows for place in places if (cell := cell_at(row, place))]

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
            raise CellError("increment", what, "leave one of the two out: ‹map› ignore=NAME")
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
    connection: AsyncConnection, card: RateCard, prefixes: Collection[str]
) -> dict[str, list[tuple[int, int | None, str]]]:
    """The rates that the card has of these prefixes."""
    found: dict[str, list[tuple[int, int | None, str]]] = defaultdict(list)
    rest = iter(prefixes)
    while some := list(islice(rest, ROWS_AT_ONCE)):
        query = select(rates.c.prefix, rates.c.from_ms, rates.c.until_ms).where(
            rates.c.card_id == card.rates_id, rates.c.prefix.in_(some)
        )
        for prefix, from_ms, until_ms in (tuple(row) for row in await connection.execute(query)):
            found[prefix].append((from_ms, until_ms, "the card"))
    return found
