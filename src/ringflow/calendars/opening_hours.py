"""Opening hours: which times of day count on which days, and whether a moment lies within them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import combinations, pairwise

from ringflow.calendars.day_set import WEEKDAYS, DaySet, Kind
from ringflow.calendars.local_time import LocalTime
from ringflow.wording import quoted

CLOSED = "closed"
DAY_MINUTES = 24 * 60
_TIME = r"([0-9]{1,2})(?:[:.h]([0-9]{2}))? ?(am|pm|a\.m\.|p\.m\.)?"
_RANGE = re.compile(rf"{_TIME} ?(?:-|–|to|until) ?{_TIME}", re.ASCII | re.IGNORECASE)
_STRICT = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])", re.ASCII)
_EXAMPLE = "write 09:00-17:30, two as 09:00-12:00, 13:00-17:30, or closed"


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From one minute of a day until before another, which is past 1440 where it is one of the next day."""

    begin: int
    end: int

    def __str__(self) -> str:
        return (
            f"{_clock(self.begin)}-{_clock(self.end - DAY_MINUTES if self.end > DAY_MINUTES else self.end)}"
        )

    def holds(self, day: date, now: LocalTime) -> bool:
        """Whether the moment lies in the range that begins on this day."""
        midnight = datetime.combine(day, time())
        begins, ends = (midnight + timedelta(minutes=minutes) for minutes in (self.begin, self.end))
        return now.has_reached(begins) and not now.has_passed(ends)


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """For sets of days the ranges that count on them; none: closed then.

    Of the sets that have a day only the most particular kind counts, so that a date has the say over the day
    of the week.
    """

    entries: tuple[tuple[DaySet, tuple[TimeRange, ...]], ...]

    @classmethod
    def of(cls, written: Mapping[DaySet, tuple[TimeRange, ...]]) -> OpeningHours:
        """Return the hours of a mapping."""
        return cls(tuple(written.items()))

    def contains(self, now: LocalTime) -> bool:
        """Whether the moment lies within them; also within what began the evening before."""
        today = now.day
        # Where clocks are put back across midnight, the day that is shown comes after its own next one.
        days = (today - timedelta(days=1), today, today + timedelta(days=1))
        return any(one.holds(day, now) for day in days for one in self.ranges(day))

    def ranges(self, day: date) -> tuple[TimeRange, ...]:
        """Return the ranges that begin on a day."""
        fitting = [(days.kind, ranges) for days, ranges in self.entries if day in days]
        first = min((kind for kind, _ in fitting), default=None)
        return tuple(one for kind, ranges in fitting if kind is first for one in ranges)

    def names_date(self, day: date) -> bool:
        """Whether an entry is for this very date, with its year."""
        return any(days.kind is Kind.DATE and day in days for days, _ in self.entries)

    def doubles(self) -> Iterator[tuple[int, int, str]]:
        """Yield entries, by their places, that both speak of a day, and the day: which of them counts?"""
        for (first, (days, _)), (second, (others, _)) in combinations(enumerate(self.entries), 2):
            day = days.meets(others)
            if day is not None:
                yield first, second, WEEKDAYS[day] if isinstance(day, int) else day.strftime("%m-%d")


def read_ranges(text: str) -> tuple[TimeRange, ...]:
    """Return the ranges of a text such as `09:00-12:00, 13:00-17:30`; none for `closed`.

    Raises ValueError with what is wrong, and what to write.
    """
    if text.strip().lower() == CLOSED:
        return ()
    parts = [part.strip() for part in text.split(",")]
    found = sorted((_read_range(part) for part in parts), key=lambda one: one.begin)
    for one, next_one in pairwise(found):
        if one.end > next_one.begin:
            raise ValueError(f"{one} and {next_one} overlap || join them, or end the first one sooner")
    if found and found[-1].end - DAY_MINUTES > found[0].begin:
        raise ValueError(f"{found[-1]} goes on into {found[0]} of the next day || end it sooner")
    return tuple(found)


def _read_range(text: str) -> TimeRange:
    begin, dash, end = text.partition("-")
    first, last = _STRICT.fullmatch(begin.strip()), _STRICT.fullmatch(end.strip())
    if not (dash and first and last):
        raise ValueError(f"{quoted(text)} is no range of times || {_range_meant(text)}")
    begins, ends = (int(one[1]) * 60 + int(one[2]) for one in (first, last))
    if begins >= DAY_MINUTES or ends > DAY_MINUTES:
        raise ValueError(f"{quoted(text)} is past the end of the day || the last time is 24:00, as an end")
    if begins == ends:
        raise ValueError(f"{quoted(text)} ends when it begins || for the whole day write 00:00-24:00")
    return TimeRange(begins, ends if ends > begins else ends + DAY_MINUTES)


def _range_meant(text: str) -> str:
    found = _RANGE.fullmatch(text)
    times = [_minutes(*found.groups()[at : at + 3]) for at in (0, 3)] if found else [None]
    known = [one for one in times if one is not None]
    return f"write {_clock(known[0])}-{_clock(known[1])}" if len(known) == 2 else _EXAMPLE


def _minutes(hours: str, minutes: str | None, half: str | None) -> int | None:
    hour, minute = int(hours), int(minutes or 0)
    if half is not None:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half.lower().startswith("p") else 0)
    return hour * 60 + minute if minute < 60 and hour * 60 + minute <= DAY_MINUTES else None


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
