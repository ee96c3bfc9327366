"""Times as parameters of requests."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, TypeAlias

from pydantic import Field

LastDay: TypeAlias = Annotated[date, Field(ge=date(1970, 1, 1), le=date(9998, 12, 31))]
"""The last day on which something is good."""


def milliseconds(moment: datetime | None) -> int | None:
    """Return a moment with its offset in milliseconds since 1970."""
    return None if moment is None else round(moment.timestamp() * 1000)
