"""iCalendar texts as entries, and hostile ones refused in bounded time and memory."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ringflow.calendars.entry import Entry, title_at
from ringflow.calendars.icalendar_process import read_icalendar
from ringflow.calendars.local_time import LocalTime
from ringflow.errors import Refused

from .icalendars import CHRISTMAS, calendar, event, hostile

FIRST, LAST = date(2026, 11, 30), date(2029, 11, 30)
HOSTILE = list(hostile())


async def read(*events: str) -> list[tuple[str, str, str]]:
    found = await read_icalendar(calendar(*events), FIRST, LAST)
    return [(one.begins, one.ends, one.title) for one in found]


async def test_a_day_of_every_year_is_an_entry_of_each_year_that_is_read() -> None:
    found = await read_icalendar(CHRISTMAS, FIRST, LAST)
    assert [(one.begins, one.ends, one.title) for one in found] == [
        (f"{year}-12-25", f"{year}-12-25", "Christmas Day") for year in (2026, 2027, 2028)
    ]


async def test_days_times_and_zones_are_kept_apart() -> None:
    assert await read(
        event("DTSTART;VALUE=DATE:20261224", "DTEND;VALUE=DATE:20261227", "SUMMARY:days", uid="a"),
        event("DTSTART:20261210T090000", "DTEND:20261210T120000", "SUMMARY:any clock", uid="b"),
        event("DTSTART;TZID=America/New_York:20261210T090000", "DURATION:PT1H", "SUMMARY:a zone", uid="c"),
        event("DTSTART:20261210T090000Z", "SUMMARY:no time at all", uid="d"),
    ) == [
        ("2026-12-10T09:00", "2026-12-10T12:00", "any clock"),
        ("2026-12-10T14:00Z", "2026-12-10T15:00Z", "a zone"),
        ("2026-12-24", "2026-12-26", "days"),
    ]


async def test_exceptions_changes_and_cancellations_of_what_repeats_count() -> None:
    assert await read(
        event(
            "DTSTART;VALUE=DATE:20261201",
            "RRULE:FREQ=WEEKLY;COUNT=4",
            "EXDATE;VALUE=DATE:20261208",
            "SUMMARY:Tuesday",
        ),
        event("RECURRENCE-ID;VALUE=DATE:20261215", "DTSTART;VALUE=DATE:20261216", "SUMMARY:moved"),
        event("DTSTART;VALUE=DATE:20261224", "STATUS:CANCELLED", "SUMMARY:not at all", uid="b"),
    ) == [
        ("2026-12-01", "2026-12-01", "Tuesday"),
        ("2026-12-16", "2026-12-16", "moved"),
        ("2026-12-22", "2026-12-22", "Tuesday"),
    ]


async def test_a_title_is_one_line_without_control_characters() -> None:
    found = await read(event("DTSTART;VALUE=DATE:20261225", "SUMMARY:No\\nël \u202e\x1b[31m" + "x" * 400))
    assert found[0][2] == ("No ël [31m" + "x" * 400)[:200]


@pytest.mark.parametrize(("name", "raw", "said"), HOSTILE, ids=[one[0] for one in HOSTILE])
async def test_a_hostile_text_is_refused_and_takes_no_more_than_it_may(
    name: str, raw: bytes, said: str
) -> None:
    with pytest.raises(Refused) as raised:
        await read_icalendar(raw, FIRST, LAST, cpu_s=1)
    assert raised.value.code == "calendar.malformed"
    assert re.search(said, str(raised.value)), str(raised.value)


async def test_the_reader_loads_nothing_from_the_folder_that_a_server_runs_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit(3)\n")
    monkeypatch.chdir(tmp_path)
    assert len(await read_icalendar(CHRISTMAS, FIRST, LAST)) == 3


def test_an_entry_without_a_zone_is_what_clocks_show_and_one_with_a_zone_a_moment() -> None:
    noon = LocalTime(datetime(2026, 7, 1, 12, tzinfo=UTC), ZoneInfo("Asia/Tokyo"))

    def entry(hour: int, absolute: bool) -> Entry:
        begins = round(datetime(2026, 7, 1, hour, tzinfo=UTC).timestamp() * 1000)
        return Entry(absolute, begins, begins + 3_600_000, f"{hour} {absolute}")

    covering = [entry(hour, absolute) for hour in (11, 12, 20, 21) for absolute in (True, False)]
    assert [one.title for one in covering if one.covers(noon)] == ["12 True", "21 False"]
    assert title_at(covering, noon) == "12 True"
    assert title_at([], noon) is None
