"""Figures for Prometheus: what calls do, told by the engine, and how the server itself is."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ringflow import __version__
from ringflow.calls.outcome import CallRecord, Outcome, Reject
from ringflow.store.batches import SECONDS
from ringflow.web.families import counter

# Otherwise each distribution has one more series, of when it was made.
disable_created_metrics()  # type: ignore[no-untyped-call]

LAG_INTERVAL_S = 0.5
NO_APP = "none"
"""The `app` of calls that were refused before one was known."""


class Metrics(Collector):
    """A `Watcher` of the engine that counts. `registry` is what `/metrics` shows.

    No label comes from callers, so there are few.
    """

    def __init__(self, live_calls: Callable[[], int]) -> None:
        self.registry = CollectorRegistry()
        self._live_calls = live_calls
        self._calls: Counter[tuple[str, ...]] = Counter()
        self._rejects: Counter[tuple[str, ...]] = Counter()
        self._unrecorded: Counter[tuple[str, ...]] = Counter()
        self._legs: Counter[tuple[str, ...]] = Counter()
        self._exits: Counter[tuple[str, ...]] = Counter()
        self._key_to_dial = Histogram(
            "ringflow_key_to_dial_seconds",
            "From the last key known to Ringflow to the Dial command",
            buckets=SECONDS,
            registry=None,
        )
        self._lag = Histogram(
            "ringflow_event_loop_lag_seconds", "How late the event loop woke", buckets=SECONDS, registry=None
        )
        self.registry.register(self)

    def call_began(self, app: str) -> None:
        """Nothing to count yet: live calls are asked for, ended calls are counted."""

    def slot_left(self, app: str, slot_type: str, exit_name: str) -> None:
        """Count the exit."""
        self._exits[app, slot_type, exit_name] += 1

    def call_ended(self, record: CallRecord, key_to_dial_ms: list[int]) -> None:
        """Count the call, its legs, and how quickly it was dialled."""
        self._calls[record.app or NO_APP, record.outcome] += 1
        if record.reject is not None:
            self._count_reject(record.reject)
        for leg in record.legs:
            self._legs[leg.trunk, leg.status] += 1
        for milliseconds in key_to_dial_ms:
            self._key_to_dial.observe(milliseconds / 1000)

    def call_refused(self, reject: Reject) -> None:
        """Count a call that has no record."""
        self._calls[NO_APP, Outcome.REJECTED] += 1
        self._unrecorded[(reject.reason,)] += 1
        self._count_reject(reject)

    def _count_reject(self, reject: Reject) -> None:
        self._rejects[str(reject.sip), reject.reason] += 1

    def collect(self) -> Iterator[Metric]:
        """All families, as they stand."""
        build = GaugeMetricFamily(
            "ringflow_build_info", "Always 1; which Ringflow this is", labels=("version",)
        )
        build.add_metric((__version__,), 1)
        yield build
        yield counter(
            "ringflow_calls", "Calls that ended, by app and outcome", ("app", "outcome"), self._calls
        )
        yield counter(
            "ringflow_rejects",
            "Calls refused before answer, by SIP code and reason",
            ("sip", "reason"),
            self._rejects,
        )
        yield counter(
            "ringflow_rejects_unrecorded",
            "Those of them that were too many for a record of each, by reason",
            ("reason",),
            self._unrecorded,
        )
        yield counter(
            "ringflow_legs", "Outgoing attempts, by trunk and status", ("trunk", "status"), self._legs
        )
        yield counter("ringflow_slot_exits", "Slots left, by exit", ("app", "slot", "exit"), self._exits)
        yield from self._key_to_dial.collect()
        yield from self._lag.collect()
        yield GaugeMetricFamily(
            "ringflow_live_calls", "FastAGI sessions in progress", value=self._live_calls()
        )

    async def measure_lag(self) -> None:
        """Measure the event loop's lag until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await asyncio.sleep(LAG_INTERVAL_S)
            self._lag.observe(max(0.0, loop.time() - began - LAG_INTERVAL_S))
