"""Plays a scenario and judges what came of it: passed, or the text of the failure."""

from __future__ import annotations

from dataclasses import dataclass

from ringflow.errors import DocumentError
from ringflow.simulator.differences import differences
from ringflow.simulator.report import all_differences, failure_text
from ringflow.simulator.run import SimulatedCall, simulate
from ringflow.simulator.scenario_files import ScenarioCase
from ringflow.simulator.stage import Stage


@dataclass(frozen=True, slots=True)
class Judgement:
    """`failure` is None where all was as expected; `call` is None where none could be made."""

    case: ScenarioCase
    call: SimulatedCall | None
    failure: str | None


async def play(case: ScenarioCase, stage: Stage) -> Judgement:
    """Play one scenario. What it gives and cannot be, such as a CLI of two customers, is its failure."""
    try:
        call = await simulate(case, stage)
    except DocumentError as error:
        return Judgement(case, None, f"{case.path}:{case.line}: {error}")
    found = all_differences(call, differences(case.scenario, call.record, money=call.money))
    if not found:
        return Judgement(case, call, None)
    flows = "".join(f"\n{problem}" for problem in stage.problems(case))
    return Judgement(case, call, failure_text(call, found) + flows)
