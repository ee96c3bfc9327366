"""Calendars and overrides at the command line: what `check` says about them, and what is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from ringflow.moments import system_now_ms
from ringflow.store import Store
from ringflow.store.calendar_tables import calendars

Run = Callable[..., Any]
FLOW = """\
app: office
slots:
  - slot: schedule
    hours: {daily: "00:00-24:00"}
    holidays: [{calendar: england}, {file: shutdown.csv}]
    override: office
    on: {closed: hangup, holiday: hangup}
"""


@pytest.fixture
def office(ringflow: Run, tmp_path: Path) -> Run:
    """Runs commands beside a flow that names a calendar and a file."""
    (tmp_path / "app_flows").mkdir()
    (tmp_path / "calendars").mkdir()
    (tmp_path / "app_flows" / "office.yaml").write_text(FLOW)
    (tmp_path / "calendars" / "shutdown.csv").write_text("2026-12-24\n")
    (tmp_path / "config.yaml").write_text("calendars: {hosts: [www.gov.uk]}\n")
    return ringflow


def problems(office: Run) -> list[str]:
    lines: list[str] = office("check").err.splitlines()
    return [line for line in lines if line.startswith("app_flows")]


def keep(**values: Any) -> None:
    async def change() -> None:
        store = await Store.open("sqlite:///.ringflow/ringflow.db")
        async with store.writing() as connection:
            await connection.execute(update(calendars).values(**values))
        await store.close()

    asyncio.run(change())


def test_check_knows_the_calendars_of_the_database_and_of_the_folder(office: Run, tmp_path: Path) -> None:
    assert problems(office) == ["app_flows/office.yaml:5:16: there is no calendar `england` (add it first)"]
    office("calendar", "add", "wales")
    assert problems(office) == [
        "app_flows/office.yaml:5:16: there is no calendar `england`; there are: wales (add it first)"
    ]
    office("calendar", "add", "england")
    assert problems(office) == []
    (tmp_path / "calendars" / "shutdown.csv").write_text("Christmas 2026\n")
    (line,) = problems(office)
    assert line.startswith("app_flows/office.yaml:5:37: calendar file shutdown.csv: shutdown.csv:1:1: ")
    # Where there is no database nobody knows which calendars there are.
    Path(".ringflow/ringflow.db").unlink()
    (tmp_path / "calendars" / "shutdown.csv").unlink()
    (line,) = problems(office)
    assert "shutdown.csv: No such file" in line


def test_check_says_that_a_calendar_is_stale_and_why(office: Run) -> None:
    office("calendar", "add", "england", "--url", "https://www.gov.uk/a.ics")
    assert problems(office) == []
    keep(problem="it answers 500")
    what = "it was never fetched: it answers 500 (look at its URL, and fetch it again)"
    assert problems(office) == [f"app_flows/office.yaml:5:16: calendar `england`: {what}"]
    keep(fetched_ms=system_now_ms() - 3 * 86_400_000)
    assert "its last good copy is 3 days old: it answers 500" in problems(office)[0]
    keep(fetched_ms=system_now_ms())
    assert problems(office) == []


def test_an_override_of_no_schedule_and_an_exit_of_none_are_refused_with_those_there_are(office: Run) -> None:
    said = office("override", "set", "offic", "closed")
    assert (said.code, said.err) == (
        1,
        "ringflow: no schedule has `override: offic`; did you mean `office`?\n",
    )
    said = office("override", "set", "office", "shut", "--json")
    assert json.loads(said.err)["fields"] == {
        "name": "office",
        "exit": "shut",
        "exits": ["closed", "holiday", "open"],
    }


def test_an_override_ends_with_the_day_of_the_schedules_own_zone(office: Run, tmp_path: Path) -> None:
    flow = tmp_path / "app_flows" / "office.yaml"
    flow.write_text(FLOW.replace("slot: schedule", "slot: schedule\n    timezone: Pacific/Auckland"))
    made = office("override", "set", "office", "closed", "--json", RINGFLOW_TIMEZONE="Europe/London").json
    assert made["until_at"][11:] in ("11:00:00.000Z", "12:00:00.000Z")
    (tmp_path / "app_flows" / "branch.yaml").write_text(FLOW.replace("app: office", "app: branch"))
    said = office("override", "set", "office", "closed")
    assert (said.code, "in several time zones (Pacific/Auckland, UTC)" in said.err) == (1, True)


def test_a_day_that_is_none_and_a_file_that_is_not_there_are_told(office: Run) -> None:
    office("calendar", "add", "england")
    said = office("calendar", "add-days", "england", "24.12.2026")
    assert said.err == "ringflow: 24.12.2026 is no day; write one such as 2026-12-25\n"
    said = office("calendar", "import", "england", "none.ics")
    assert (said.code, "none.ics cannot be read: No such file" in said.err) == (2, True)
    said = office("calendar", "show", "wales")
    assert (
        said.err == "ringflow: calendar wales does not exist; `ringflow calendar list` shows those that do\n"
    )
