"""The one stream of call events of a server: every call tells it, every observer is told by it.

An observer is told in the event loop, while the call waits, so it only takes note. One that raises is logged
and counted, and neither the call nor the other observers know of it. What takes longer than that (a file, a
socket, a database) reads a `Subscription`, a bounded queue. A reader that is too slow misses events, and can
see how many.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Concatenate, ParamSpec, Protocol

import structlog

from ringflow.calls import events
from ringflow.calls.clock import Clock
from ringflow.calls.history import CallHistory

log = structlog.get_logger("ringflow.events")

P = ParamSpec("P")

SUBSCRIPTION_SIZE = 1000
"""Events that wait for a reader: those of some fifty calls. The oldest beyond that are lost to it."""

FAILURES_LOGGED_EVERY = 1000
"""The first failure of an observer is logged, and then one in so many: calls must not flood the log."""

EVERY_EVENT: tuple[type[events.CallEvent], ...] = (
    events.CallStarted,
    events.CallIdentified,
    events.CallAnswered,
    events.CallRejected,
    events.SlotEntered,
    events.SlotLeft,
    events.AppCalled,
    events.AppReturned,
    events.PromptPlayed,
    events.PromptMissing,
    events.DigitsCollected,
    events.CreditHeld,
    events.CreditExtended,
    events.CreditWarned,
    events.LegDialled,
    events.LegRinging,
    events.LegAnswered,
    events.LegEnded,
    events.CallOrdered,
    events.RecordingStarted,
    events.RecordingEnded,
    events.Noted,
    events.HungUp,
    events.CallFailed,
    events.CallEnded,
)


class Observer(Protocol):
    """Is told of calls' events in the event loop, in their order; must be quick."""

    @property
    def observed(self) -> Collection[type[events.CallEvent]]:
        """The types of events that it is told of; does not change."""

    def observe(self, event: events.CallEvent, history: CallHistory) -> None:
        """Take note of an event. `history`: what is known of the call, this event included."""


class Subscription:
    """Events that wait for a reader; `async for` gives them as they come, until the stream's block ends.

    `missed`: events that were lost, because the reader was too slow.
    """

    observed: Collection[type[events.CallEvent]] = EVERY_EVENT

    def __init__(self, call_id: str | None, size: int) -> None:
        self.missed = 0
        self._call_id = call_id
        self._waiting: deque[events.CallEvent] = deque(maxlen=size)
        self._came = asyncio.Event()

    def observe(self, event: events.CallEvent, history: CallHistory) -> None:
        """Part of `Observer`."""
        if self._call_id is not None and event.place.call_id != self._call_id:
            return
        if len(self._waiting) == self._waiting.maxlen:
            self.missed += 1
        self._waiting.append(event)
        self._came.set()

    def take(self) -> list[events.CallEvent]:
        """All that waits now."""
        waiting = list(self._waiting)
        self._waiting.clear()
        return waiting

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> events.CallEvent:
        while not self._waiting:
            self._came.clear()
            await self._came.wait()
        return self._waiting.popleft()


class EventStream:
    """`failures`: how often observers have failed, by their names."""

    def __init__(self, observers: Iterable[Observer] = ()) -> None:
        self.failures: Counter[str] = Counter()
        self._observers: dict[type[events.CallEvent], list[Observer]] = {kind: [] for kind in EVERY_EVENT}
        for observer in observers:
            self.add(observer)

    def add(self, observer: Observer) -> None:
        """Tell this observer of everything from now on."""
        for kind in observer.observed:
            # A new list: the old one may be in use.
            self._observers[kind] = [*self._observers[kind], observer]

    def remove(self, observer: Observer) -> None:
        """Tell it no more."""
        for kind in observer.observed:
            self._observers[kind] = [one for one in self._observers[kind] if one is not observer]

    @contextmanager
    def subscribed(self, call_id: str | None = None, size: int = SUBSCRIPTION_SIZE) -> Iterator[Subscription]:
        """For the time of the block, the events of one call, or of all."""
        subscription = Subscription(call_id, size)
        self.add(subscription)
        try:
            yield subscription
        finally:
            self.remove(subscription)

    def publish(self, event: events.CallEvent, history: CallHistory) -> None:
        """Tell those who observe events of this type."""
        for observer in self._observers[type(event)]:
            try:
                observer.observe(event, history)
            except Exception:  # noqa: BLE001 -- the boundary of an observer: what it breaks is not the call's
                self._failed(observer, event)

    def _failed(self, observer: Observer, event: events.CallEvent) -> None:
        name = type(observer).__name__
        self.failures[name] += 1
        if self.failures[name] % FAILURES_LOGGED_EVERY == 1:
            log.exception(
                "observer failed",
                observer=name,
                of=type(event).__name__,
                call_id=event.call_id,
                failures=self.failures[name],
            )


class CallEvents:
    """The events of one call: numbers them, says where and when they happened, and hands them on.

    `stream` None: nobody is told, and only `history` is kept.
    """

    def __init__(self, call_id: str, clock: Clock, stream: EventStream | None) -> None:
        self._now_ms = clock.monotonic_ms
        self._arrived_ms = self._now_ms()
        self._stream = stream
        self._told = 0
        self._waiting: list[events.Place] = []
        """The slots that called an app which has not returned, the outermost first."""
        self.place = events.Place(call_id, round(clock.now_s() * 1000))
        self.history = CallHistory(self.place)

    def elapsed_ms(self) -> int:
        """Milliseconds since the call arrived."""
        return self._now_ms() - self._arrived_ms

    def since_keys_ms(self) -> int | None:
        """Milliseconds since the caller's last keys; None where none came since the last attempt to dial."""
        keyed_at_ms = self.history.keyed_at_ms
        return None if keyed_at_ms is None else self.elapsed_ms() - keyed_at_ms

    def emit(
        self,
        kind: Callable[Concatenate[events.Place, int, int, P], events.CallEvent],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> None:
        """Something happens now: an event of this type, and what its fields are."""
        self._told = number = self._told + 1
        self._tell(kind(self.place, number, self._now_ms() - self._arrived_ms, *args, **kwargs))

    def emit_at(
        self,
        at_ms: int,
        kind: Callable[Concatenate[events.Place, int, int, P], events.CallEvent],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> None:
        """Something happened at that moment of the call, and Ringflow learns of it now."""
        self._told = number = self._told + 1
        self._tell(kind(self.place, number, max(0, at_ms), *args, **kwargs))

    def _tell(self, event: events.CallEvent) -> None:
        self.history.add(event)
        if self._stream is not None:
            self._stream.publish(event, self.history)

    def note(self, what: str, detail: str = "") -> None:
        """Remark something that has no event of its own. `detail` must be safe to print."""
        self.emit(events.Noted, what, detail)

    def enter_app(self, app: str, revision: str | None) -> None:
        """The call comes to an app, at none of its slots yet."""
        self.place = events.Place(self.place.call_id, self.place.began_ms, app, revision)

    def enter_slot(self, app: str, revision: str | None, slot: str, slot_type: str) -> None:
        """The call comes to a slot; what is told from now on happens there."""
        place = self.place
        self.place = events.Place(
            place.call_id, place.began_ms, app, revision, slot, depth=len(self._waiting)
        )
        self.emit(events.SlotEntered, slot_type)

    def begin_frame(self, app: str) -> None:
        """The slot in which the call is calls an app, and waits for it: further slots are that app's."""
        self.emit(events.AppCalled, app)
        self._waiting.append(self.place)

    def end_frame(self, exit_name: str) -> None:
        """The app that was called returned by this exit; the call is again in the slot that called it."""
        self.place = self._waiting.pop()
        self.emit(events.AppReturned, exit_name)

    @property
    def stack(self) -> tuple[str, ...]:
        """The slot in which the call is, after those that wait for its app, each with its app."""
        return tuple(f"{place.app}/{place.slot}" for place in (*self._waiting, self.place) if place.slot)

    def leave_flow(self) -> None:
        """What is told from now on happens in no slot."""
        place = self._waiting[0] if self._waiting else self.place
        self._waiting.clear()
        self.place = events.Place(place.call_id, place.began_ms, place.app, place.revision)
