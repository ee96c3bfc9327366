"""Fields for opening hours and holidays, as flows write them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ringflow.calendars.day_set import read_dates, read_days
from ringflow.calendars.names import FILE_PATTERN
from ringflow.calendars.names import NAME_PATTERN as CALENDAR_PATTERN
from ringflow.calendars.opening_hours import OpeningHours, read_ranges
from ringflow.validation import Text
from ringflow.wording import quoted

MAX_ENTRIES = 200


def _days(text: str) -> str:
    read_days(text)
    return text


def _dates(text: str) -> str:
    read_dates(text)
    return text


def _joined(value: object) -> object:
    """Several ranges may be a list; what is neither text nor one is told as what it is."""
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    if isinstance(value, bool | int | float | dict | list):
        raise ValueError(f"{quoted(value)} is no range of times || write 09:00-17:30, or closed")  # noqa: TRY004 -- pydantic collects ValueError
    return value


def _ranges(text: str) -> str:
    read_ranges(text)
    return text


Days: TypeAlias = Annotated[Text, AfterValidator(_days)]
Ranges: TypeAlias = Annotated[
    str, BeforeValidator(_joined, json_schema_input_type=str | list[str]), AfterValidator(_ranges)
]
HoursField: TypeAlias = Annotated[dict[Days, Ranges], Field(min_length=1, max_length=MAX_ENTRIES)]
"""For days the times that count on them."""


def opening_hours(written: Mapping[str, str]) -> OpeningHours:
    """Return the hours that a field means."""
    return OpeningHours(tuple((read_days(days), read_ranges(ranges)) for days, ranges in written.items()))


def double_days(written: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield a key of a field that speaks of a day of which an earlier one does, that one, and the day."""
    keys = list(written)
    for first, second, day in opening_hours(written).doubles():
        yield keys[second], keys[first], day


class HolidaySource(BaseModel):
    """Days that are holidays: a date or several, a calendar of the operators, or a file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: Annotated[Text, AfterValidator(_dates)] | None = None
    """`2026-12-25`, `12-25` for every year, `2026-12-24 to 2026-12-26`."""
    title: Annotated[Text, Field(max_length=200)] = ""
    """What the day is called."""
    calendar: Annotated[str, Field(pattern=CALENDAR_PATTERN)] | None = None
    """A calendar that operators keep."""
    file: Annotated[str, Field(pattern=FILE_PATTERN)] | None = None
    """A file in the folder of calendars."""

    @model_validator(mode="after")
    def _is_one(self) -> HolidaySource:
        given = [name for name in ("day", "calendar", "file") if getattr(self, name) is not None]
        if len(given) != 1:
            what = f"{' and '.join(given)} stand in one entry" if given else "the entry names no day"
            raise ValueError(f"{what} || write one of day, calendar and file in each entry")
        if self.title and self.day is None:
            raise ValueError("`title` goes with `day`: calendars and files have titles || remove it")
        return self


def _day_alone(value: object) -> object:
    return {"day": value} if isinstance(value, str | int) else value


def _listed(value: object) -> object:
    return [value] if isinstance(value, dict | str) else value


HolidaysField: TypeAlias = Annotated[
    tuple[
        Annotated[HolidaySource, BeforeValidator(_day_alone, json_schema_input_type=str | HolidaySource)],
        ...,
    ],
    Field(max_length=MAX_ENTRIES),
    BeforeValidator(_listed, json_schema_input_type=list[str | HolidaySource]),
]
"""Days that are holidays."""
