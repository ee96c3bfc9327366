"""What happened in a call, in order: the same words from a simulated call and a real one."""

from __future__ import annotations

from ringflow.calls.clock import Clock
from ringflow.calls.outcome import Event

MAX_EVENTS = 2000
"""A call that goes on longer is still carried; its transcript says that it was cut."""

MAX_DETAIL = 200


class Transcript:
    """Events of one call. `slot` is the label under which events are noted."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began_ms = clock.monotonic_ms()
        self.events: list[Event] = []
        self.slot = ""

    def note(self, event: str, detail: str = "") -> None:
        """Add an event now. `detail` must already be safe to print; it is bounded here."""
        if len(self.events) > MAX_EVENTS:
            return
        if len(self.events) == MAX_EVENTS:
            event, detail = "cut", f"more than {MAX_EVENTS} events"
        self.events.append(Event(self.elapsed_ms(), self.slot, event, detail[:MAX_DETAIL]))

    def elapsed_ms(self) -> int:
        """Milliseconds since the call arrived."""
        return self._clock.monotonic_ms() - self._began_ms
