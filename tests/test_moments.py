"""Moments in a time zone, on the days on which its clocks change too."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from ringflow.cli.moments import moment_ms
from ringflow.cli.values import end_of_day_ms
from ringflow.config import Config, load_config
from ringflow.errors import ConfigError, Refused
from ringflow.forms.json_value import json_value
from ringflow.moments import Moment, Second, iso_in, iso_utc

LONDON = ZoneInfo("Europe/London")
HOUR_MS = 3_600_000


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("in_utc", "in_london"),
    [
        ("2026-03-29T00:59:59.999Z", "2026-03-29T00:59:59.999+00:00"),
        ("2026-03-29T01:00:00.000Z", "2026-03-29T02:00:00.000+01:00"),
        ("2026-10-25T00:30:00.000Z", "2026-10-25T01:30:00.000+01:00"),
        ("2026-10-25T01:30:00.000Z", "2026-10-25T01:30:00.000+00:00"),
    ],
)
def test_a_moment_is_shown_with_the_offset_that_is_in_force_then(in_utc: str, in_london: str) -> None:
    moment = at(in_utc)
    assert iso_in(moment, LONDON) == in_london
    assert iso_utc(moment) == iso_in(moment, UTC) == iso_in(moment, ZoneInfo("UTC")) == in_utc


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-03-29", "2026-03-29T00:00:00Z"),
        ("2026-03-30", "2026-03-29T23:00:00Z"),
        ("2026-03-29T01:30", "2026-03-29T01:30:00Z"),
        ("2026-03-29T02:00", "2026-03-29T01:00:00Z"),
        ("2026-10-25", "2026-10-24T23:00:00Z"),
        ("2026-10-26", "2026-10-26T00:00:00Z"),
        ("2026-10-25T01:30", "2026-10-25T00:30:00Z"),
        ("2026-10-25T01:30+00:00", "2026-10-25T01:30:00Z"),
        ("2026-10-25T01:30Z", "2026-10-25T01:30:00Z"),
        ("2026-07-01T06:00+02:00", "2026-07-01T04:00:00Z"),
    ],
)
def test_a_time_that_people_write_is_in_their_zone_unless_they_write_an_offset(
    monkeypatch: pytest.MonkeyPatch, written: str, meant: str
) -> None:
    monkeypatch.setenv("RINGFLOW_TIMEZONE", "Europe/London")
    assert moment_ms(written, "--since") == at(meant)


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-28", 24), ("2026-03-29", 23), ("2026-10-25", 25), ("2026-07-01", 24)]
)
def test_a_day_is_as_long_as_it_is_in_the_zone(monkeypatch: pytest.MonkeyPatch, day: str, hours: int) -> None:
    monkeypatch.setenv("RINGFLOW_TIMEZONE", "Europe/London")
    ends, begins = end_of_day_ms(day), moment_ms(day, "--since")
    assert ends is not None
    assert begins is not None
    assert ends - begins == hours * HOUR_MS


def test_a_day_after_which_there_is_none_is_refused() -> None:
    with pytest.raises(Refused, match="--expires 9999-12-31 is no day"):
        end_of_day_ms("9999-12-31")


def test_a_moment_is_utc_for_programs_at_any_depth_and_survives_a_copy() -> None:
    row = {"customer": 42, "legs": ({"at": Second(0)}, {"card": "1", "at": copy.deepcopy(Moment(1))})}
    assert json_value(row) == {
        "customer": 42,
        "legs": [{"at": "1970-01-01T00:00:00Z"}, {"card": "1", "at": "1970-01-01T00:00:00.001Z"}],
    }


def test_the_zone_is_utc_unless_told_whatever_the_machines_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert Config().zone == ZoneInfo("UTC")


@pytest.mark.parametrize(
    ("name", "said"),
    [("Europe/Londn", "did you mean `Europe/London`?"), ("Europe", ""), ("../x", ""), ("", ""), ("/etc", "")],
)
def test_what_is_no_time_zone_is_refused(name: str, said: str) -> None:
    with pytest.raises(ConfigError, match="is not a time zone") as caught:
        load_config(environ={"RINGFLOW_TIMEZONE": f'"{name}"'})
    assert said in str(caught.value.problems[0])
