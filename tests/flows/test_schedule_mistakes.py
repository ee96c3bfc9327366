"""Mistakes in schedules and overrides, and exactly what is said about each."""

from __future__ import annotations

import pytest

from ringflow.flows.check import check_flows
from ringflow.flows.load import draft_from_bytes
from ringflow.flows.registry import slot_types
from ringflow.flows.surroundings import Surroundings

from .mistakes import Mistakes

DAYS = "write days such as mon-fri, 2026-12-24, 12-25 or 12-24 to 01-01"
TIMES = "write 09:00-17:30, two as 09:00-12:00, 13:00-17:30, or closed"

MISTAKES = Mistakes()


def mistake(name: str, fields: str, *problems: str) -> None:
    """A schedule with these fields, from line 4 on."""
    lines = "".join(f"    {line}\n" for line in fields.strip("\n").splitlines())
    MISTAKES.add(name, f"app: x\nslots:\n  - slot: schedule\n{lines}", *problems)


mistake(
    "a day that is none",
    """
on: {closed: hangup}
hours:
  mon-fri: 09:00-17:00
  satt: 10:00-12:00
""",
    "f.yaml:7:7: `hours`: `satt` is no day (did you mean `sat`?)",
)
mistake(
    "times in another form",
    """
on: {closed: hangup}
hours:
  mon-fri: 9am-5:30pm
""",
    "f.yaml:6:16: `mon-fri`: `9am-5:30pm` is no range of times (write 09:00-17:30)",
)
mistake(
    "a number for times",
    """
on: {closed: hangup}
hours: {mon-fri: 9}
""",
    "f.yaml:5:22: `mon-fri`: `9` is no range of times (write 09:00-17:30, or closed)",
)
mistake(
    "a day without times",
    """
on: {closed: hangup}
hours:
  mon-fri: 09:00-17:00
  sat:
""",
    "f.yaml:7:7: `sat` has no value (write one, or remove the key; # begins a comment unless in quotes)",
)
mistake(
    "times that overlap",
    """
on: {closed: hangup}
hours: {mon-fri: "09:00-13:00, 12:00-17:00"}
""",
    "f.yaml:5:22: `mon-fri`: 09:00-13:00 and 12:00-17:00 overlap (join them, or end the first one sooner)",
)
mistake(
    "two entries for one day",
    """
on: {closed: hangup}
hours:
  mon-fri: 09:00-17:00
  fri: 09:00-15:00
""",
    "f.yaml:7:12: `mon-fri` has times for fri already (say it in one of them only)",
)
mistake(
    "a date in another order",
    """
on: {holiday: hangup}
holidays: [25.12.2026]
""",
    "f.yaml:5:16: `holidays`: `25.12.2026` is no day "
    "(write year, month, day: 2026-12-25, or 12-25 for every year)",
)
mistake(
    "a holiday that is a day of the week",
    """
on: {holiday: hangup}
holidays:
  - 12-25
  - sun
""",
    "f.yaml:7:9: `holidays`: `sun` is no date (write 2026-12-25, 12-25 or 2026-12-24 to 2026-12-26)",
)
mistake(
    "a day that is not there",
    """
on: {holiday: hangup}
holidays: [{day: 2026-02-29, title: Leap}]
""",
    f"f.yaml:5:22: `day`: there is no day `2026-02-29` ({DAYS})",
)
mistake(
    "a holiday of two kinds",
    """
on: {holiday: hangup}
holidays:
  - {calendar: england, file: england.ics}
""",
    "f.yaml:6:9: `holidays`: calendar and file stand in one entry "
    "(write one of day, calendar and file in each entry)",
)
mistake(
    "a holiday twice",
    """
on: {holiday: hangup}
holidays: [12-25, 2026-12-26, 12-25]
""",
    "f.yaml:5:35: `12-25` stands here twice (remove one of them)",
)
mistake(
    "a file outside of the folder",
    """
on: {holiday: hangup}
holidays: {file: ../secret.ics}
""",
    "f.yaml:5:22: `file` cannot be `../secret.ics` "
    "(name a file in the folder of calendars, such as england.ics)",
)
mistake(
    "a time zone that is none",
    """
on: {closed: hangup}
timezone: Europe/Londn
hours: {mon-fri: 09:00-17:00}
""",
    "f.yaml:5:15: `timezone`: `Europe/Londn` is not a time zone (did you mean `Europe/London`?)",
)
mistake(
    "nothing to decide by",
    "timezone: Europe/London",
    "f.yaml:3:11: it is always open (give `hours`, `periods`, `holidays` or `override`)",
)
mistake(
    "hours that never are",
    """
on: {closed: hangup}
hours: {mon-fri: closed}
""",
    "f.yaml:5:5: it is never open (give times for at least one day)",
)
mistake(
    "a period that is called as an exit",
    """
on: {closed: hangup}
periods:
  closed: {daily: "12:00-13:00"}
""",
    "f.yaml:6:7: `closed` is an exit of every schedule (give the period another name)",
)
mistake(
    "an exit that no period has",
    """
hours: {mon-fri: 09:00-17:00}
periods:
  lunch: {daily: "12:00-13:00"}
on: {closed: hangup, lunhc: hangup}
""",
    "f.yaml:7:26: with these fields, schedule does not end by `lunhc` (its exits: open, closed, lunch)",
)
mistake(
    "an exit without holidays",
    """
hours: {mon-fri: 09:00-17:00}
on: {closed: hangup, holiday: hangup}
""",
    "f.yaml:5:26: with these fields, schedule does not end by `holiday` (its exits: open, closed)",
)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_schedule_is_told_at_its_place(name: str) -> None:
    MISTAKES.assert_told(name)


SCHEDULE = "{slot: schedule, hours: {daily: '09:00-17:00'}, override: office}"
UNTIL = "end_of_day, further_notice, 18:00, 2026-12-26 or 2026-12-26T18:00"
NO_EXIT = "no schedule with `override: office` has the exit `clsed` (did you mean `closed`?)"


def overridden(override: str) -> list[str]:
    texts = {
        "office.yaml": f"app: office\nslots: [{SCHEDULE}]\n",
        "says.yaml": f"app: says\nslots:\n  - slot: override\n{override}",
    }
    drafts = [draft_from_bytes(text.encode(), slot_types(), name) for name, text in texts.items()]
    return [str(problem) for problem in check_flows(drafts, Surroundings())]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (["name: office"], []),
        (["name: office", "state: open", "until: 1800"], []),
        (["name: office", "state: as_usual"], []),
        (["name: offce"], ["says.yaml:4:11: no schedule has `override: offce` (did you mean `office`?)"]),
        (
            ["name: office", "state: clsed"],
            [f"says.yaml:5:12: {NO_EXIT}"],
        ),
        (
            ["name: office", "until: 6pm"],
            [f"says.yaml:5:12: `6pm` is no end (write {UNTIL})"],
        ),
        (
            ["name: office", "state: as_usual", "until: '18:00'"],
            ["says.yaml:6:12: `as_usual` has no end (remove it)"],
        ),
    ],
)
def test_a_mistake_in_an_override_is_told_at_its_place(fields: list[str], said: list[str]) -> None:
    assert overridden("".join(f"    {one}\n" for one in fields)) == said
