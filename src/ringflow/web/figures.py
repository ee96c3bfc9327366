"""Figures that the server's parts keep themselves, read when Prometheus asks: no call waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.caller_accounts import CallerAccounts
from ringflow.accounts.cards.refusal import Why
from ringflow.agi.server import FastAgiServer
from ringflow.ami.link import AmiLink
from ringflow.calendars.calendar import every
from ringflow.calendars.calendar_upkeep import OUTCOMES, CalendarUpkeep
from ringflow.calls.charging import Charging
from ringflow.engine.reaper import Reaper
from ringflow.ledger.hold import open_holds
from ringflow.records.service import RecordKeeping
from ringflow.store import StoreGone
from ringflow.web.families import counter
from ringflow.web.readiness import ANSWER_S, NOT_CONFIGURED, Probe, part_states


@dataclass(frozen=True, slots=True)
class Parts:
    """Whose figures there are; None where the configuration does without that part."""

    fastagi: FastAgiServer
    charging: Charging
    reaper: Reaper
    caller_accounts: CallerAccounts | None
    records: RecordKeeping | None
    ami: AmiLink | None
    calendars: CalendarUpkeep


class PartFigures(Collector):
    """Collects what the parts counted. What must be awaited is asked for by `refresh`, before each scrape."""

    def __init__(self, parts: Parts, probes: Mapping[str, Probe]) -> None:
        self._parts = parts
        self._probes = probes
        self._ready: dict[str, bool] = {}
        self._holds: tuple[int, int | None] | None = None
        self._calendar_ages_s: dict[str, float] = {}

    async def refresh(self) -> None:
        """Ask the parts whether they are ready, and the database for the holds, if it can be asked."""
        states = await part_states(self._probes)
        self._ready = {name: state.ready for name, state in states.items() if state is not NOT_CONFIGURED}
        self._holds, self._calendar_ages_s = None, {}
        if not self._ready["database"]:
            return
        try:
            async with asyncio.timeout(ANSWER_S), self._parts.charging.ledger.store.reading() as connection:
                self._holds = await open_holds(connection)
                self._calendar_ages_s = await self._ages_of_calendars(connection)
        except (StoreGone, TimeoutError):
            self._ready["database"] = False

    def collect(self) -> Iterator[Metric]:
        """All families there are at the moment."""
        parts = self._parts
        ready = GaugeMetricFamily(
            "ringflow_part_ready", "Whether a part of /readyz is ready (1) or not (0)", labels=["part"]
        )
        for name, is_ready in self._ready.items():
            ready.add_metric([name], is_ready)
        yield ready
        yield from _wire(parts.fastagi)
        yield from _load(parts.fastagi)
        yield from _ledger(parts.charging)
        yield from self._open_holds()
        yield from _reaper(parts.reaper)
        if parts.records is not None:
            yield from _records(parts.records)
        yield from self._calendars()
        if parts.caller_accounts is not None:
            yield _refusals(parts.caller_accounts)
        if parts.ami is not None:
            yield CounterMetricFamily(
                "ringflow_ami_connections",
                "How often the link to Asterisk's manager interface came up",
                value=parts.ami.connections,
            )

    async def _ages_of_calendars(self, connection: AsyncConnection) -> dict[str, float]:
        now_ms = self._parts.charging.ledger.now_ms()
        return {
            one.name: max(0, now_ms - one.fetched_ms) / 1000
            for one in await every(connection)
            if one.fetched_ms is not None
        }

    def _calendars(self) -> Iterator[Metric]:
        yield counter(
            "ringflow_calendar_fetches",
            "Calendars fetched from their URLs: fresh, unchanged, or failed",
            ("outcome",),
            {(name,): self._parts.calendars.outcomes[name] for name in OUTCOMES},
        )
        age = GaugeMetricFamily(
            "ringflow_calendar_age_seconds",
            "How long ago a calendar with a URL was last known to be fresh",
            labels=["calendar"],
        )
        for name, age_s in self._calendar_ages_s.items():
            age.add_metric([name], age_s)
        yield age

    def _open_holds(self) -> Iterator[Metric]:
        if self._holds is None:
            return
        count, opened_ms = self._holds
        now_ms = self._parts.charging.ledger.now_ms()
        age_s = 0.0 if opened_ms is None else max(0, now_ms - opened_ms) / 1000
        yield GaugeMetricFamily("ringflow_open_holds", "Holds that stand, of all servers", value=count)
        yield GaugeMetricFamily(
            "ringflow_oldest_hold_age_seconds",
            "For how long the oldest hold has stood; 0: there is none",
            value=age_s,
        )


def _wire(server: FastAgiServer) -> Iterator[Metric]:
    counts = server.counts()
    yield CounterMetricFamily(
        "ringflow_fastagi_calls", "FastAGI connections that brought a call", value=counts.pop("calls")
    )
    yield counter(
        "ringflow_fastagi_errors",
        "FastAGI connections that came to nothing",
        ("kind",),
        {(kind,): count for kind, count in counts.items()},
    )


def _load(server: FastAgiServer) -> Iterator[Metric]:
    lag = GaugeMetricFamily(
        "ringflow_asterisk_lag_seconds",
        "How much later than at best an Asterisk replies to commands that it carries out at once",
        labels=["asterisk"],
    )
    limit = GaugeMetricFamily(
        "ringflow_new_calls_limit",
        "New calls of an Asterisk that are admitted in a second; without a limit there is none",
        labels=["asterisk"],
    )
    for asterisk, load in server.loads.items():
        load.refresh()
        lag.add_metric([asterisk], load.lag_s)
        if load.limit_per_s is not None:
            limit.add_metric([asterisk], load.limit_per_s)
    yield lag
    yield limit


def _ledger(charging: Charging) -> Iterator[Metric]:
    ledger = charging.ledger
    yield GaugeMetricFamily(
        "ringflow_ledger_requests_waiting",
        "Requests of calls in no transaction yet",
        value=ledger.waiting,
    )
    yield from ledger.batches.collect()
    yield GaugeMetricFamily(
        "ringflow_ledger_owed",
        "Settlements that wait for the database",
        value=len(charging.retries),
    )
    yield GaugeMetricFamily(
        "ringflow_ledger_legs_left",
        "Legs whose end this server lost, and that are not settled yet",
        value=len(charging.left),
    )


def _reaper(reaper: Reaper) -> Iterator[Metric]:
    findings = reaper.findings
    yield counter(
        "ringflow_reaper_legs",
        "Legs that the reaper ended: settled from AstDB, or released and not charged",
        ("found",),
        {("astdb",): findings.from_astdb, ("released",): findings.released},
    )
    yield CounterMetricFamily(
        "ringflow_reaper_calls", "Calls of dead servers that are counted no more", value=findings.calls
    )
    yield GaugeMetricFamily(
        "ringflow_reaper_holds_waiting",
        "Holds of dead servers that the reaper's last round left, as their calls are up or not known",
        value=findings.waiting,
    )
    yield GaugeMetricFamily(
        "ringflow_reaper_calls_waiting",
        "Counted calls of dead servers that the reaper's last round left, as they are up or not known",
        value=findings.waiting_calls,
    )
    yield GaugeMetricFamily(
        "ringflow_reaper_unattended",
        "Holds and counted calls among those that live on an Asterisk that no living server is on",
        value=findings.unattended,
    )


def _records(records: RecordKeeping) -> Iterator[Metric]:
    recorder = records.recorder
    yield GaugeMetricFamily(
        "ringflow_records_waiting", "Records of calls that are not written yet", value=recorder.waiting
    )
    yield CounterMetricFamily(
        "ringflow_records_dropped", "Records of calls that were given up", value=recorder.dropped
    )
    yield from recorder.batches.collect()
    yield from records.drafts.batches.collect()


def _refusals(caller_accounts: CallerAccounts) -> Metric:
    return counter(
        "ringflow_card_refusals",
        "Cards, PINs and codes refused to callers; locked: a lock-out; needs_id: a PIN alone was not enough",
        ("why",),
        {(why.value,): caller_accounts.refusals[why] for why in Why},
    )
