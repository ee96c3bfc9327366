"""Moments: milliseconds since 1970 UTC as rows of the database have them, and their text in a time zone."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import time as time_of_day
from typing import ClassVar

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def system_now_ms() -> int:
    """Milliseconds since 1970 UTC by the machine's clock."""
    return time.time_ns() // 1_000_000


def iso_utc(moment_ms: int, timespec: str = "milliseconds") -> str:
    """A moment such as `2026-07-01T06:00:00.000Z` (ISO 8601); `timespec` as for `datetime.isoformat`."""
    moment = EPOCH + timedelta(milliseconds=moment_ms)
    return moment.isoformat(timespec=timespec).replace("+00:00", "Z")


def iso_in(moment_ms: int, zone: tzinfo, timespec: str = "milliseconds") -> str:
    """The same as a clock in the zone shows it, with its offset then: `2026-07-01T07:00:00.000+01:00`."""
    return iso_of((EPOCH + timedelta(milliseconds=moment_ms)).astimezone(zone), timespec)


def iso_of(moment: datetime, timespec: str = "milliseconds") -> str:
    """The same of a moment in its own zone."""
    zone, text = moment.tzinfo, moment.isoformat(timespec=timespec)
    return f"{text[:-6]}Z" if zone is UTC or getattr(zone, "key", "") == "UTC" else text


def ms_in(moment: datetime, zone: tzinfo) -> int:
    """Milliseconds since 1970 of a moment, which is one of the zone where it names no offset.

    Of an hour that comes twice, at the end of summer time, it is the first; one that is left out at its
    beginning is counted on from before.
    """
    return round((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp() * 1000)


class Moment(int):
    """Milliseconds since 1970 that are printed as a time: in UTC for programs, by `shown_in` for people."""

    timespec: ClassVar[str] = "milliseconds"

    def shown_in(self, zone: tzinfo) -> str:
        """RFC 3339 in the zone, with its offset."""
        return iso_in(self, zone, self.timespec)

    def __str__(self) -> str:
        return iso_utc(self, self.timespec)


class Second(Moment):
    """A moment that is printed without a fraction of a second."""

    timespec: ClassVar[str] = "seconds"


class UtcSecond(Second):
    """A moment that people read in UTC too, such as the beginning of a rate."""

    def shown_in(self, zone: tzinfo) -> str:
        """RFC 3339 in UTC."""
        return str(self)


def second(time_ms: int | None) -> Second | None:
    """Return a moment that is printed in whole seconds."""
    return None if time_ms is None else Second(time_ms)


def last_day_end_ms(day: date, zone: tzinfo) -> int:
    """Return the first moment after a day in the zone, in ms since 1970, which `last_day` shows as the day.

    Raises `OverflowError` for the last day that there is.
    """
    return ms_in(datetime.combine(day + timedelta(days=1), time_of_day()), zone)


def last_day(expires_ms: int | None, zone: tzinfo) -> str | None:
    """Return the last day in the zone before this moment, such as `2027-12-31`.

    A moment that is not the end of a day there is returned as a time.
    """
    if expires_ms is None:
        return None
    end = (EPOCH + timedelta(milliseconds=expires_ms)).astimezone(zone)
    if end.time() != time_of_day():
        return str(Second(expires_ms))
    return (end.date() - timedelta(days=1)).isoformat()
