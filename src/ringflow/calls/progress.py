"""A call that is not over, as those see it who keep something of it meanwhile."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol

from ringflow.calls.outcome import CallRecord


class CallInProgress(Protocol):
    """One call, in the event loop that carries it."""

    @property
    def progress(self) -> Hashable:
        """Another value when the call has come further: to a slot or a customer, or a leg began or ended."""

    @property
    def age_ms(self) -> int:
        """How long it has been there."""

    def so_far(self) -> CallRecord:
        """What its record would be if it were lost now."""
