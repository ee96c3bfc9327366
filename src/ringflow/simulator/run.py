"""Plays a scenario and tells what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from pydantic import JsonValue

from ringflow.calls.call_record import CallRecord
from ringflow.calls.outcome import NEVER_DIALLED, Leg
from ringflow.simulator.callee import DialledLeg
from ringflow.simulator.callee_plan import callees_by_place, meeting
from ringflow.simulator.caller import MAX_CALL_MS, ScriptedCaller, Timeline
from ringflow.simulator.clock import DEFAULT_START_S, VirtualClock, Waiter
from ringflow.simulator.exchange import Exchange
from ringflow.simulator.scenario import ScenarioCall
from ringflow.simulator.scenario_files import ScenarioCase
from ringflow.simulator.scenario_money import MoneyAfter
from ringflow.simulator.scenario_recordings import RecordedSound
from ringflow.simulator.stage import Stage
from ringflow.simulator.virtual_call import Arrival, CarriedCall, carry_call


@dataclass(frozen=True, slots=True)
class SimulatedCall:
    """What came of a scripted call, on both sides of the wire.

    `timeline` has the caller's keys and hang-up. `endless`: nobody had ended the call after `MAX_CALL_MS`.
    `waits_for`: what the caller never got to hear; `heard`: all that he did, in order. `script`: what was to
    happen, None for a call without a scenario. `money`: what there is after it, and `recordings`: what was
    kept; None where nobody counted.
    `kept`: those values of scripts that the scenario asks for.
    """

    carried: CarriedCall
    timeline: Timeline
    endless: bool
    waits_for: str | None
    heard: tuple[str, ...] = ()
    script: ScenarioCall | None = None
    money: MoneyAfter | None = None
    recordings: tuple[RecordedSound, ...] | None = None
    kept: Mapping[str, JsonValue] | None = None

    @property
    def record(self) -> CallRecord:
        """What Ringflow knows of the call."""
        return self.carried.record

    @property
    def legs(self) -> tuple[DialledLeg, ...]:
        """The outgoing attempts as seen from outside, each with the callee that it met."""
        return self.carried.legs


def dialled_legs(record: CallRecord) -> list[Leg]:
    """The legs for which an INVITE was sent, or at least tried."""
    return [leg for leg in record.legs if leg.trunk and leg.status not in NEVER_DIALLED]


@dataclass(frozen=True, slots=True)
class _Made:
    script: ScenarioCall
    carried: CarriedCall
    caller: ScriptedCaller

    def told(
        self, money: MoneyAfter, recordings: tuple[RecordedSound, ...], kept: Mapping[str, JsonValue]
    ) -> SimulatedCall:
        caller = self.caller
        return SimulatedCall(
            self.carried,
            caller.timeline,
            caller.endless,
            caller.waits_for,
            caller.all_heard,
            self.script,
            money,
            recordings,
            kept,
        )


async def simulate(case: ScenarioCase, stage: Stage) -> SimulatedCall:
    """Play a scenario, and tell of its first call. Raises `ConfigError` when what it gives cannot be."""
    return (await simulate_calls(case, stage))[0]


async def simulate_calls(case: ScenarioCase, stage: Stage) -> tuple[SimulatedCall, ...]:
    """Play all calls of a scenario at the same time, in virtual time; in the order of `scripts`.

    Raises `ConfigError` when what the scenario gives cannot be.
    """
    scenario = case.scenario
    now = scenario.given.now
    clock = VirtualClock(DEFAULT_START_S if now is None else now.timestamp())
    given = scenario.given
    exchange = Exchange(queues={name: one.virtual() for name, one in given.queues.items()})
    places = callees_by_place(given.callees)
    async with stage.engines(case, clock) as (make_engine, ready):
        money = ready.money

        async def make(number: int, script: ScenarioCall) -> _Made:
            try:
                await Waiter(clock).until(script.after)
                limit_ms = MAX_CALL_MS if script.expect.endless is None else script.expect.endless
                caller = ScriptedCaller(clock, script.steps, limit_ms)
                plan = script.call
                carried = await carry_call(
                    Arrival(
                        plan.did, plan.caller, plan.presentation == "restricted",
                        number=number, headers=plan.headers,
                    ),
                    make_engine, caller, clock, meeting(places, script.callees), stage.duration_of,
                    manager=scenario.given.manager,
                    in_talk=[(one.after, partial(money.pay_in, one)) for one in script.top_up],
                    exchange=exchange,
                    recordings=ready.recordings.service.folder.folder,
                )  # fmt: skip
                return _Made(script, carried, caller)
            finally:
                clock.leave()

        # All are there before the first one waits: no time passes without the others.
        clock.join(len(scenario.scripts))
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(make(*one)) for one in enumerate(scenario.scripts, start=1)]
        made = [task.result() for task in tasks]
        await money.close()
        return tuple(
            [
                one.told(
                    await money.count(one.carried.record.customer),
                    await ready.recordings.of_call(one.carried.record.call_id),
                    await ready.values.of(one.script),
                )
                for one in made
            ]
        )
