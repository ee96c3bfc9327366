"""Random scenarios in both worlds: whether they agree, and how close their times are."""

from __future__ import annotations

from collections.abc import AsyncIterator
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


@dataclass(frozen=True, slots=True)
class RandomAgreement:
    """What the comparison came to; `gaps_ms` are the differences of times from event to event."""

    comparisons: tuple[Comparison, ...]
    gaps_ms: tuple[int, ...]
    tolerance_ms: int = TOLERANCE_MS

    @property
    def gaps_within(self) -> int:
        """How many of them are within the tolerance."""
        return sum(abs(gap) <= self.tolerance_ms for gap in self.gaps_ms)

    @property
    def share_within(self) -> float:
        """The same as a share of all; 1 where there are none."""
        return self.gaps_within / len(self.gaps_ms) if self.gaps_ms else 1.0

    @property
    def is_close(self) -> bool:
        """Whether enough of them are."""
        return self.share_within >= LEAST_SHARE_WITHIN


async def compare_random(config: Config, lab: Lab, count: int, seed: int, folder: Path) -> RandomAgreement:
    """Play so many random scenarios in both worlds; their files are left in `folder`."""
    async with Stage.open(config) as stage:
        cases = [case async for case in playable_cases(config, stage, count, seed, folder)]
    async with BothWorlds.open(config, lab) as worlds:
        comparisons = await worlds.play_all(cases)
    gaps = [
        gap
        for one in comparisons
        for simulated, real in zip(one.simulated, one.real, strict=False)
        for gap in gap_differences_ms(simulated.record, real)
    ]
    return RandomAgreement(tuple(comparisons), tuple(gaps))


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
