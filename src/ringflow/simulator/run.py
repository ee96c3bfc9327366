"""Plays a scenario and tells what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from ringflow.calls.outcome import CallRecord
from ringflow.simulator.callee import DialledLeg, callees_in_turn
from ringflow.simulator.caller import ScriptedCaller, Timeline
from ringflow.simulator.carrying import Arrival, CarriedCall, carry_call
from ringflow.simulator.clock import DEFAULT_START_S, VirtualClock
from ringflow.simulator.scenario_files import ScenarioCase
from ringflow.simulator.stage import Stage
from ringflow.simulator.till import MoneyAfter


@dataclass(frozen=True, slots=True)
class SimulatedCall:
    """What came of a scripted call, on both sides of the wire.

    `timeline` has the caller's keys and hang-up. `endless`: nobody had ended the call after `MAX_CALL_MS`.
    `waits_for`: what the caller never got to hear. `money` is None where calls cost nothing.
    """

    carried: CarriedCall
    timeline: Timeline
    endless: bool
    waits_for: str | None
    money: MoneyAfter | None = None

    @property
    def record(self) -> CallRecord:
        """What Ringflow knows of the call."""
        return self.carried.record

    @property
    def legs(self) -> tuple[DialledLeg, ...]:
        """The outgoing attempts as seen from outside, each with the callee that it met."""
        return self.carried.legs


async def simulate(case: ScenarioCase, stage: Stage) -> SimulatedCall:
    """Play one scenario. Raises `ConfigError` when what it gives cannot be."""
    scenario = case.scenario
    now = scenario.given.now
    clock = VirtualClock(DEFAULT_START_S if now is None else now.timestamp())
    caller = ScriptedCaller(clock, scenario.steps)
    plan = scenario.call
    arrival = Arrival(plan.did, plan.caller, plan.presentation == "restricted")
    meet = callees_in_turn(scenario.callees)
    async with stage.engines(case, clock) as (make_engine, till):
        carried = await carry_call(
            arrival, make_engine, caller, clock, meet, stage.duration_of, manager=scenario.given.manager,
            in_talk=[(one.after, partial(till.pay_in, one)) for one in scenario.top_up] if till else (),
        )  # fmt: skip
        money = None if till is None else await till.count(carried.record.customer)
    return SimulatedCall(carried, caller.timeline, caller.endless, caller.waits_for, money)
