"""`ringflow bench sip`: real calls through Ringflow, in turns with the same flow as native dialplan."""

from __future__ import annotations

import contextlib
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from ringflow.bench.servers import ahead_of_others, on_load_cores
from ringflow.bench.sip_round import CallTimes, run_round
from ringflow.bench.sip_stage import SEED, SipFlow, SipStage, sip_stage

WARM_UP_CALLS = 5
WAYS = ("ringflow", "native")
P50, P95 = 0.50, 0.95


@dataclass(slots=True)
class CallFigures:
    """What became of some calls."""

    calls: list[CallTimes] = field(default_factory=list)

    @property
    def complete(self) -> list[CallTimes]:
        """The calls that went as they should."""
        return [call for call in self.calls if call.failure is None]

    @property
    def refused(self) -> int:
        """How many calls were refused for the load: none of them failed, and none was made slow."""
        return sum(call.refused for call in self.calls)

    @property
    def failures(self) -> Counter[str]:
        """What went wrong with calls that were admitted, and how often."""
        return Counter(call.failure for call in self.calls if call.failure is not None and not call.refused)

    def key_to_invite_ms(self, share: float) -> float:
        """That percentile, from the last key leaving the caller to the INVITE at the callee."""
        return percentile([call.key_to_invite_ms for call in self.complete], share)


@dataclass(slots=True)
class SipFigures(CallFigures):
    """All rounds of one way: every call's times, and the processor milliseconds per call of each round."""

    name: str = ""
    asterisk_cpu_ms: list[float] = field(default_factory=list)
    ringflow_cpu_ms: list[float] = field(default_factory=list)

    def call_ms(self, share: float) -> float:
        """That percentile, from the caller's INVITE to its BYE."""
        return percentile([call.call_ms for call in self.complete], share)

    @property
    def cpu_ms(self) -> list[float]:
        """Asterisk and Ringflow together, for each round."""
        return [sum(both) for both in zip(self.asterisk_cpu_ms, self.ringflow_cpu_ms, strict=True)]


@dataclass(frozen=True, slots=True)
class SipReport:
    """What one run measured. Differences are Ringflow's less native; ratios are Ringflow's to native."""

    asterisk_version: str
    ringflow: SipFigures
    native: SipFigures

    @property
    def failed(self) -> int:
        """Calls of either way that were admitted and not complete."""
        return sum(side.failures.total() for side in (self.ringflow, self.native))

    def key_to_invite_more_ms(self, share: float) -> float:
        """How much later Ringflow's INVITE is, at that percentile."""
        return self.ringflow.key_to_invite_ms(share) - self.native.key_to_invite_ms(share)

    def call_more_ms(self, share: float) -> float:
        """How much longer a call through Ringflow is, at that percentile."""
        return self.ringflow.call_ms(share) - self.native.call_ms(share)

    @property
    def cpu_ratio(self) -> float:
        """Processor time of all rounds."""
        return ratio(sum(self.ringflow.cpu_ms), sum(self.native.cpu_ms))

    @property
    def cpu_ratios(self) -> list[float]:
        """The same for each pair of rounds, to see how much they scatter."""
        pairs = zip(self.ringflow.cpu_ms, self.native.cpu_ms, strict=True)
        return [ratio(through_ringflow, native) for through_ringflow, native in pairs]


def measure_sip(
    project: Path,
    lab_folder: Path,
    release: str | None,
    calls: int,
    calls_per_s: int,
    rounds: int,
    realtime: bool = False,
    flow: SipFlow = SEED,
) -> SipReport:
    """Alternate the two ways for `rounds` rounds each, of `calls` calls begun at `calls_per_s`.

    With `realtime` nothing else on the machine gets in between. Raises `StartError` when Asterisk, SIPp or
    that right cannot be had. Calls that fail are counted, not raised.
    """
    with warm_stage(project, lab_folder, release, realtime, calls_per_s, flow=flow) as stage:
        figures = {name: SipFigures(name=name) for name in WAYS}
        for _ in range(rounds):
            for found in figures.values():
                _measure_round(stage, found, calls, calls_per_s)
        return SipReport(stage.asterisk_version, figures["ringflow"], figures["native"])


@contextlib.contextmanager
def warm_stage(
    project: Path,
    lab_folder: Path,
    release: str | None,
    realtime: bool,
    calls_per_s: int,
    limits: Mapping[str, object] | None = None,
    flow: SipFlow = SEED,
) -> Iterator[SipStage]:
    """Both ways, ready, after their first calls. `limits`: settings of `fastagi` that Ringflow has."""
    with (
        tempfile.TemporaryDirectory(prefix="ringflow-bench-") as folder,
        sip_stage(Path(folder), project, lab_folder, release, limits or {}, flow) as stage,
        on_load_cores(),
        ahead_of_others(stage.asterisk, stage.ringflow) if realtime else contextlib.nullcontext(),
    ):
        for way in stage.ways.values():
            uvloop.run(run_round(stage.packages, way, WARM_UP_CALLS, calls_per_s))
        yield stage


def _measure_round(stage: SipStage, found: SipFigures, calls: int, calls_per_s: int) -> None:
    asterisk_s, ringflow_s = stage.asterisk.cpu_s(), stage.ringflow.cpu_s()
    made = uvloop.run(run_round(stage.packages, stage.ways[found.name], calls, calls_per_s))
    asterisk_s, ringflow_s = stage.asterisk.cpu_s() - asterisk_s, stage.ringflow.cpu_s() - ringflow_s
    found.calls.extend(made)
    found.asterisk_cpu_ms.append(asterisk_s * 1000 / calls)
    # What Ringflow takes while it is not called is not native dialplan's cost.
    found.ringflow_cpu_ms.append(ringflow_s * 1000 / calls if found.name == "ringflow" else 0.0)


def percentile(values: list[float], share: float) -> float:
    """The value that this share of all are at or below; 0 where nothing was measured."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def ratio(value: float, reference: float) -> float:
    """How many times the reference; 0 where that was none (processor time comes in steps of 10 ms)."""
    return value / reference if reference else 0.0
