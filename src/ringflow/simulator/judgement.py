"""Plays a scenario and says whether it passed, or how it failed."""

from __future__ import annotations

from dataclasses import dataclass

from ringflow.errors import DocumentError
from ringflow.simulator.differences import differences
from ringflow.simulator.invariants import broken_invariants, end_differences
from ringflow.simulator.report import failure_text
from ringflow.simulator.run import SimulatedCall, simulate_calls
from ringflow.simulator.scenario_files import ScenarioCase
from ringflow.simulator.stage import Stage


@dataclass(frozen=True, slots=True)
class Judgement:
    """`failure` is None where all was as expected; `calls` is empty where none could be made."""

    case: ScenarioCase
    calls: tuple[SimulatedCall, ...]
    failure: str | None


async def play(case: ScenarioCase, stage: Stage) -> Judgement:
    """Play one scenario. What it gives and cannot be, such as a CLI of two customers, is its failure."""
    try:
        calls = await simulate_calls(case, stage)
    except DocumentError as error:
        return Judgement(case, (), f"{case.path}:{case.line}: {error}")
    texts = [text for number, call in enumerate(calls, start=1) if (text := _failure(case, number, call))]
    if not texts:
        return Judgement(case, calls, None)
    flows = [str(problem) for problem in stage.problems(case)]
    return Judgement(case, calls, "\n".join([*texts, *flows]))


def _failure(case: ScenarioCase, number: int, call: SimulatedCall) -> str | None:
    """What differs in one of the calls, under its name where there are several."""
    given, script = case.scenario.given, case.scenario.scripts[number - 1]
    found = differences(
        given,
        script.expect,
        call.record,
        money=call.money,
        recordings=call.recordings,
        kept=call.kept,
        heard=call.heard,
    )
    found += [*end_differences(call, script.expect), *broken_invariants(call)]
    if not found:
        return None
    text = failure_text(call, found)
    return text if case.scenario.calls is None else f"{script.label(number)}:\n{text}"
