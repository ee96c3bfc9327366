"""Time as a call sees it: the machine's, or the simulator's virtual one."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Seconds since 1970 UTC, and milliseconds that never go back."""

    def now_s(self) -> float:
        """Seconds since 1970-01-01 UTC; may jump when the machine's clock is set."""
        ...

    def monotonic_ms(self) -> int:
        """Milliseconds from an arbitrary start; only differences mean anything."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now_s(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return time.time()

    def monotonic_ms(self) -> int:
        """Milliseconds of the machine's monotonic clock."""
        return time.monotonic_ns() // 1_000_000
