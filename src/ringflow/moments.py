"""Moments as rows of the database have them: milliseconds since 1970 UTC."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def system_now_ms() -> int:
    """Milliseconds since 1970 UTC by the machine's clock."""
    return time.time_ns() // 1_000_000


def iso_utc(moment_ms: int, timespec: str = "milliseconds") -> str:
    """A moment such as `2026-07-01T06:00:00.000Z` (ISO 8601); `timespec` as for `datetime.isoformat`."""
    moment = EPOCH + timedelta(milliseconds=moment_ms)
    return moment.isoformat(timespec=timespec).replace("+00:00", "Z")
