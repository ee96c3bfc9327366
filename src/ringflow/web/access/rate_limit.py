"""How often somebody may ask: a bucket of requests that fills up again at a constant rate.

The formula is the generic cell rate algorithm (ITU-T I.371): of each key only the time is kept at which its
bucket is full again. A key whose bucket is full need not be kept at all.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable
from http import HTTPStatus

from ringflow.web.rest.refusals import RequestRefused

MAX_KEYS = 20_000
"""Of so many keys at most is kept when they asked: about 3 MB."""


class RateLimit:
    """At most `burst` requests of a key at once, and `per_s` in the long run. `now_s` never goes back."""

    def __init__(
        self, per_s: float, burst: int, now_s: Callable[[], float], most_keys: int = MAX_KEYS
    ) -> None:
        self._interval_s = 1 / per_s
        self._depth_s = burst * self._interval_s
        self._now_s = now_s
        self._most_keys = most_keys
        self._full_at_s: OrderedDict[Hashable, float] = OrderedDict()

    @classmethod
    def of_second(cls, per_s: float | None, now_s: Callable[[], float]) -> RateLimit | None:
        """Return a limit that lets through at once what comes in two seconds; None: there is none."""
        return None if per_s is None else cls(per_s, max(1, round(2 * per_s)), now_s)

    @classmethod
    def of_minute(cls, per_minute: float, now_s: Callable[[], float]) -> RateLimit:
        """Return a limit that lets through at once what comes in twenty seconds."""
        return cls(per_minute / 60, max(1, round(per_minute / 3)), now_s)

    def __len__(self) -> int:
        """How many keys are kept."""
        return len(self._full_at_s)

    def wait_s(self, key: Hashable) -> float:
        """Return how long this key must wait for its next request; 0: it may ask now."""
        full_at_s = self._full_at_s.get(key)
        if full_at_s is None:
            return 0.0
        return max(0.0, full_at_s + self._interval_s - self._depth_s - self._now_s())

    def take(self, key: Hashable) -> float:
        """Count a request of this key. Returns 0, or how long it must wait; then nothing is counted."""
        wait_s = self.wait_s(key)
        if wait_s > 0:
            return wait_s
        now_s = self._now_s()
        self._full_at_s[key] = max(now_s, self._full_at_s.get(key, now_s)) + self._interval_s
        self._full_at_s.move_to_end(key)
        self._forget(now_s)
        return 0.0

    def _forget(self, now_s: float) -> None:
        """Forget what says nothing any more, from those that asked longest ago on; and what is too much."""
        while self._full_at_s:
            key, full_at_s = next(iter(self._full_at_s.items()))
            if full_at_s > now_s and len(self._full_at_s) <= self._most_keys:
                return
            del self._full_at_s[key]


def refuse_too_many(wait_s: float) -> None:
    """Raise `RequestRefused` where a request came too soon, by so many seconds."""
    if wait_s > 0:
        retry_after_s = math.ceil(wait_s)
        raise RequestRefused(
            HTTPStatus.TOO_MANY_REQUESTS,
            "request.too_many",
            f"too many requests came in a short time; ask again in {retry_after_s} s",
            (),
            {"Retry-After": str(retry_after_s)},
            retry_after_s=retry_after_s,
        )
