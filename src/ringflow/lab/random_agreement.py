"""Random scenarios in both worlds: whether they agree, and how close their times are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ringflow.config import Config
from ringflow.errors import Refused
from ringflow.lab.both_worlds import BothWorlds, Comparison
from ringflow.lab.event_times import gap_differences_ms
from ringflow.lab.lab import Lab
from ringflow.lab.scenario_plan import plan_call
from ringflow.simulator.random_search import random_cases
from ringflow.simulator.run import simulate_calls
from ringflow.simulator.scenario_files import ScenarioCase
from ringflow.simulator.stage import Stage

TOLERANCE_MS = 50
LEAST_SHARE_WITHIN = 0.98
"""Of all times from event to event, so many must be within the tolerance."""

LONGEST_MS = 12_000
"""A real call takes as long as it takes: longer ones are passed over."""

MAX_TRIED_FOR_ONE = 20


AT_ONCE = 4
"""Real calls at one time: few, for what they take from each other is time."""

TRIES = 3


@dataclass(frozen=True, slots=True)
class RandomAgreement:
    """What the comparison came to; `gaps_ms` are the differences of times from event to event.

    A busy machine is late now and then, a wrong simulator is wrong every time. So calls with times that are
    off are made again, and the closest of up to `TRIES` counts; `first_share` is that of the first.
    """

    comparisons: tuple[Comparison, ...]
    gaps_ms: tuple[int, ...]
    first_share: float

    @property
    def gaps_within(self) -> int:
        """How many of them are within the tolerance."""
        return _within(self.gaps_ms)

    @property
    def share_within(self) -> float:
        """The same as a share of all."""
        return _share(self.gaps_ms)

    @property
    def is_close(self) -> bool:
        """Whether enough of them are."""
        return self.share_within >= LEAST_SHARE_WITHIN


async def compare_random(config: Config, lab: Lab, count: int, seed: int, folder: Path) -> RandomAgreement:
    """Play so many random scenarios in both worlds; their files are left in `folder`."""
    async with Stage.open(config) as stage:
        cases = [case async for case in playable_cases(config, stage, count, seed, folder)]
    async with BothWorlds.open(config, lab, AT_ONCE) as worlds:
        closest = await worlds.play_all(cases)
        first_share = _share(_all_gaps_ms(closest))
        for _ in range(TRIES - 1):
            late = [at for at, one in enumerate(closest) if _within(gaps := _gaps_ms(one)) < len(gaps)]
            again = await worlds.play_all([closest[at].case for at in late])
            for at, one in zip(late, again, strict=True):
                closest[at] = min(closest[at], one, key=_lateness)
    return RandomAgreement(tuple(closest), tuple(_all_gaps_ms(closest)), first_share)


def _gaps_ms(one: Comparison) -> list[int]:
    return [
        gap
        for simulated, real in zip(one.simulated, one.real, strict=False)
        for gap in gap_differences_ms(simulated.record.transcript, real.transcript)
    ]


def _all_gaps_ms(comparisons: Sequence[Comparison]) -> list[int]:
    return [gap for one in comparisons for gap in _gaps_ms(one)]


def _lateness(one: Comparison) -> tuple[bool, int, int]:
    gaps = _gaps_ms(one)
    return one.failure is not None, len(gaps) - _within(gaps), sum(map(abs, gaps))


def _within(gaps_ms: Sequence[int]) -> int:
    return sum(abs(gap) <= TOLERANCE_MS for gap in gaps_ms)


def _share(gaps_ms: Sequence[int]) -> float:
    return _within(gaps_ms) / len(gaps_ms) if gaps_ms else 1.0


async def playable_cases(
    config: Config, stage: Stage, count: int, seed: int, folder: Path
) -> AsyncIterator[ScenarioCase]:
    """The first so many random scenarios that a real Asterisk can play in a short time."""
    found = 0
    for case in random_cases(config, count * MAX_TRIED_FOR_ONE, seed, folder):
        calls = await simulate_calls(case, stage)
        try:
            for script, call in zip(case.scenario.scripts, calls, strict=True):
                plan_call(script, call)
        except Refused:
            continue
        if all(call.record.duration_ms <= LONGEST_MS for call in calls):
            yield case
            found += 1
        if found == count:
            return
