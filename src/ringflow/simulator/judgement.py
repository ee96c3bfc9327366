"""Plays a scenario and says whether it passed, or how it failed."""

from __future__ import annotations

from dataclasses import dataclass

from ringflow.errors import DocumentError, Refused
from ringflow.simulator.differences import differences
from ringflow.simulator.invariants import broken_invariants, end_differences
from ringflow.simulator.report import failure_text
from ringflow.simulator.run import OtherCalls, SimulatedCall, simulate_calls
from ringflow.simulator.scenario import Expected
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
    except OtherCalls as other:
        lines = [str(other), *(line for call in other.calls for line in failure_text(call, []).splitlines())]
        return Judgement(case, other.calls, "\n".join(lines))
    except (DocumentError, Refused) as error:
        return Judgement(case, (), f"{case.path}:{case.line}: {error}")
    texts = [text for number, call in enumerate(calls, start=1) if (text := _failure(case, number, call))]
    if not texts:
        return Judgement(case, calls, None)
    flows = [str(problem) for problem in stage.problems(case)]
    return Judgement(case, calls, "\n".join([*texts, *flows]))


def _failure(case: ScenarioCase, number: int, call: SimulatedCall) -> str | None:
    """What differs in one of the calls, under its name where there are several."""
    script = case.scenario.scripts[number - 1]
    texts = []
    if script.called is None or call.dialling is not None:
        texts += _failures(case, call, script.expect)
    elif script.expect.model_fields_set:
        texts.append("call: expected somebody to answer, came nobody")
    if script.called is not None:
        dialling = call.dialling or call
        texts += [f"the call that rings: {text}" for text in _failures(case, dialling, script.dialling)]
    if not texts:
        return None
    text = "\n".join(texts)
    return text if case.scenario.calls is None else f"{script.label(number)}:\n{text}"


def _failures(case: ScenarioCase, call: SimulatedCall, expected: Expected) -> list[str]:
    """What differs in a call, in one text; none where all is as expected."""
    found = differences(
        case.scenario.given,
        expected,
        call.record,
        money=call.money,
        recordings=call.recordings,
        kept=call.kept,
        heard=call.heard,
    )
    found += [*end_differences(call, expected), *broken_invariants(call)]
    return [failure_text(call, found)] if found else []
