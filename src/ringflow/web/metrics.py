"""Figures for Prometheus: what calls do, told by the engine, and how the server itself is."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ringflow import __version__
from ringflow.calls import events
from ringflow.calls.call_record import CallRecord
from ringflow.calls.history import CallHistory
from ringflow.calls.outcome import Outcome
from ringflow.engine.engine import Engine
from ringflow.store.batches import SECONDS
from ringflow.web.families import counter

# Otherwise each distribution has one more series, of when it was made.
disable_created_metrics()  # type: ignore[no-untyped-call]

LAG_INTERVAL_S = 0.5
NO_APP = "none"
"""The `app` of calls that were refused before one was known."""


class Metrics(Collector):
    """An `Observer` of calls that counts. `registry` is what `/metrics` shows.

    No label comes from callers, so there are few.
    """

    observed = (events.SlotLeft, events.LegDialled, events.CallEnded)

    def __init__(self, live_calls: Callable[[], int], engine: Callable[[], Engine]) -> None:
        self.registry = CollectorRegistry()
        self._live_calls = live_calls
        self._engine = engine
        self._calls: Counter[tuple[str, ...]] = Counter()
        self._rejects: Counter[tuple[str, ...]] = Counter()
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

    def observe(self, event: events.CallEvent, history: CallHistory) -> None:
        """Part of `Observer`."""
        match event:
            case events.SlotLeft():
                self._exits[event.place.app or NO_APP, event.slot_type, event.exit] += 1
            case events.LegDialled():
                if event.since_keys_ms is not None:
                    self._key_to_dial.observe(event.since_keys_ms / 1000)
            case events.CallEnded():
                self._count_ended(history.record())

    def _count_ended(self, record: CallRecord) -> None:
        self._calls[record.app or NO_APP, record.outcome] += 1
        if record.reject is not None:
            self._rejects[str(record.reject.sip), record.reject.reason] += 1
        for leg in record.legs:
            self._legs[leg.trunk, leg.status] += 1

    def collect(self) -> Iterator[Metric]:
        """All families, as they stand."""
        engine = self._engine()
        calls, rejects = Counter(self._calls), Counter(self._rejects)
        unrecorded: Counter[tuple[str, ...]] = Counter()
        for (sip, reason), count in engine.refusals.unrecorded.items():
            calls[NO_APP, Outcome.REJECTED] += count
            rejects[str(sip), reason] += count
            unrecorded[(reason,)] += count
        build = GaugeMetricFamily(
            "ringflow_build_info", "Always 1; which Ringflow this is", labels=("version",)
        )
        build.add_metric((__version__,), 1)
        yield build
        yield counter("ringflow_calls", "Calls that ended, by app and outcome", ("app", "outcome"), calls)
        yield counter(
            "ringflow_rejects",
            "Calls refused before answer, by SIP code and reason",
            ("sip", "reason"),
            rejects,
        )
        yield counter(
            "ringflow_rejects_unrecorded",
            "Those of them that were too many for a record of each, by reason",
            ("reason",),
            unrecorded,
        )
        yield counter(
            "ringflow_legs", "Outgoing attempts, by trunk and status", ("trunk", "status"), self._legs
        )
        yield counter(
            "ringflow_observer_failures",
            "Call events that an observer failed on, by observer: a fault of Ringflow's, see the log",
            ("observer",),
            {(name,): count for name, count in engine.events.failures.items()},
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
