"""Times as parameters of requests."""

from __future__ import annotations

from datetime import datetime


def milliseconds(moment: datetime | None) -> int | None:
    """Return a moment with its offset in milliseconds since 1970."""
    return None if moment is None else round(moment.timestamp() * 1000)
