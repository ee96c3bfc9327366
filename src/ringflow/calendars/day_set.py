"""Days as people write them: `mon-fri`, `2026-12-24`, `12-25` (every year), `06-01 to 08-31 sat`.

Every function that reads text raises ValueError with what is wrong and, after ` || `, what to write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum

from ringflow.wording import nearest, quoted

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALL_WEEKDAYS = frozenset(range(7))
DAILY = "daily"
_FULL_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_BY_NAME = {name: number for names in (WEEKDAYS, _FULL_NAMES) for number, name in enumerate(names)}
_BY_NAME |= {"tues": 1, "thur": 3, "thurs": 3}
_MEANT = dict.fromkeys(("weekend", "weekends"), "sat-sun") | dict.fromkeys(
    ("weekday", "weekdays", "workday", "workdays"), "mon-fri"
)
_DATE = re.compile(r"(?:([0-9]{4})-)?([0-9]{2})-([0-9]{2})", re.ASCII)
_LIKE_A_DATE = re.compile(r"[0-9]+(?:[-./][0-9]+)+\.?", re.ASCII)
_SPAN = re.compile(r"(\S+)(?:\s+(?:to|-|–|until)\s+(\S+))?\s*(.*)", re.ASCII | re.IGNORECASE)
_LEAP_YEAR = 2000
EXAMPLES = "write days such as mon-fri, 2026-12-24, 12-25 or 12-24 to 01-01"


class Kind(IntEnum):
    """What a set of days is, the most particular first: of two that have a day, it has the say."""

    DATE = 1
    YEARLY_DATE = 2
    DATES = 3
    YEARLY_DATES = 4
    WEEKDAYS = 5


@dataclass(frozen=True, slots=True)
class DaySet:
    """The days from `first` to `last`, of which those that are one of the `weekdays` (Monday is 0).

    Each end is (year, month, day), with year 0 in both where it is meant every year; `first` None: any day.
    """

    weekdays: frozenset[int] = ALL_WEEKDAYS
    first: tuple[int, int, int] | None = None
    last: tuple[int, int, int] | None = None

    @property
    def kind(self) -> Kind:
        """How particular it is."""
        if self.first is None:
            return Kind.WEEKDAYS
        if self.first[0]:
            return Kind.DATE if self.first == self.last else Kind.DATES
        return Kind.YEARLY_DATE if self.first == self.last else Kind.YEARLY_DATES

    def __contains__(self, day: date) -> bool:
        if day.weekday() not in self.weekdays:
            return False
        if self.first is None or self.last is None:
            return True
        shown = (day.year if self.first[0] else 0, day.month, day.day)
        if self.first <= self.last:
            return self.first <= shown <= self.last
        return shown >= self.first or shown <= self.last

    def spans(self, first_year: int, last_year: int) -> Iterator[tuple[date, date]]:
        """Yield the first and the last day of each time that its dates come to be.

        Of those without a year, the times that begin in one of these years.
        """
        if self.first is None or self.last is None:
            yield date(first_year, 1, 1), date(last_year, 12, 31)
        elif self.first[0]:
            yield date(*self.first), date(*self.last)
        else:
            for year in range(first_year, last_year + 1):
                begin = _in_year(year, *self.first[1:], later=True)
                end = _in_year(year + (self.last < self.first), *self.last[1:], later=False)
                if begin <= end:
                    yield begin, end

    def meets(self, other: DaySet) -> date | int | None:
        """Return a day that both have (of weekdays its number), where both are of the same kind."""
        weekdays = self.weekdays & other.weekdays
        if self.kind is not other.kind or not weekdays:
            return None
        if self.kind is Kind.WEEKDAYS:
            return min(weekdays)
        return next((day for day in self._some_days() if day in self and day in other), None)

    def _some_days(self) -> Iterator[date]:
        """Every day of it that has a year, of others those of times that begin in a leap year."""
        for begin, end in self.spans(_LEAP_YEAR, _LEAP_YEAR):
            yield from (begin + timedelta(days=more) for more in range((end - begin).days + 1))


MAX_SPAN_DAYS = 3660


def _in_year(year: int, month: int, day: int, *, later: bool) -> date:
    """Return a date of a year; for 29 February where there is none, the day after it or before it."""
    try:
        return date(year, month, day)
    except ValueError:
        return date(year, 3, 1) if later else date(year, 2, 28)


def read_days(text: str) -> DaySet:
    """Return the days that a text names: weekdays, dates, or those weekdays that lie between dates."""
    text = " ".join(text.split())
    if not text:
        raise ValueError(f"names no day || {EXAMPLES}")
    if not text[0].isdigit():
        return DaySet(_read_weekdays(text))
    found = _SPAN.fullmatch(text)
    assert found is not None
    return _span(found[1], found[2], _read_weekdays(found[3]) if found[3] else ALL_WEEKDAYS)


def read_dates(text: str) -> DaySet:
    """Return the days that a text names by dates alone, such as a holiday's."""
    if (found := read_days(text)).first is None:
        raise ValueError(f"{quoted(text)} is no date || write 2026-12-25, 12-25 or 2026-12-24 to 2026-12-26")
    return found


def _span(first: str, last: str | None, weekdays: frozenset[int]) -> DaySet:
    begin = _read_date(first)
    end = _read_date(last) if last is not None else begin
    if (begin[0] == 0) != (end[0] == 0):
        raise ValueError("only one of the two dates has a year || give both a year, or neither")
    if begin[0]:
        length = (date(*end) - date(*begin)).days
        if length < 0:
            raise ValueError(f"ends before it begins || write {last} to {first}")
        if length > MAX_SPAN_DAYS:
            raise ValueError("is longer than ten years || leave the years out, or end it sooner")
    return DaySet(weekdays, begin, end)


def _read_date(text: str) -> tuple[int, int, int]:
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError(f"{quoted(text)} is no day || {_date_meant(text)}")
    year, month, day = int(found[1] or 0), int(found[2]), int(found[3])
    try:
        date(year or _LEAP_YEAR, month, day)
    except ValueError:
        hint = " (month before day)" if month > 12 >= day else ""
        meant = f"write {found[1] + '-' if found[1] else ''}{found[3]}-{found[2]}" if hint else EXAMPLES
        raise ValueError(f"there is no day {quoted(text)} || {meant}{hint}") from None
    return year, month, day


def _date_meant(text: str) -> str:
    """What to write for a date in another order: only where it can be no other day."""
    parts = re.split(r"[-./]", text.rstrip("."))
    if not _LIKE_A_DATE.fullmatch(text):
        return "write Sunday as sun, and so on" if text.isdecimal() else EXAMPLES
    if len(parts) == 3 and len(parts[0]) == 4:
        return f"write {parts[0]}-{int(parts[1]):02d}-{int(parts[2]):02d}"
    return "write year, month, day: 2026-12-25, or 12-25 for every year"


def _read_weekdays(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in filter(None, re.split(r"[,\s]+", re.sub(r"\s*(?:-|–|\bto\b)\s*", "-", text.lower()))):
        begin, dash, end = part.partition("-")
        if part == DAILY:
            found |= ALL_WEEKDAYS
            continue
        first = _weekday(begin)
        last = _weekday(end) if dash else first
        found |= {(first + more) % 7 for more in range((last - first) % 7 + 1)}
    return frozenset(found)


def _weekday(name: str) -> int:
    number = _BY_NAME.get(name)
    if number is not None:
        return number
    if name in _MEANT:
        raise ValueError(f"{quoted(name)} is no day || write {_MEANT[name]}")
    near = nearest(name, [*WEEKDAYS, *_FULL_NAMES, DAILY]) if name else None
    mend = f"did you mean `{_short(near)}`?" if near else f"write {', '.join(WEEKDAYS)} or {DAILY}, or a date"
    raise ValueError(f"{quoted(name)} is no day || {mend}")


def _short(name: str) -> str:
    return name if name == DAILY else name[:3]
