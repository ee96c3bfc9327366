"""Days on which something is good for the last time, and names of what nobody named."""

from __future__ import annotations

from datetime import date, tzinfo

from ringflow.errors import Refused
from ringflow.moments import iso_in, last_day_end_ms


def expiry_ms(day: date | None, zone: tzinfo) -> int | None:
    """Return when what is good until a day expires; None: never. Raises `Refused`: no day is after it."""
    try:
        return None if day is None else last_day_end_ms(day, zone)
    except (ValueError, OverflowError) as error:
        raise Refused(
            "field.malformed", f"`expires` {day} has no day after it", ("expires",), field="expires"
        ) from error


def time_name(now_ms: int, zone: tzinfo) -> str:
    """Return the name of a batch that got none: the time, where the operator is."""
    return iso_in(now_ms, zone, "seconds")[:19].replace("T", " ")
