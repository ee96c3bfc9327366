"""Slot `schedule`: where the call goes on depends on the day and the time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, ClassVar, TypeAlias

from pydantic import Field

from ringflow.calendars.day_set import read_dates
from ringflow.calendars.opening_hours import OpeningHours
from ringflow.config import TimeZone
from ringflow.flows.exit_rules import Condition, ExitRule, each_key, either, given
from ringflow.flows.hours_field import HolidaysField, HoursField, double_days, opening_hours
from ringflow.flows.slot import STATE_PATTERN, FieldProblem, OwnExits, Slot, SlotGroup, VariableName
from ringflow.plain_text import plain

if TYPE_CHECKING:
    from ringflow.calendars.local_time import LocalTime
    from ringflow.calls.call import Call

OPEN, CLOSED, HOLIDAY = "open", "closed", "holiday"
MAX_PERIODS = 50

State: TypeAlias = Annotated[str, Field(pattern=STATE_PATTERN, max_length=40)]


class Schedule(Slot):
    """Tells whether it is open: by hours of the week, dates, holidays, and what an operator says."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.LOGIC
    fixed_exits: ClassVar[tuple[str, ...]] = (OPEN, CLOSED, HOLIDAY)
    own_exits: ClassVar[OwnExits | None] = OwnExits(STATE_PATTERN, "each name in `periods`")
    exit_conditions: ClassVar[Mapping[str, Condition]] = {
        CLOSED: either(given("hours"), given("override", even_empty=True)),
        HOLIDAY: given("holidays"),
    }

    timezone: TimeZone | None = None
    """The time zone of all days and times here, such as `Europe/London`; without it that of `config.yaml`."""
    hours: HoursField | None = None
    """When it is open: for days (`mon-fri`, `12-24`, `2026-12-24`, `06-01 to 08-31 sat`) the times
    (`09:00-17:30`, several with commas between them, or `closed`). Without it, always."""
    periods: Annotated[dict[State, HoursField], Field(max_length=MAX_PERIODS)] = Field(default_factory=dict)
    """Times that have a name, each an exit: `{lunch: {mon-fri: 12:30-13:15}}`. The first that fits counts."""
    holidays: HolidaysField = ()
    """Days that are holidays: dates, `{calendar: NAME}` of the operators, `{file: NAME}` in the folder of
    calendars."""
    override: Annotated[str, Field(pattern=STATE_PATTERN, max_length=40)] | None = None
    """The name under which operators say that it is closed today, or open until six, over all of this."""
    result: VariableName | None = None
    """A variable that gets why: the holiday's title, the period's name, `override`, or an empty text."""

    def problems(self) -> Iterator[FieldProblem]:
        """Nothing to decide by, days of which two entries speak, names that mean something else."""
        if not (self.hours or self.periods or self.holidays or self.override):
            mend = "give `hours`, `periods`, `holidays` or `override`"
            yield FieldProblem("slot", "it is always open", mend)
        if self.hours and self.override is None and not any(ranges for _, ranges in self._hours.entries):
            yield FieldProblem("hours", "it is never open", "give times for at least one day")
        yield from _doubles("hours", self.hours or {}, ())
        for name, hours in self.periods.items():
            if name in self.fixed_exits:
                what = f"`{name}` is an exit of every schedule"
                yield FieldProblem("periods", what, "give the period another name", (name,))
            yield from _doubles("periods", hours, (name,))
        seen: set[str] = set()
        for index, source in enumerate(self.holidays):
            text = " ".join(filter(None, (source.day, source.calendar, source.file)))
            if text in seen:
                yield FieldProblem("holidays", f"`{text}` stands here twice", "remove one of them", (index,))
            seen.add(text)

    @property
    def exits(self) -> tuple[str, ...]:
        """`open`, and those others that can come to be."""
        can_close = bool(self.hours) or self.override is not None
        closed, holiday = (CLOSED,) if can_close else (), (HOLIDAY,) if self.holidays else ()
        return (OPEN, *closed, *holiday, *self.periods)

    @classmethod
    def exit_rules(cls) -> tuple[ExitRule, ...]:
        """Those of every schedule, and each period."""
        every = (one for one in super().exit_rules() if one.exit is not None)
        return (*every, each_key("periods", "on"))

    def sets(self) -> Mapping[str, frozenset[str]]:
        """The result, whatever the exit."""
        return {} if self.result is None else dict.fromkeys(self.exits, frozenset({self.result}))

    def holiday_calendars(self) -> Iterator[tuple[tuple[str | int, ...], str | None, str | None]]:
        """The calendars and files of `holidays`."""
        for index, source in enumerate(self.holidays):
            if source.calendar is not None or source.file is not None:
                yield ("holidays", index), source.calendar, source.file

    def overridden_as(self) -> tuple[str, str | None] | None:
        """The name in `override`."""
        return None if self.override is None else (self.override, self.timezone)

    async def run(self, call: Call) -> str:
        """Decide."""
        exit_name, why = await self._decide(call)
        if self.result is not None:
            call.variables.store(self.result, why)
        return exit_name

    async def _decide(self, call: Call) -> tuple[str, str]:
        """The exit, and why it is taken: an operator goes first, then holidays, periods and hours."""
        now = call.schedules.now(self.timezone)
        if self.override is not None:
            said = await call.schedules.override(self.override, now)
            if said is not None and said.state in self.exits:
                call.note("override", plain(f"{self.override} {said.state} by {said.operator}"))
                return said.state, "override"
            if said is not None:
                call.note("override_unknown", plain(f"{self.override} {said.state}"))
        # A date with its year in the hours was written for that very day, and a holiday for many.
        if not self._hours.names_date(now.day):
            title = await self._holiday(call, now)
            if title is not None:
                call.note("holiday", plain(title))
                return HOLIDAY, title
        name = next((name for name, hours in self._periods if hours.contains(now)), None)
        if name is not None:
            return name, name
        return OPEN if self.hours is None or self._hours.contains(now) else CLOSED, ""

    async def _holiday(self, call: Call, now: LocalTime) -> str | None:
        for source in self.holidays:
            if source.day is not None:
                title = source.title if now.day in read_dates(source.day) else None
            else:
                title = await call.schedules.holiday(now, calendar=source.calendar, file=source.file)
            if title is not None:
                return title
        return None

    @cached_property
    def _hours(self) -> OpeningHours:
        return opening_hours(self.hours or {})

    @cached_property
    def _periods(self) -> tuple[tuple[str, OpeningHours], ...]:
        return tuple((name, opening_hours(written)) for name, written in self.periods.items())


def _doubles(field: str, written: Mapping[str, str], within: tuple[str, ...]) -> Iterator[FieldProblem]:
    for key, earlier, day in double_days(written):
        what = f"`{earlier}` has times for {day} already"
        yield FieldProblem(field, what, "say it in one of them only", (*within, key))
