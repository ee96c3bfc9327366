"""The forms of simulated calls and of played scenarios."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ringflow.calls import events
from ringflow.calls.call_record import CallRecord
from ringflow.calls.event_json import event_json
from ringflow.calls.outcome import NEVER_DIALLED, Leg
from ringflow.forms.made_call import MadeCallForm, made_call_form
from ringflow.money import format_amount
from ringflow.simulator.exit_coverage import SlotCoverage
from ringflow.simulator.judgement import Judgement
from ringflow.simulator.run import SimulatedCall
from ringflow.simulator.scenario_files import ScenarioCase

HIDDEN = "***"
"""In place of the values of headers: one of them is a signature, which is good for a while."""


@dataclass(frozen=True, slots=True)
class DialledForm:
    """An outgoing attempt of a simulated call. `held` null: it costs nothing, or is not priced here."""

    position: int
    dial_string: str
    dialled: str
    trunk: str
    caller_id: str | None
    held: str | None
    currency: str | None
    limit_s: float | None


@dataclass(frozen=True, slots=True)
class SimulationForm:
    """A simulated call: what was heard and dialled, for how long credit lasts, and all that happened."""

    call: MadeCallForm
    heard: tuple[str, ...]
    prompts_missing: tuple[str, ...]
    legs_dialled: tuple[DialledForm, ...]
    events: object
    waits_for: str | None
    endless: bool


@dataclass(frozen=True, slots=True)
class ScenarioForm:
    """A scenario of a flow, and the line on which it begins."""

    name: str
    line: int
    app: str


@dataclass(frozen=True, slots=True)
class SlotCoverageForm:
    """By which exits the calls of scenarios left a slot, and by which they did not."""

    app: str
    slot: str
    entered: int
    taken: tuple[str, ...]
    not_taken: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlayedScenarioForm:
    """What came of one scenario. `failure` null: all was as expected."""

    name: str
    line: int
    passed: bool
    failure: str | None
    simulated: tuple[MadeCallForm, ...]


@dataclass(frozen=True, slots=True)
class PlayedScenariosForm:
    """What came of scenarios, and which exits of the flow they took."""

    passed: bool
    failed_count: int
    scenarios: tuple[PlayedScenarioForm, ...]
    coverage: tuple[SlotCoverageForm, ...]


@dataclass(frozen=True, slots=True)
class ScenarioRunForm:
    """What came of scenarios that were played as a job; its file has each of them.

    `failed_names` has the names of the first hundred that failed.
    """

    passed: bool
    played_count: int
    failed_count: int
    failed_names: tuple[str, ...]
    coverage: tuple[SlotCoverageForm, ...]


MOST_FAILED_NAMES = 100


def simulation_form(simulated: SimulatedCall, happened: Sequence[events.CallEvent]) -> SimulationForm:
    """Return a simulated call as it is shown."""
    held = {one.leg: one for one in happened if isinstance(one, events.CreditHeld)}
    targets = iter(simulated.legs)
    dialled = []
    for position, leg in enumerate(simulated.record.legs, start=1):
        target = next(targets, None) if leg.trunk and leg.status not in NEVER_DIALLED else None
        if target is not None:
            dialled.append(_dialled_form(position, leg, target.target, held.get(position)))
    return SimulationForm(
        call=call_without_values(simulated.record),
        heard=simulated.carried.prompts,
        prompts_missing=simulated.carried.missing_prompts,
        legs_dialled=tuple(dialled),
        events=tuple(event_json(one) for one in happened),
        waits_for=simulated.waits_for,
        endless=simulated.endless,
    )


def scenario_form(case: ScenarioCase) -> ScenarioForm:
    """Return a scenario as it is listed."""
    return ScenarioForm(case.scenario.name, case.line, case.app)


def played_scenarios_form(
    judgements: Sequence[Judgement], coverage: Iterable[SlotCoverage]
) -> PlayedScenariosForm:
    """Return what came of scenarios as it is shown."""
    failed = sum(one.failure is not None for one in judgements)
    return PlayedScenariosForm(
        passed=not failed,
        failed_count=failed,
        scenarios=tuple(map(played_scenario_form, judgements)),
        coverage=_coverage_forms(coverage),
    )


def scenario_run_form(
    played: int, failed: Sequence[str], coverage: Iterable[SlotCoverage]
) -> ScenarioRunForm:
    """Return how many scenarios were played, which failed, and which exits they took."""
    return ScenarioRunForm(
        passed=not failed,
        played_count=played,
        failed_count=len(failed),
        failed_names=tuple(failed[:MOST_FAILED_NAMES]),
        coverage=_coverage_forms(coverage),
    )


def played_scenario_form(one: Judgement) -> PlayedScenarioForm:
    """Return what came of a scenario as it is shown."""
    return PlayedScenarioForm(
        name=one.case.scenario.name,
        line=one.case.line,
        passed=one.failure is None,
        failure=one.failure,
        simulated=tuple(call_without_values(call.record) for call in one.calls),
    )


def call_without_values(record: CallRecord) -> MadeCallForm:
    """Return a simulated call without the values of headers."""
    form = made_call_form(record)
    legs = tuple(replace(leg, headers=dict.fromkeys(leg.headers, HIDDEN)) for leg in form.legs)
    return replace(form, legs=legs)


def _coverage_forms(coverage: Iterable[SlotCoverage]) -> tuple[SlotCoverageForm, ...]:
    return tuple(
        SlotCoverageForm(one.app, one.slot, one.entered, one.taken, one.not_taken) for one in coverage
    )


def _dialled_form(position: int, leg: Leg, target: str, held: events.CreditHeld | None) -> DialledForm:
    return DialledForm(
        position=position,
        dial_string=target,
        dialled=leg.dialled,
        trunk=leg.trunk,
        caller_id=leg.caller_id,
        held=None if held is None else format_amount(held.micros, held.currency),
        currency=None if held is None else held.currency,
        limit_s=None if held is None else held.limit_ms / 1000,
    )
