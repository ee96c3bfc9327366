"""The forms of operators' calendars, their entries, and overrides of opening hours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ringflow.calendars.calendar import Calendar, KeptEntry, trouble
from ringflow.calendars.overrides import Override
from ringflow.moments import Moment


@dataclass(frozen=True, slots=True)
class CalendarForm:
    """A calendar that operators keep. `url` null: by hand."""

    VOLATILE: ClassVar = frozenset({"entry_count", "fresh_at", "tried_at", "trouble", "fetch_problem"})
    """What servers change as they fetch it, and nobody edits."""

    name: str
    url: str | None
    notes: str
    entry_count: int
    fresh_at: Moment | None
    tried_at: Moment | None
    trouble: str | None
    fetch_problem: str | None


@dataclass(frozen=True, slots=True)
class CalendarEntryForm:
    """An entry of a calendar: days, or a time."""

    id: int
    begins: str
    ends: str
    title: str
    by_hand: bool


@dataclass(frozen=True, slots=True)
class HolidayForm:
    """Whether a moment is on holiday by a calendar. `title`: of the entry that it lies in; null: in none."""

    is_holiday: bool
    title: str | None


@dataclass(frozen=True, slots=True)
class OverrideForm:
    """What an operator has said that schedules do. `until_at` null: until further notice."""

    name: str
    chosen_exit: str
    until_at: Moment | None
    operator: str
    notes: str
    said_at: Moment


def calendar_form(calendar: Calendar, now_ms: int, stale_ms: int) -> CalendarForm:
    """Return a calendar as it is shown."""
    return CalendarForm(
        name=calendar.name,
        url=calendar.url,
        notes=calendar.notes,
        entry_count=calendar.entries,
        fresh_at=None if calendar.fetched_ms is None else Moment(calendar.fetched_ms),
        tried_at=Moment(calendar.tried_ms) if calendar.url is not None and calendar.tried_ms else None,
        trouble=trouble(calendar, now_ms, stale_ms) or None,
        fetch_problem=calendar.problem or None,
    )


def calendar_entry_form(one: KeptEntry) -> CalendarEntryForm:
    """Return an entry as it is shown."""
    return CalendarEntryForm(one.id, one.entry.begins, one.entry.ends, one.entry.title, one.by_hand)


def override_form(override: Override) -> OverrideForm:
    """Return an override as it is shown."""
    return OverrideForm(
        name=override.name,
        chosen_exit=override.state,
        until_at=None if override.until_ms is None else Moment(override.until_ms),
        operator=override.operator,
        notes=override.notes,
        said_at=Moment(override.set_ms),
    )
