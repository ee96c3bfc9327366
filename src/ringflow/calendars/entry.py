"""An entry of a calendar: a day, several, or some hours, with a title."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from ringflow.calendars.local_time import LocalTime

DAY_MS = 86_400_000
MAX_TITLE = 200
MAX_ENTRIES = 5000
"""Of one calendar: more than one a day for the years that are read ahead."""
EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Entry:
    """From `begins_ms` until before `ends_ms`, milliseconds since 1970: in UTC where it is `absolute`.

    Otherwise they are what clocks show in the zone of whoever asks.
    """

    absolute: bool
    begins_ms: int
    ends_ms: int
    title: str = ""

    def covers(self, now: LocalTime) -> bool:
        """Whether the moment lies in it."""
        return self.begins_ms <= (now.at_ms if self.absolute else now.wall_ms) < self.ends_ms

    @property
    def begins(self) -> str:
        """Its beginning as people read it: see `shown`."""
        return shown(self.begins_ms, absolute=self.absolute)

    @property
    def ends(self) -> str:
        """Its end as people read it: of days the last one."""
        is_day = not self.absolute and self.ends_ms % DAY_MS == 0 and self.begins_ms % DAY_MS == 0
        return shown(self.ends_ms - DAY_MS if is_day else self.ends_ms, absolute=self.absolute)


def of_days(first: date, last: date, title: str = "") -> Entry:
    """Return the entry of whole days, from the first to the last."""
    begin, end = (datetime.combine(day, time()) for day in (first, last + timedelta(days=1)))
    return Entry(False, _ms(begin), _ms(end), short_title(title))


def short_title(title: str) -> str:
    """Return a title as it is kept: on one line, without control characters, at most `MAX_TITLE` long."""
    return "".join(one for one in " ".join(title.split()) if one.isprintable())[:MAX_TITLE]


def shown(moment_ms: int, *, absolute: bool) -> str:
    """Return `2026-12-25`, `2026-12-24T12:00` for a time on any clock, `2026-12-24T12:00Z` for one in UTC."""
    moment = EPOCH + timedelta(milliseconds=moment_ms)
    if absolute:
        return f"{moment.isoformat(timespec='minutes')}Z"
    return moment.date().isoformat() if moment.time() == time() else moment.isoformat(timespec="minutes")


def title_at(entries: Iterable[Entry], now: LocalTime) -> str | None:
    """Return the title of the first entry in which the moment lies; None where it lies in none."""
    covering = (one for one in entries if one.covers(now))
    found = min(covering, key=lambda one: (one.begins_ms, one.title), default=None)
    return None if found is None else found.title


def _ms(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)
