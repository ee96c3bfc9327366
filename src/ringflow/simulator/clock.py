"""The simulator's time: it stands still until the virtual Asterisk moves it.

Calls that run at the same time share one clock. Each of them is a party of it, and time passes only while
every party waits: then it moves to the earliest moment that one of them waits for, and that one goes on
alone. So the same scenario takes the same course every time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from ringflow.calls.clock import Clock

DEFAULT_START_S = 1_767_225_600.0
"""2026-01-01 00:00:00 UTC: every simulated call begins then unless its scenario says otherwise."""


@dataclass(slots=True, eq=False)
class _Wait:
    at_ms: int
    over: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class VirtualClock:
    """A `Clock` that only waiting moves, in milliseconds since the first call arrived."""

    def __init__(self, start_s: float = DEFAULT_START_S) -> None:
        self._start_s = start_s
        self._now_ms = 0
        self._parties = 0
        self._waits: list[_Wait] = []
        self.watchers: list[Callable[[], None]] = []
        """Told whenever time has passed, before whoever waited goes on."""

    def now_s(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return self._start_s + self._now_ms / 1000

    def monotonic_ms(self) -> int:
        """Milliseconds since the first call arrived."""
        return self._now_ms

    def set_by(self, seconds: float) -> None:
        """Somebody sets the clock forward, or back; no time passes by that."""
        self._start_s += seconds

    def advance_to(self, at_ms: int) -> None:
        """Move to a later moment. A moment that has passed changes nothing: time never goes back."""
        self._now_ms = max(self._now_ms, at_ms)

    def join(self, parties: int) -> None:
        """So many more parties, without each of which no time passes; one that is alone need not join."""
        self._parties += parties

    def join_others(self) -> None:
        """One more party beside those that there are, one of which may be alone and not have joined."""
        self._parties = max(self._parties, 1) + 1

    def leave(self) -> None:
        """One of them is done."""
        self._parties -= 1
        self._pass()

    async def wait(self, wait: _Wait) -> None:
        """Wait for a moment, with the other parties."""
        self._waits.append(wait)
        try:
            self._pass()
            await wait.over
        finally:
            if wait in self._waits:
                self._waits.remove(wait)

    def _pass(self) -> None:
        if not self._waits or len(self._waits) < self._parties:
            return
        first = min(self._waits, key=lambda wait: wait.at_ms)
        self._waits.remove(first)
        self.advance_to(first.at_ms)
        for watcher in self.watchers:
            watcher()
        first.over.set_result(None)


class Waiter:
    """One who waits for moments of a clock, and whose waiting others can cut short."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._wait: _Wait | None = None
        self._woken = False

    async def until(self, at_ms: int) -> bool:
        """Wait until then; False where `wake` came first."""
        self._woken = False
        self._wait = _Wait(at_ms)
        try:
            await self._clock.wait(self._wait)
        finally:
            self._wait = None
        return not self._woken

    def wake(self) -> None:
        """Have it look again now, if it waits."""
        if self._wait is not None:
            self._woken = True
            self._wait.at_ms = self._clock.monotonic_ms()


async def wait_until(clock: Clock, at_ms: int) -> None:
    """Wait for a moment of any clock. On a virtual one who waits is one of its parties."""
    if isinstance(clock, VirtualClock):
        await Waiter(clock).until(at_ms)
        # What has happened meanwhile arrives first, such as the word that the caller is gone.
        await asyncio.sleep(0)
    else:
        await asyncio.sleep(max(0, at_ms - clock.monotonic_ms()) / 1000)


class Companion:
    """A party beside the calls, such as one who announces something to several: by any clock.

    It is there from now until it leaves, and virtual time passes only as far as it waits.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        if isinstance(clock, VirtualClock):
            clock.join_others()

    async def until(self, at_ms: int) -> None:
        """Wait for a moment of the clock."""
        await wait_until(self._clock, at_ms)

    def leave(self) -> None:
        """It is done."""
        if isinstance(self._clock, VirtualClock):
            self._clock.leave()
