"""Plays a scenario and tells what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from ringflow.calls.outcome import CallRecord
from ringflow.simulator.callee import DialledLeg, callees_in_turn
from ringflow.simulator.caller import ScriptedCaller, Timeline
from ringflow.simulator.carrying import Arrival, CarriedCall, carry_call
from ringflow.simulator.clock import DEFAULT_START_S, VirtualClock
from ringflow.simulator.scenario_files import ScenarioCase
from ringflow.simulator.stage import Stage


@dataclass(frozen=True, slots=True)
class SimulatedCall:
    """What came of a scripted call.

    `timeline` has the caller's keys and hang-up, `legs` the outgoing attempts as seen from outside.
    `endless`: nobody had ended the call after `MAX_CALL_MS`. `waits_for`: what the caller never got to hear.
    """

    record: CallRecord
    timeline: Timeline
    legs: tuple[DialledLeg, ...]
    prompts: tuple[str, ...]
    sip_code: int | None
    endless: bool
    waits_for: str | None
    missing_prompts: tuple[str, ...]
    wire: tuple[str, ...]


async def simulate(case: ScenarioCase, stage: Stage) -> SimulatedCall:
    """Play one scenario. Raises `ConfigError` when what it gives cannot be."""
    scenario = case.scenario
    now = scenario.given.now
    clock = VirtualClock(DEFAULT_START_S if now is None else now.timestamp())
    caller = ScriptedCaller(clock, scenario.steps)
    plan = scenario.call
    arrival = Arrival(plan.did, plan.caller, plan.presentation == "restricted")
    async with stage.engines(case, clock) as make_engine:
        carried = await carry_call(
            arrival, make_engine, caller, clock, callees_in_turn(scenario.callees), stage.duration_of
        )
    return simulated(carried, caller)


def simulated(carried: CarriedCall, caller: ScriptedCaller) -> SimulatedCall:
    """Both sides of a call together."""
    return SimulatedCall(
        record=carried.record,
        timeline=caller.timeline,
        legs=carried.legs,
        prompts=carried.prompts,
        sip_code=carried.sip_code,
        endless=caller.endless,
        waits_for=caller.waits_for,
        missing_prompts=carried.missing_prompts,
        wire=carried.wire,
    )
