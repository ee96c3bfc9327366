"""How many calls that were refused before they were understood get a record and a log line each.

A flood of them must fill neither the database nor the log. What is beyond the bound is counted, by reason, in
`/metrics`, and summed up in one line of the log.
"""

from __future__ import annotations

import asyncio
from collections import Counter

import structlog

from ringflow.calls.clock import Clock

log = structlog.get_logger("ringflow.engine")

RECORDED_PER_S = 2.0
RECORDED_AT_ONCE = 20
"""A disturbance of so many calls is recorded whole; a flood that lasts makes two records a second."""

SUMMED_UP_EVERY_S = 10.0


class RefusalBound:
    """Counts those beyond it, until `sum_up` logs them.

    `unrecorded`: all of them since the start, by SIP code and reason.
    """

    def __init__(self, clock: Clock) -> None:
        self.unrecorded: Counter[tuple[int, str]] = Counter()
        self._clock = clock
        self._credit = float(RECORDED_AT_ONCE)
        self._credit_at_ms = clock.monotonic_ms()
        self._beyond: Counter[str] = Counter()

    def is_recorded(self, sip: int, reason: str, *, known: bool = True) -> bool:
        """Whether one more call that was refused with this is recorded by itself; otherwise it is counted.

        A call of which nothing is known has no record.
        """
        now_ms = self._clock.monotonic_ms()
        earned = (now_ms - self._credit_at_ms) / 1000 * RECORDED_PER_S
        self._credit = min(RECORDED_AT_ONCE, self._credit + earned)
        self._credit_at_ms = now_ms
        if not known or self._credit < 1:
            self._beyond[reason] += 1
            self.unrecorded[sip, reason] += 1
            return False
        self._credit -= 1
        return True

    def sum_up(self) -> None:
        """Log how many were not recorded since the last time, if any."""
        if self._beyond:
            log.warning("calls refused and not recorded one by one", calls=dict(self._beyond))
            self._beyond.clear()

    async def run(self) -> None:
        """Sum up time and again, and once more when cancelled."""
        try:
            while True:
                await asyncio.sleep(SUMMED_UP_EVERY_S)
                self.sum_up()
        finally:
            self.sum_up()
