"""The machine's clock, as rows of the database have it."""

from __future__ import annotations

import time


def system_now_ms() -> int:
    """Milliseconds since 1970 UTC by the machine's clock."""
    return time.time_ns() // 1_000_000
