"""The time of a call that a person makes with a simulated telephone: it goes at a pace, or stands still.

Time passes only while the call waits for the caller, the callee or a prompt's end. It stands still while
Ringflow works, so what the call does next never depends on how busy the machine is, and the same keys at the
same moments make the same call again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Wait:
    """Since when time passes, by the machine and by the call, and how many of the call's seconds in one."""

    began_s: float
    began_ms: int
    pace: float
    until_ms: int | None


class PacedClock:
    """A `Clock` whose pace can be set: 1 is real time, 0.5 half as quick, 0 stands still.

    `machine_s` never goes back.
    """

    def __init__(
        self, start_s: float, pace: float = 1.0, machine_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._start_s = start_s
        self._pace = pace
        self._machine_s = machine_s
        self._now_ms = 0
        self._wait: _Wait | None = None
        self._skips = False
        self._news = asyncio.Event()

    def now_s(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return self._start_s + self.monotonic_ms() / 1000

    def monotonic_ms(self) -> int:
        """Milliseconds since the call arrived."""
        wait = self._wait
        if wait is None:
            return self._now_ms
        passed_ms = int((self._machine_s() - wait.began_s) * 1000 * wait.pace)
        now_ms = wait.began_ms + max(0, passed_ms)
        return now_ms if wait.until_ms is None else min(now_ms, wait.until_ms)

    @property
    def pace(self) -> float:
        """How many seconds of the call pass in one of the machine's."""
        return self._pace

    def set_pace(self, pace: float) -> None:
        """Go on at this pace."""
        self._pace = pace
        self.wake()

    def skip(self, until_ms: int | None = None) -> None:
        """Have what the call waits for now be over at once, if it has an end that is known.

        `until_ms`: only the wait that ends then, and not one that has begun meanwhile.
        """
        if self._wait is not None and until_ms in (None, self._wait.until_ms):
            self._skips = True
            self.wake()

    def wake(self) -> None:
        """Have whoever waits look again."""
        self._news.set()

    def advance_to(self, at_ms: int) -> None:
        """Move to a later moment. A moment that has passed changes nothing: time never goes back."""
        assert self._wait is None, "time passes already"
        self._now_ms = max(self._now_ms, at_ms)

    async def until(self, at_ms: int | None) -> bool:
        """Let time pass to this moment (None: without an end). False: `wake` came first."""
        if at_ms is not None and at_ms <= self._now_ms:
            return True
        self._news.clear()
        self._skips = False
        pace = self._pace
        wait_s = None
        if at_ms is not None and pace > 0:
            wait_s = (at_ms - self._now_ms) / 1000 / pace
        self._wait = _Wait(self._machine_s(), self._now_ms, pace, at_ms)
        woken = True
        try:
            async with asyncio.timeout(wait_s):
                await self._news.wait()
        except TimeoutError:
            woken = False
        finally:
            now_ms = self.monotonic_ms()
            self._wait = None
            if at_ms is not None and (self._skips or not woken):
                now_ms = at_ms
            self._now_ms = max(self._now_ms, now_ms)
        return at_ms is not None and self._now_ms == at_ms
