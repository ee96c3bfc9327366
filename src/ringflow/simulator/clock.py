"""The simulator's time: it stands still until the virtual Asterisk moves it."""

from __future__ import annotations

DEFAULT_START_S = 1_767_225_600.0
"""2026-01-01 00:00:00 UTC: every simulated call begins then unless its scenario says otherwise."""


class VirtualClock:
    """A `Clock` that only `advance_to` moves, in milliseconds since the call arrived."""

    def __init__(self, start_s: float = DEFAULT_START_S) -> None:
        self._start_s = start_s
        self._now_ms = 0

    def now_s(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return self._start_s + self._now_ms / 1000

    def monotonic_ms(self) -> int:
        """Milliseconds since the call arrived."""
        return self._now_ms

    def set_by(self, seconds: float) -> None:
        """Somebody sets the clock forward, or back; no time passes by that."""
        self._start_s += seconds

    def advance_to(self, at_ms: int) -> None:
        """Move to a later moment. A moment that has passed changes nothing: time never goes back."""
        self._now_ms = max(self._now_ms, at_ms)
