"""Until when an override counts, as operators write it and callers key it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time

from ringflow.calendars.local_time import LocalTime, end_of_day_ms, passing_ms
from ringflow.errors import Refused
from ringflow.plain_text import plain

END_OF_DAY = "end_of_day"
FURTHER_NOTICE = "further_notice"
_TIME = re.compile(r"([01][0-9]|2[0-4]):?([0-5][0-9])", re.ASCII)


def read_end(text: str, now: LocalTime) -> int | None:
    """Return the moment in milliseconds since 1970; None: until further notice.

    `end_of_day`; `further_notice`; `18:00` or `1800`, a time of today; `2026-12-26`, to the end of that day;
    `2026-12-26T18:00`. They are those of the zone of `now`. Raises `Refused` for anything else.
    """
    text = text.strip()
    if text == FURTHER_NOTICE:
        return None
    if text == END_OF_DAY:
        return end_of_day_ms(now.day, now.zone)
    day, _, clock = text.rpartition("T")
    try:
        if found := _TIME.fullmatch(clock):
            return _time_ms(date.fromisoformat(day) if day else now.day, int(found[1]), int(found[2]), now)
        return end_of_day_ms(date.fromisoformat(text), now.zone)
    except (ValueError, OverflowError):
        raise Refused(
            "override.malformed_end",
            f"`{plain(text)}` is no end of an override; write {END_OF_DAY}, {FURTHER_NOTICE}, 18:00, "
            "2026-12-26 or 2026-12-26T18:00",
            ("until",),
            until=text,
        ) from None


def _time_ms(day: date, hour: int, minute: int, now: LocalTime) -> int:
    if hour < 24:
        return passing_ms(datetime.combine(day, time(hour, minute)), now.zone)
    if minute:
        raise ValueError("past the end of the day")
    return end_of_day_ms(day, now.zone)


def is_end(text: str) -> bool:
    """Whether a text is one at whatever moment."""
    try:
        read_end(text, LocalTime.of(0, UTC))
    except Refused:
        return False
    return True
