"""What happened in a call, in order: the same words from a simulated call and a real one."""

from __future__ import annotations

from bisect import bisect_right

from ringflow.calls.clock import Clock
from ringflow.calls.outcome import Event, SlotVisit

MAX_EVENTS = 2000
"""A call that goes on longer is still carried; its transcript says that it was cut."""

MAX_DETAIL = 200

MASKED = "****"
"""What is written in place of keys that are secret: not even how many they were."""


class Transcript:
    """Events of one call and its slots. `slot` is the label under which events are noted.

    In an app that another one called the label has the app too, and a `>` for each app that waits for it.
    """

    def __init__(self, clock: Clock) -> None:
        self._now_ms = clock.monotonic_ms
        self._began_ms = self._now_ms()
        self.events: list[Event] = []
        self.visits: list[SlotVisit] = []
        self.slot = ""
        self._current: SlotVisit | None = None
        self._waiting: list[SlotVisit] = []
        """The slots that called an app which has not returned, the outermost first."""

    @property
    def stack(self) -> tuple[str, ...]:
        """The slot in which the call is, after those that wait for its app, each with its app."""
        visits = [*self._waiting, self._current] if self._current is not None else self._waiting
        return tuple(f"{visit.app}/{visit.slot}" for visit in visits)

    def note(self, event: str, detail: str = "", ago_ms: int = 0) -> None:
        """Add an event of now, or of `ago_ms` before it. `detail` must be safe to print; it is bounded here.

        Events stand in the order of their times; what was noted first stays first among those of one time.
        """
        noted = len(self.events)
        if noted >= MAX_EVENTS:
            if noted > MAX_EVENTS:
                return
            event, detail = "cut", f"more than {MAX_EVENTS} events"
        at_ms = max(0, self.elapsed_ms() - ago_ms)
        place = bisect_right(self.events, at_ms, key=lambda one: one.at_ms) if ago_ms else noted
        self.events.insert(place, Event(at_ms, self.slot, event, detail[:MAX_DETAIL]))

    def enter(self, app: str, slot: str, slot_type: str) -> None:
        """The call comes to a slot; what is noted from now on happens there."""
        self._current = SlotVisit(app, slot, slot_type, self.elapsed_ms(), depth=len(self._waiting))
        self.visits.append(self._current)
        self.slot = _label(self._current)

    def leave(self, exit_name: str) -> None:
        """The slot ended by this exit."""
        assert self._current is not None, "a slot that is left was entered"
        self.note("exit", exit_name)
        self._current.exit = exit_name

    def begin_frame(self, app: str) -> None:
        """The slot in which the call is called an app, and waits for it: further slots are that app's."""
        assert self._current is not None, "a slot calls the app"
        self.note("app_called", app)
        self._waiting.append(self._current)

    def end_frame(self, exit_name: str) -> None:
        """The app that was called returned by this exit; the call is again in the slot that called it."""
        self._current = self._waiting.pop()
        self.slot = _label(self._current)
        self.note("app_returned", exit_name)

    def keyed(self, digits: str, ending: str, secret: bool) -> None:
        """Digits were taken; secret ones are written nowhere."""
        written = MASKED if secret and digits else digits
        self.note("keys", f"{written} ({ending})")
        if self._current is not None:
            self._current.keys += (written,)

    def elapsed_ms(self) -> int:
        """Milliseconds since the call arrived."""
        return self._now_ms() - self._began_ms


def _label(visit: SlotVisit) -> str:
    return f"{'>' * visit.depth} {visit.app}/{visit.slot}" if visit.depth else visit.slot
