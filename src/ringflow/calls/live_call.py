"""A call that is not over, as those see it who look at it from outside."""

from __future__ import annotations

from typing import Protocol

from ringflow.calls.history import CallHistory


class LiveCall(Protocol):
    """One call, in the event loop that carries it."""

    @property
    def history(self) -> CallHistory:
        """What has happened in it so far."""

    @property
    def age_ms(self) -> int:
        """How long ago it arrived."""
