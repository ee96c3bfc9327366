"""Rates from a CSV file: every bad row is named by its line, and one bad row keeps all from being applied.

Each line is a row: a quote that is left open spoils its own line and none below it.

The first line names the columns: `prefix` (the beginning of E.164 numbers, with or without an international
prefix before it) and `price` (for a minute), and any of `connection`, `minimum`,
`increment` and `grace` (seconds), `from` and `until` (`2026-07-01` or `2026-07-01T06:00:00Z`; UTC).
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.audit import Act, note
from ringflow.errors import DocumentError, Problem, Refused
from ringflow.ledger.rate_card import Rate, RateCard, get_card
from ringflow.ledger.rate_prefix import rate_prefix
from ringflow.moments import EPOCH
from ringflow.money import MICRO_DIGITS, AmountError, parse_amount
from ringflow.store.ledger_tables import rate_cards, rates

COLUMNS = ("prefix", "price", "connection", "minimum", "increment", "grace", "from", "until")
NEEDED = ("prefix", "price")
MAX_SECONDS = 86_400
MILLISECOND = timedelta(milliseconds=1)
LAST_MOMENT_MS = 253_402_300_799_000
"""9999-12-31T23:59:59Z: no later moment can be shown as a date."""

ROWS_AT_ONCE = 5000

Progress = Callable[[int], None]
"""Told how many rows have been done since it was last told."""


@dataclass(frozen=True, slots=True)
class RateFile:
    """A file that was read: its good rows with their lines, and what is wrong with the others."""

    path: str
    rows: tuple[tuple[int, Rate], ...]
    problems: tuple[Problem, ...]


def read_rates(path: Path, currency: str, country: str, progress: Progress | None = None) -> RateFile:
    """Read a CSV file. Raises `DocumentError` for one that cannot be read as a whole.

    `country` is a two-letter code (ISO 3166-1), whose international prefix may stand before prefixes.
    """
    name = str(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DocumentError([Problem(name, 0, 0, f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise DocumentError([Problem(name, 0, 0, "is not UTF-8", "save it as CSV in UTF-8")]) from error
    lines = text.removesuffix("\n").split("\n")
    rows, problems = _read_rows(name, lines, currency, country, progress or (lambda rows: None))
    return _without_overlaps(RateFile(name, tuple(rows), tuple(problems)), {})


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
    # The new revision also locks the card: two imports at once cannot overlap unseen.
    newer = rate_cards.update().where(rate_cards.c.id == card.id)
    await connection.execute(newer.values(revision=rate_cards.c.revision + 1))
    before = (await get_card(connection, card.name)).rows
    if replace:
        await connection.execute(rates.delete().where(rates.c.card_id == card.id))
    else:
        file = _without_overlaps(file, await _existing(connection, card))
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


def _read_rows(
    path: str, lines: Sequence[str], currency: str, country: str, progress: Progress
) -> tuple[list[tuple[int, Rate]], list[Problem]]:
    columns = _columns(path, lines[0])
    rows: list[tuple[int, Rate]] = []
    problems: list[Problem] = []
    for number, line in enumerate(lines[1:], start=2):
        progress(1)
        try:
            cells = _cells(line)
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(columns):
                raise ValueError(f"the first line names {len(columns)} columns, and here are {len(cells)}")
            rows.append((number, _rate(dict(zip(columns, cells, strict=True)), currency, country)))
        except ValueError as error:
            problems.append(Problem(path, number, 1, str(error)))
    return rows, problems


def _cells(line: str) -> list[str]:
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error as error:
        raise ValueError(f"is not CSV: {error}") from None


def _columns(path: str, first: str) -> list[str]:
    try:
        columns = [cell.strip().lower() for cell in _cells(first)]
    except ValueError as error:
        raise DocumentError([Problem(path, 1, 1, str(error))]) from error
    mend = f"known: {', '.join(COLUMNS)}"
    problems = [
        Problem(path, 1, 1, f"unknown column `{one[:32]}`", mend) for one in columns if one not in COLUMNS
    ]
    problems += [
        Problem(path, 1, 1, f"the column `{one}` is missing", mend) for one in NEEDED if one not in columns
    ]
    if len(set(columns)) < len(columns):
        problems.append(Problem(path, 1, 1, "a column stands here twice"))
    if problems:
        raise DocumentError(problems)
    return columns


def _rate(cells: dict[str, str], currency: str, country: str) -> Rate:
    try:
        prefix = rate_prefix(cells["prefix"].strip(), country)
    except Refused as error:
        raise ValueError(str(error)) from None
    from_ms, until_ms = _date_ms(cells, "from"), _date_ms(cells, "until")
    if until_ms is not None and until_ms <= (from_ms or 0):
        raise ValueError("`until` is not after `from`")
    return Rate(
        prefix=prefix,
        price_micros=_price(cells, "price", currency),
        connection_micros=_price(cells, "connection", currency),
        minimum_s=_seconds(cells, "minimum", 1, 1),
        increment_s=_seconds(cells, "increment", 1, 1),
        grace_s=_seconds(cells, "grace", 0, 0),
        from_ms=from_ms or 0,
        until_ms=until_ms,
    )


def _price(cells: dict[str, str], name: str, currency: str) -> int:
    text = cells.get(name, "").strip()
    if not text and name not in NEEDED:
        return 0
    try:
        return parse_amount(text, currency, decimals=MICRO_DIGITS)
    except AmountError as error:
        raise ValueError(f"{name}: {error}") from None


def _seconds(cells: dict[str, str], name: str, otherwise: int, lowest: int) -> int:
    text = cells.get(name, "").strip()
    if not text:
        return otherwise
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and lowest <= int(text) <= MAX_SECONDS):
        raise ValueError(f"{name} `{text[:32]}`: write whole seconds from {lowest} to {MAX_SECONDS}")
    return int(text)


def _date_ms(cells: dict[str, str], name: str) -> int | None:
    text = cells.get(name, "").strip()
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{name} `{text[:32]}`: write a date such as 2026-07-01") from None
    moment_ms = ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH) // MILLISECOND
    if not 0 <= moment_ms <= LAST_MOMENT_MS:
        raise ValueError(f"{name} `{text[:32]}`: write a date from 1970 to 9999, in UTC")
    return moment_ms


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
    return RateFile(file.path, tuple(rows), tuple(sorted(problems)))


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
