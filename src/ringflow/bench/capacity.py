"""`ringflow bench capacity`: the highest rate of calls that each way carries, and half as many again."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from ringflow.bench.sip import WARM_UP_CALLS, WAYS, CallFigures, ratio, warm_stage
from ringflow.bench.sip_round import CallTimes, run_round
from ringflow.bench.sip_stage import SipStage

KEY_TO_INVITE_MS = 50.0
"""A rate is carried when every call is complete, and none takes longer from its last key to its INVITE."""

GROWTH = 1.25
PRECISION = 0.04
ATTEMPTS = 2
"""A rate that is not carried is tried once more: a single late call may be the machine's other work."""

OVERLOAD = 1.5
"""How many times the capacity of native dialplan the last rounds offer."""

RATE_SET = 0.9
"""The rate that the last round sets as the limit, as an operator would, of the capacity that was found."""


@dataclass(frozen=True, slots=True)
class RateTried:
    """One round: `latest_ms` is the longest time from key to INVITE of its complete calls."""

    calls_per_s: int
    latest_ms: float
    failures: Counter[str]

    @property
    def carried(self) -> bool:
        """Whether every call was complete and quick."""
        return not self.failures and self.latest_ms <= KEY_TO_INVITE_MS


@dataclass(slots=True)
class RateSearch:
    """Finds the highest rate that is carried: up by a quarter, then by halves below the first that is not.

    `carried` is the highest so far (0: none), `too_high` the lowest that was not carried, if any.
    """

    start: int
    highest: int
    carried: int = 0
    too_high: int | None = None
    rounds: list[RateTried] = field(default_factory=list)

    def next_rate(self) -> int | None:
        """What to try next, in calls a second; None: the search is over."""
        last = self.rounds[-1] if self.rounds else None
        if last is not None and self._may_try_again(last):
            return last.calls_per_s
        if self.too_high is None:
            upwards = max(self.carried + 1, round(self.carried * GROWTH)) if self.carried else self.start
            return min(upwards, self.highest) if self.carried < self.highest else None
        if self.too_high - self.carried <= max(1, PRECISION * self.too_high):
            return None
        return (self.carried + self.too_high) // 2

    def add(self, tried: RateTried) -> None:
        """Learn what came of the rate that was asked for."""
        self.rounds.append(tried)
        if tried.carried:
            self.carried = tried.calls_per_s
        elif not self._may_try_again(tried):
            self.too_high = tried.calls_per_s

    def _may_try_again(self, tried: RateTried) -> bool:
        attempts = sum(one.calls_per_s == tried.calls_per_s for one in self.rounds)
        return not tried.carried and attempts < ATTEMPTS


@dataclass(slots=True)
class OverloadRound(CallFigures):
    """More calls than are carried: which were refused, and how the others went.

    `max_calls_per_s` is the limit that was set; None: the default, which goes by the lag alone.
    """

    calls_per_s: int = 0
    max_calls_per_s: int | None = None

    @property
    def admitted(self) -> int:
        """Calls that were not refused."""
        return len(self.calls) - self.refused


@dataclass(frozen=True, slots=True)
class CapacityReport:
    """What was found. `complete` is False where the time was over before both searches were."""

    asterisk_version: str
    ringflow: RateSearch
    native: RateSearch
    overloads: tuple[OverloadRound, ...]
    complete: bool

    @property
    def ratio(self) -> float:
        """Ringflow's capacity to native dialplan's."""
        return ratio(self.ringflow.carried, self.native.carried)


def measure_capacity(
    project: Path,
    lab_folder: Path,
    release: str | None,
    *,
    start: int,
    highest: int,
    seconds: float,
    limit_s: float,
    realtime: bool = False,
) -> CapacityReport:
    """Search both ways by turns, in rounds of so many seconds; then offer Ringflow more than native carries.

    No round begins after `limit_s`. Raises `StartError` when Asterisk or SIPp cannot be had.
    """
    until_s = time.monotonic() + limit_s
    searches = {name: RateSearch(start, highest) for name in WAYS}
    # Whatever the lag: what is refused is not carried, and the rate that was too high would be remembered.
    with warm_stage(project, lab_folder, release, realtime, WARM_UP_CALLS, {"max_lag_ms": None}) as stage:
        version = stage.asterisk_version
        while time.monotonic() < until_s:
            rates = {name: search.next_rate() for name, search in searches.items()}
            if all(rate is None for rate in rates.values()):
                break
            for name, rate in rates.items():
                if rate is not None:
                    searches[name].add(_tried(rate, _round(stage, name, rate, seconds)))
    complete = all(search.next_rate() is None for search in searches.values())
    overloads = []
    offered = round(OVERLOAD * searches["native"].carried)
    for limit in (None, round(RATE_SET * searches["ringflow"].carried)):
        if offered and limit != 0 and time.monotonic() < until_s:
            limits = {"max_calls_per_s": limit}
            with warm_stage(project, lab_folder, release, realtime, WARM_UP_CALLS, limits) as stage:
                calls = _round(stage, "ringflow", offered, 2 * seconds)
            overloads.append(OverloadRound(calls, offered, limit))
    return CapacityReport(version, searches["ringflow"], searches["native"], tuple(overloads), complete)


def _round(stage: SipStage, name: str, calls_per_s: int, seconds: float) -> list[CallTimes]:
    calls = max(1, round(calls_per_s * seconds))
    return uvloop.run(run_round(stage.packages, stage.ways[name], calls, calls_per_s))


def _tried(calls_per_s: int, calls: list[CallTimes]) -> RateTried:
    latest = max((call.key_to_invite_ms for call in calls if call.failure is None), default=0.0)
    return RateTried(calls_per_s, latest, Counter(call.failure for call in calls if call.failure is not None))
