"""Figures for Prometheus: what calls do, told by the engine, and how the server itself is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from ringflow.calls.outcome import CallRecord

LAG_INTERVAL_S = 0.5
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
NO_APP = "none"
"""The `app` of calls that were refused before one was known."""


class Metrics:
    """A `Watcher` of the engine that counts. `registry` is what `/metrics` shows."""

    def __init__(self, live_calls: Callable[[], int]) -> None:
        self.registry = CollectorRegistry()
        self._calls = Counter(
            "ringflow_calls",
            "Calls that ended, by app and outcome",
            ["app", "outcome"],
            registry=self.registry,
        )
        self._rejects = Counter(
            "ringflow_rejects",
            "Calls refused before answer, by SIP code and reason",
            ["sip", "reason"],
            registry=self.registry,
        )
        self._legs = Counter(
            "ringflow_legs",
            "Outgoing attempts, by trunk and status",
            ["trunk", "status"],
            registry=self.registry,
        )
        self._exits = Counter(
            "ringflow_slot_exits", "Slots left, by exit", ["app", "slot", "exit"], registry=self.registry
        )
        self._key_to_dial = Histogram(
            "ringflow_key_to_dial_seconds",
            "From the last key known to Ringflow to the Dial command",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._lag = Histogram(
            "ringflow_event_loop_lag_seconds",
            "How late the event loop woke",
            buckets=_SECONDS,
            registry=self.registry,
        )
        # Finding a labelled counter takes longer than counting. There are few: no label comes from callers.
        self._calls_of = cache(self._calls.labels)
        self._rejects_of = cache(self._rejects.labels)
        self._legs_of = cache(self._legs.labels)
        self._exits_of = cache(self._exits.labels)
        live = Gauge("ringflow_live_calls", "FastAGI sessions in progress", registry=self.registry)
        live.set_function(live_calls)

    def call_began(self, app: str) -> None:
        """Nothing to count yet: live calls are asked for, ended calls are counted."""

    def slot_left(self, app: str, slot_type: str, exit_name: str) -> None:
        """Count the exit."""
        self._exits_of(app, slot_type, exit_name).inc()

    def call_ended(self, record: CallRecord, key_to_dial_ms: list[int]) -> None:
        """Count the call, its legs, and how quickly it was dialled."""
        self._calls_of(record.app or NO_APP, record.outcome).inc()
        if record.reject is not None:
            self._rejects_of(str(record.reject.sip), record.reject.reason).inc()
        for leg in record.legs:
            self._legs_of(leg.trunk, leg.status).inc()
        for milliseconds in key_to_dial_ms:
            self._key_to_dial.observe(milliseconds / 1000)

    async def measure_lag(self) -> None:
        """Measure the event loop's lag until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await asyncio.sleep(LAG_INTERVAL_S)
            self._lag.observe(max(0.0, loop.time() - began - LAG_INTERVAL_S))
