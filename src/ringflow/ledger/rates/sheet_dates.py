"""The dates in the cells of a rate sheet, in whichever order of day and month the sheet is clear about."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from ringflow.ledger.rates.sheet_cells import CellError
from ringflow.moments import EPOCH
from ringflow.wording import quoted

LAST_MOMENT_MS = 253_402_300_799_000
"""9999-12-31T23:59:59Z: no later moment can be shown as a date."""

MILLISECOND = timedelta(milliseconds=1)

DAY = timedelta(days=1)

_CLOCK = r"(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.0+)?)?(?: ?([AaPp])\.?[Mm]\.?)?)?"

_YEAR_FIRST = re.compile(r"(\d{4})([/.])(\d{1,2})\2(\d{1,2})" + _CLOCK)

_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})" + _CLOCK)

_DAY_MONTH = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[- /.]*([A-Za-z]{3,9})\.?[- /.,]*(\d{4}|\d{2})" + _CLOCK)

_MONTH_DAY = re.compile(r"([A-Za-z]{3,9})\.?[- /.]*(\d{1,2})(?:st|nd|rd|th)?[- /,]+(\d{4})" + _CLOCK)

_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)

_CENTURY = 2000

_PLAUSIBLE = 2015


@dataclass(frozen=True, slots=True)
class Period:
    """A day, whole, or a moment (`exact`); in milliseconds since 1970."""

    start_ms: int
    exact: bool


def read_period(text: str, field: str, dates: str) -> Period | None:
    """A date as people and spreadsheets write it, in UTC; None where nothing is written.

    `dates`: `dmy`, `mdy` or `ymd`, for what can be read in several ways.
    """
    if not text:
        return None
    moment, exact = _moment(text.removeprefix("'"), field, dates)
    moment_ms = ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH) // MILLISECOND
    if not 0 <= moment_ms <= LAST_MOMENT_MS:
        raise CellError(field, f"{field} {quoted(text)}: write a date from 1970 to 9999, in UTC")
    return Period(moment_ms, exact)


def order_of_dates(texts: Iterable[str]) -> str:
    """Which order the days of a column prove together: `dmy`, `mdy`, or nothing where none or both do."""
    proven = set()
    for text in texts:
        match = _YEAR_LAST.fullmatch(text)
        if match is not None and len(match[4]) == len("2026"):
            first, second = int(match[1]), int(match[3])
            if first > 12 >= second:
                proven.add("dmy")
            elif second > 12 >= first:
                proven.add("mdy")
    return proven.pop() if len(proven) == 1 else ""


def _moment(text: str, field: str, dates: str) -> tuple[datetime, bool]:
    if re.match(r"\d{4}-?\d{2}-?\d{2}", text):
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            pass
        else:
            return moment, moment.tzinfo is not None or moment.time() != datetime.min.time()
    for pattern, read in ((_YEAR_FIRST, _year_first), (_DAY_MONTH, _day_month), (_MONTH_DAY, _month_day)):
        match = pattern.fullmatch(text)
        if match is not None and (day := read(match)) is not None:
            return _at(match, day, text, field)
    match = _YEAR_LAST.fullmatch(text)
    if match is not None:
        return _at(match, _year_last(match, text, field, dates), text, field)
    mend = "write a date such as 2026-07-01"
    if re.fullmatch(r"[0-9]{5}(\.[0-9]+)?", text):
        mend = "a spreadsheet has written a day's number: format the column as dates, such as 2026-07-01"
    raise CellError(field, f"{field} {quoted(text)}: {mend}")


def _year_last(match: re.Match[str], text: str, field: str, dates: str) -> date:
    first, second, third = int(match[1]), int(match[3]), _year(match[4])
    short = len(match[4]) == len("26")
    readings = {"dmy": _day(third, second, first), "mdy": _day(third, first, second)}
    if short:
        readings["ymd"] = _day(_CENTURY + first, second, int(match[4]))
    elif match[2] == "." and not dates:
        dates = "dmy"  # nobody writes the month first with points
    possible = sorted({day for day in readings.values() if day is not None})
    if dates in readings:
        possible = [day for day in (readings[dates],) if day is not None]
    if len(possible) > 1:
        listed = " or ".join(f"{day.day} {_MONTHS[day.month - 1].title()} {day.year}" for day in possible)
        raise CellError(
            field,
            f"{field} {quoted(text)}: is it {listed}?",
            "say it: ‹dates› dmy for the day first, mdy for the month first" + (", ymd" if short else ""),
        )
    if not possible:
        raise CellError(field, f"{field} {quoted(text)} is no date" + (f" as {dates}" if dates else ""))
    return possible[0]


def _year_first(match: re.Match[str]) -> date | None:
    return _day(int(match[1]), int(match[3]), int(match[4]))


def _day_month(match: re.Match[str]) -> date | None:
    year = _year(match[3])
    if len(match[3]) == len("26") and year < _PLAUSIBLE:
        return None  # 26-Jul-01 may be of 2026
    return _day(year, _month(match[2]), int(match[1]))


def _month_day(match: re.Match[str]) -> date | None:
    return _day(int(match[3]), _month(match[1]), int(match[2]))


def _month(name: str) -> int:
    name = name.lower()
    return next((number for number, one in enumerate(_MONTHS, start=1) if one.startswith(name)), 0)


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else _CENTURY + int(text)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _at(match: re.Match[str], day: date, text: str, field: str) -> tuple[datetime, bool]:
    hour, minute, second, half = match.groups()[-4:]
    if hour is None:
        return datetime.combine(day, datetime.min.time()), False
    hours = int(hour) if half is None else int(hour) % 12 + (12 if half in "pP" else 0)
    try:
        moment = datetime(day.year, day.month, day.day, hours, int(minute), int(second or 0))
    except ValueError:
        raise CellError(field, f"{field} {quoted(text)} is no time of a day") from None
    return moment, moment.time() != datetime.min.time()
