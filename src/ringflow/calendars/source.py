"""The text that a calendar's entries are read from, and how far ahead."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import PurePath
from typing import Literal, TypeAlias

from ringflow.calendars.day_list import read_day_list
from ringflow.calendars.entry import Entry
from ringflow.calendars.icalendar_process import read_icalendar

SourceForm: TypeAlias = Literal["ics", "days"]
BEFORE = timedelta(days=7)
AHEAD = timedelta(days=1100)
"""Three years: what repeats without end is known for so long, and longer with each reading."""
READ_AGAIN_MS = 30 * 86_400_000


def form_of(name: str) -> SourceForm:
    """Return the form that a file's name tells of."""
    return "ics" if PurePath(name).suffix.lower() in (".ics", ".ical", ".ifb") else "days"


def window(now_ms: int) -> tuple[date, date]:
    """Return the first and the last day that are read."""
    today = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=now_ms)).date()
    return today - BEFORE, today + AHEAD


async def read_source(raw: bytes, form: SourceForm, name: str, now_ms: int) -> list[Entry]:
    """Return the entries of a text around now. Raises `Refused`, or `DocumentError` for a list of days."""
    first, last = window(now_ms)
    if form == "ics":
        return await read_icalendar(raw, first, last)
    return read_day_list(raw, name, first, last)


def failure_text(error: Exception) -> str:
    """Return an error as it is kept beside a calendar: on one line, not too long."""
    return " ".join(str(error).split())[:500]
