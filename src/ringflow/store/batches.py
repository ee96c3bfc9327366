"""Statistics of batches of writes: how large they were and how long they took."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import Histogram
from prometheus_client.core import Metric

ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Batches:
    """Those since the start; seconds run from the beginning of the first transaction to the last commit.

    `of` names them in the metrics; `rows` and `transaction` say in words what is in what.
    """

    def __init__(self, of: str, rows: str, transaction: str) -> None:
        # In no registry: a process may have several of each, as in tests.
        size, seconds = f"ringflow_{of}_batch_size", f"ringflow_{of}_batch_seconds"
        self._rows = Histogram(size, f"{rows} in one {transaction}", buckets=ROWS, registry=None)
        self._seconds = Histogram(seconds, f"Seconds of one {transaction}", buckets=SECONDS, registry=None)

    def add(self, rows: int, seconds: float) -> None:
        """Count a batch."""
        self._rows.observe(rows)
        self._seconds.observe(seconds)

    def collect(self) -> Iterator[Metric]:
        """Both distributions, for Prometheus."""
        yield from self._rows.collect()
        yield from self._seconds.collect()
