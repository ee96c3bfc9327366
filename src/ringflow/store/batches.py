"""What batches of writes came to: how large they were and how long they took."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Distribution:
    """How many values lie up to each of `bounds`, which ascend, and beyond the last; and their sum."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


class Batches:
    """Those since the start; `seconds`: from the beginning of the first transaction to the last commit."""

    def __init__(self) -> None:
        self.rows = Distribution(ROWS)
        self.seconds = Distribution(SECONDS)

    def add(self, rows: int, seconds: float) -> None:
        """Count a batch."""
        self.rows.add(rows)
        self.seconds.add(seconds)
