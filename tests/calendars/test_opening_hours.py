"""Days and times as people write them, and when they are open."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from ringflow.calendars.day_set import read_dates, read_days
from ringflow.calendars.local_time import LocalTime
from ringflow.calendars.opening_hours import OpeningHours, read_ranges

LONDON = ZoneInfo("Europe/London")


def hours(**written: str) -> OpeningHours:
    return hours_of({days.replace("_", " "): ranges for days, ranges in written.items()})


def hours_of(written: dict[str, str]) -> OpeningHours:
    return OpeningHours.of({read_days(days): read_ranges(ranges) for days, ranges in written.items()})


def is_open(of: OpeningHours, utc: str, zone: str = "Europe/London") -> bool:
    return of.contains(LocalTime(datetime.fromisoformat(utc).replace(tzinfo=UTC), ZoneInfo(zone)))


@pytest.mark.parametrize(
    ("text", "within", "without"),
    [
        ("mon-fri", ["2026-11-30", "2026-12-04"], ["2026-12-05", "2026-12-06"]),
        ("fri-mon", ["2026-12-04", "2026-12-07"], ["2026-12-08"]),
        ("sat, sun", ["2026-12-05", "2026-12-06"], ["2026-12-07"]),
        ("Monday to Wednesday, fri", ["2026-12-01", "2026-12-04"], ["2026-12-03"]),
        ("daily", ["2026-12-03"], []),
        ("2026-12-24", ["2026-12-24"], ["2027-12-24", "2026-12-25"]),
        ("12-24", ["2026-12-24", "2027-12-24"], ["2026-12-25"]),
        ("02-29", ["2028-02-29"], ["2027-03-01", "2027-02-28"]),
        ("2026-12-24 to 2027-01-02", ["2026-12-24", "2027-01-02"], ["2026-12-23", "2027-01-03"]),
        ("12-24 to 01-01", ["2026-12-24", "2026-12-31", "2027-01-01"], ["2026-12-23", "2027-01-02"]),
        ("06-01 to 08-31 mon-fri", ["2026-08-31"], ["2026-08-30", "2026-09-01"]),
        ("06-01 to 08-31 sat", ["2026-08-29"], ["2026-08-31"]),
    ],
)
def test_days_are_read(text: str, within: list[str], without: list[str]) -> None:
    days = read_days(text)
    assert [day for day in within + without if date.fromisoformat(day) in days] == within


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "names no day || write days such as mon-fri, 2026-12-24, 12-25 or 12-24 to 01-01"),
        ("mondy", "`mondy` is no day || did you mean `mon`?"),
        ("mon-", "`` is no day || write mon, tue, wed, thu, fri, sat, sun or daily, or a date"),
        ("weekend", "`weekend` is no day || write sat-sun"),
        ("2", "`2` is no day || write Sunday as sun, and so on"),
        (
            "25.12.2026",
            "`25.12.2026` is no day || write year, month, day: 2026-12-25, or 12-25 for every year",
        ),
        ("2026/1/5", "`2026/1/5` is no day || write 2026-01-05"),
        ("2026-25-12", "there is no day `2026-25-12` || write 2026-12-25 (month before day)"),
        (
            "2026-02-30",
            "there is no day `2026-02-30` || write days such as mon-fri, 2026-12-24, 12-25 or 12-24 to 01-01",
        ),
        ("2026-12-26 to 2026-12-24", "ends before it begins || write 2026-12-24 to 2026-12-26"),
        (
            "2026-12-24 to 01-01",
            "only one of the two dates has a year || give both a year, or neither",
        ),
        ("2026-01-01 to 2099-01-01", "is longer than ten years || leave the years out, or end it sooner"),
    ],
)
def test_what_is_no_day_is_told_with_what_to_write(text: str, what: str) -> None:
    with pytest.raises(ValueError) as raised:
        read_days(text)
    assert str(raised.value) == what


def test_a_holiday_is_a_date() -> None:
    with pytest.raises(ValueError, match=r"`sun` is no date \|\| write 2026-12-25"):
        read_dates("sun")


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("09:00-17:30", ["09:00-17:30"]),
        ("13:00-17:30, 09:00-12:00", ["09:00-12:00", "13:00-17:30"]),
        ("22:00-06:00", ["22:00-06:00"]),
        ("00:00-24:00", ["00:00-24:00"]),
        ("22:00-00:00", ["22:00-24:00"]),
        ("closed", []),
        ("Closed", []),
    ],
)
def test_times_are_read(text: str, ranges: list[str]) -> None:
    assert [str(one) for one in read_ranges(text)] == ranges


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("9-17", "`9-17` is no range of times || write 09:00-17:00"),
        ("9am - 5:30pm", "`9am - 5:30pm` is no range of times || write 09:00-17:30"),
        ("12am-12pm", "`12am-12pm` is no range of times || write 00:00-12:00"),
        ("09:00 to 17:00", "`09:00 to 17:00` is no range of times || write 09:00-17:00"),
        (
            "09:00",
            "`09:00` is no range of times || write 09:00-17:30, two as 09:00-12:00, 13:00-17:30, or closed",
        ),
        (
            "13am-14am",
            "`13am-14am` is no range of times || write 09:00-17:30, two as 09:00-12:00, 13:00-17:30, or closed",  # noqa: E501
        ),
        ("24:00-06:00", "`24:00-06:00` is past the end of the day || the last time is 24:00, as an end"),
        ("09:00-24:30", "`09:00-24:30` is past the end of the day || the last time is 24:00, as an end"),
        ("09:00-09:00", "`09:00-09:00` ends when it begins || for the whole day write 00:00-24:00"),
        (
            "09:00-12:00, 11:00-13:00",
            "09:00-12:00 and 11:00-13:00 overlap || join them, or end the first one sooner",
        ),
        ("20:00-04:00, 03:00-05:00", "20:00-04:00 goes on into 03:00-05:00 of the next day || end it sooner"),
    ],
)  # fmt: skip
def test_what_is_no_range_is_told_with_what_to_write(text: str, what: str) -> None:
    with pytest.raises(ValueError) as raised:
        read_ranges(text)
    assert str(raised.value) == what


def test_the_first_minute_is_open_and_the_last_one_is_closed() -> None:
    office = hours_of({"mon-fri": "09:00-12:00, 13:00-17:00"})
    told = {
        "2026-11-30T08:59:59.999": False,
        "2026-11-30T09:00": True,
        "2026-11-30T11:59:59.999": True,
        "2026-11-30T12:00": False,
        "2026-11-30T13:00": True,
        "2026-11-30T17:00": False,
        "2026-12-05T10:00": False,
    }
    assert {moment: is_open(office, moment) for moment in told} == told


def test_what_begins_in_the_evening_goes_on_after_midnight_and_belongs_to_the_day_before() -> None:
    night = hours_of({"fri": "22:00-06:00"})
    told = {
        "2026-12-04T05:00": False,
        "2026-12-04T22:00": True,
        "2026-12-05T05:59": True,
        "2026-12-05T06:00": False,
        "2026-12-05T23:00": False,
    }
    assert {moment: is_open(night, moment) for moment in told} == told


def test_a_date_has_the_say_over_the_day_of_the_week() -> None:
    office = hours_of(
        {
            "daily": "00:00-24:00",
            "12-20 to 12-31": "10:00-16:00",
            "2026-12-20 to 2026-12-28": "10:00-15:00",
            "12-24": "10:00-14:00",
            "2026-12-24": "10:00-13:00",
            "2026-12-25": "closed",
        }
    )
    last = {day: str(next(iter(office.ranges(date.fromisoformat(day))), "-")) for day in (
        "2026-12-19", "2026-12-23", "2026-12-24", "2026-12-25", "2026-12-29", "2027-12-24",
    )}  # fmt: skip
    assert last == {
        "2026-12-19": "00:00-24:00",
        "2026-12-23": "10:00-15:00",
        "2026-12-24": "10:00-13:00",
        "2026-12-25": "-",
        "2026-12-29": "10:00-16:00",
        "2027-12-24": "10:00-14:00",
    }
    assert office.names_date(date(2026, 12, 24))
    assert not office.names_date(date(2027, 12, 24))


def test_on_the_day_when_an_hour_comes_twice_the_hours_open_once_and_close_once() -> None:
    late = hours_of({"sat": "20:00-01:30"})
    moments = [f"2026-10-25T00:{minute:02d}" for minute in (0, 29, 30, 59)]
    moments += [f"2026-10-25T01:{minute:02d}" for minute in (0, 29, 30)]
    # 00:00 UTC is 01:00 there, and so is 01:00 UTC.
    assert [is_open(late, moment) for moment in moments] == [True] * 6 + [False]
    early = hours_of({"sun": "01:30-05:00"})
    assert [is_open(early, moment) for moment in moments] == [False, False, *[True] * 5]


def test_on_the_day_when_an_hour_is_left_out_the_hours_begin_when_clocks_are_put_forward() -> None:
    early = hours_of({"sun": "01:30-05:00"})
    # 01:00 UTC is when 01:00 becomes 02:00 there.
    told = {"2026-03-29T00:59": False, "2026-03-29T01:00": True, "2026-03-29T03:59": True}
    assert {moment: is_open(early, moment) for moment in told} == told
    never = hours_of({"sun": "01:10-01:50"})
    assert not any(
        is_open(never, f"2026-03-29T{hour:02d}:{minute:02d}") for hour in (0, 1) for minute in range(60)
    )


def test_midnight_that_comes_twice_opens_no_day_twice() -> None:
    saturday = hours_of({"sat": "20:00-24:00"})
    # In Havana 00:00 to 01:00 of 1 November comes twice: 04:00 and 05:00 UTC.
    assert [is_open(saturday, f"2026-11-01T0{hour}:30", "America/Havana") for hour in (3, 4, 5)] == [
        True,
        False,
        False,
    ]
    thursday = hours_of({"thu": "20:00-24:00"})
    # In Cairo 23:00 to 24:00 of 29 October comes twice: 20:00 and 21:00 UTC.
    assert [is_open(thursday, f"2026-10-29T{hour}:30", "Africa/Cairo") for hour in (20, 21, 22)] == [
        True,
        True,
        False,
    ]


def test_a_day_that_has_begun_goes_on_when_clocks_are_put_back_into_the_day_before() -> None:
    sunday = hours_of({"sun": "00:00-06:00"})
    # In St. John's 00:01 of 7 November 2010 became 23:01 of the day before: 02:31 UTC.
    moments = {"2010-11-07T02:29": False, "2010-11-07T02:30": True, "2010-11-07T03:00": True}
    assert {one: is_open(sunday, one, "America/St_Johns") for one in moments} == moments


def test_two_entries_that_both_speak_of_a_day_are_found() -> None:
    def doubles(*days: str) -> list[tuple[int, int, str]]:
        return list(OpeningHours(tuple((read_days(one), ()) for one in days)).doubles())

    assert doubles("mon-fri", "sat", "fri") == [(0, 2, "fri")]
    assert doubles("12-24 to 01-02", "01-01 to 01-06") == [(0, 1, "01-01")]
    assert doubles("2026-12-24 to 2026-12-31", "2026-12-31 to 2027-01-02") == [(0, 1, "12-31")]
    assert doubles("06-01 to 08-31 mon-fri", "06-01 to 08-31 sat") == []
    assert doubles("mon-fri", "2026-12-24", "12-24", "12-20 to 12-26", "2026-12-20 to 2026-12-26") == []
