"""How long to wait before connecting again: twice as long each time, never twice the same."""

from __future__ import annotations

import random
from collections.abc import Callable


class Backoff:
    """Delays in seconds, always within `[min_s, max_s]`.

    Each is drawn from the upper half of a doubling range, so that many servers which lost the same
    Asterisk do not come back in one moment. `draw(low, high)` gives a number between the two.
    """

    def __init__(
        self, min_s: float, max_s: float, draw: Callable[[float, float], float] = random.uniform
    ) -> None:
        self._min_s = min_s
        self._max_s = max_s
        self._draw = draw
        self._ceiling_s = min_s

    def next_s(self) -> float:
        """The delay before the next attempt."""
        self._ceiling_s = min(self._max_s, self._ceiling_s * 2)
        return self._draw(max(self._min_s, self._ceiling_s / 2), self._ceiling_s)

    def reset(self) -> None:
        """Begin again with the shortest delay."""
        self._ceiling_s = self._min_s
