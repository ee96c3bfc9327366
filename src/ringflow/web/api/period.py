"""Times as parameters of requests."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, TypeAlias

from pydantic import AwareDatetime, Field

# The bounds of a day have no word in JSON Schema but this pattern.
_YEARS = "^(19[7-9][0-9]|[2-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-8])-"
LastDay: TypeAlias = Annotated[
    date,
    Field(ge=date(1970, 1, 1), le=date(9998, 12, 31), json_schema_extra={"pattern": _YEARS}),
]
"""The last day on which something is good."""

_FIRST, _LAST = datetime(1999, 12, 31, tzinfo=UTC), datetime(3000, 1, 2, tzinfo=UTC)
DayTime: TypeAlias = Annotated[
    AwareDatetime, Field(ge=_FIRST, le=_LAST, json_schema_extra={"pattern": "^2[0-9]{3}-"})
]
"""A moment that clocks of every zone can show, in years of which calendars speak."""


def milliseconds(moment: datetime | None) -> int | None:
    """Return a moment with its offset in milliseconds since 1970."""
    return None if moment is None else round(moment.timestamp() * 1000)
