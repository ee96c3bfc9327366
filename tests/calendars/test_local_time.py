"""Opening hours on the days when clocks are changed, against clocks read every quarter of an hour."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from ringflow.calendars.local_time import LocalTime, end_of_day_ms, passing_ms

STEP = timedelta(minutes=15)

CHANGES = [
    ("Europe/London", "2026-03-29"),
    ("Europe/London", "2026-10-25"),
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    # Half an hour.
    ("Australia/Lord_Howe", "2026-04-05"),
    ("Australia/Lord_Howe", "2026-10-04"),
    # Midnight comes twice, the last hour of a day comes twice, midnight is left out.
    ("America/Havana", "2026-11-01"),
    ("Africa/Cairo", "2026-10-29"),
    ("Asia/Beirut", "2026-03-29"),
    # From 23:30 to 00:30, and a day that never was.
    ("America/Toronto", "1919-03-30"),
    ("Pacific/Apia", "2011-12-30"),
    # Nothing is changed.
    ("Asia/Kathmandu", "2026-03-29"),
]


def walls(zone: ZoneInfo, around: date) -> list[tuple[datetime, datetime]]:
    """Every quarter of an hour of three days: the moment in UTC, and what the clock shows."""
    start = datetime(around.year, around.month, around.day, tzinfo=UTC) - timedelta(days=1, hours=12)
    moments = [start + number * STEP for number in range(3 * 24 * 4)]
    return [(one, one.astimezone(zone).replace(tzinfo=None, fold=0)) for one in moments]


@pytest.mark.parametrize(("name", "day"), CHANGES)
def test_a_time_is_reached_when_it_or_a_later_one_was_shown_and_passed_when_no_earlier_one_follows(
    name: str, day: str
) -> None:
    zone, around = ZoneInfo(name), date.fromisoformat(day)
    shown = walls(zone, around)
    latest: list[datetime] = []
    for _, wall in shown:
        latest.append(max(wall, latest[-1]) if latest else wall)
    earliest: list[datetime] = []
    for _, wall in reversed(shown):
        earliest.append(min(wall, earliest[-1]) if earliest else wall)
    earliest.reverse()
    begin = datetime.combine(around, time()) - timedelta(hours=2)
    for wanted in (begin + number * 2 * STEP for number in range(60)):
        for (moment, _), high, low in zip(shown, latest, earliest, strict=True):
            now = LocalTime(moment, zone)
            assert now.has_reached(wanted) == (high >= wanted), (wanted, moment)
            assert now.has_passed(wanted) == (low >= wanted), (wanted, moment)


@pytest.mark.parametrize(("name", "day"), CHANGES)
def test_a_day_ends_when_it_is_never_shown_again(name: str, day: str) -> None:
    zone, around = ZoneInfo(name), date.fromisoformat(day)
    ends = end_of_day_ms(around, zone)
    last = max((moment for moment, wall in walls(zone, around) if wall.date() <= around))
    assert ends == round((last + STEP).timestamp() * 1000)


def test_a_time_that_comes_twice_has_passed_the_second_time() -> None:
    ends = passing_ms(datetime(2026, 10, 25, 1, 30), ZoneInfo("Europe/London"))
    assert datetime.fromtimestamp(ends / 1000, UTC) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_a_moment_has_the_days_and_the_milliseconds_of_its_own_zone() -> None:
    now = LocalTime.of(datetime(2026, 7, 1, 23, 30, tzinfo=UTC).timestamp(), ZoneInfo("Europe/London"))
    assert (now.day, now.wall) == (date(2026, 7, 2), datetime(2026, 7, 2, 0, 30))
    assert now.wall_ms - now.at_ms == 3_600_000
