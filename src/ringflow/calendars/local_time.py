"""A moment as the clocks of a time zone show it, and what they have shown before and will show after it.

On two days of the year a clock on the wall is no measure: it leaves an hour out, or shows one twice. Opening
hours are understood so that they are open whenever the clock shows one of their times, and open and close
once: an end that comes twice closes the second time, a beginning that comes twice opens the first time, and
one that is left out opens or closes when the clock is put forward.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

DAY_MS = 86_400_000
_MOMENT = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LocalTime:
    """A moment in a zone. `at` is in UTC."""

    at: datetime
    zone: tzinfo

    @classmethod
    def of(cls, seconds: float, zone: tzinfo) -> LocalTime:
        """Return the moment that is so many seconds after 1970 UTC."""
        return cls(_EPOCH + timedelta(seconds=seconds), zone)

    @property
    def wall(self) -> datetime:
        """What the zone's clocks show, without a zone."""
        return self.at.astimezone(self.zone).replace(tzinfo=None, fold=0)

    @property
    def day(self) -> date:
        """The day there."""
        return self.wall.date()

    @property
    def at_ms(self) -> int:
        """Milliseconds since 1970 UTC."""
        return (self.at - _EPOCH) // timedelta(milliseconds=1)

    @property
    def wall_ms(self) -> int:
        """What the clocks show, in milliseconds since they showed 1970."""
        return (self.wall - _EPOCH.replace(tzinfo=None)) // timedelta(milliseconds=1)

    def has_reached(self, wall: datetime) -> bool:
        """Whether the clocks have shown this time already, or a later one."""
        if _comes_twice(wall, self.zone):
            return self.at >= wall.replace(tzinfo=self.zone, fold=0).astimezone(UTC)
        return self.wall >= wall

    def has_passed(self, wall: datetime) -> bool:
        """Whether the clocks will never again show a time before this one."""
        last = wall - _MOMENT
        if _comes_twice(last, self.zone):
            return self.at > last.replace(tzinfo=self.zone, fold=1).astimezone(UTC)
        return self.wall >= wall


def end_of_day_ms(day: date, zone: tzinfo) -> int:
    """Return the moment from which the clocks of a zone never show this day again, in ms since 1970."""
    return passing_ms(datetime.combine(day + timedelta(days=1), time()), zone)


def passing_ms(wall: datetime, zone: tzinfo) -> int:
    """Return the first moment, in ms since 1970, at which `wall` has passed: see `LocalTime.has_passed`."""
    middle = (wall - _EPOCH.replace(tzinfo=None)) // timedelta(milliseconds=1)
    # No zone is or was further than a day from UTC.
    earliest, latest = middle - DAY_MS, middle + DAY_MS
    moments = range(earliest, latest + 1)
    return moments[bisect_left(moments, True, key=lambda ms: LocalTime.of(ms / 1000, zone).has_passed(wall))]


def _comes_twice(wall: datetime, zone: tzinfo) -> bool:
    first, second = (wall.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    assert first is not None
    assert second is not None
    return first > second
