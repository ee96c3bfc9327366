"""Plays a scenario and tells what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count

from pydantic import JsonValue

from ringflow.calls.call_record import CallRecord
from ringflow.calls.outcome import NEVER_DIALLED, Leg
from ringflow.errors import Refused
from ringflow.simulator.callee import DialledLeg, MeetCallee
from ringflow.simulator.callee_plan import callees_by_place, meeting
from ringflow.simulator.caller import MAX_CALL_MS, ScriptedCaller, Timeline
from ringflow.simulator.clock import DEFAULT_START_S, VirtualClock, Waiter
from ringflow.simulator.exchange import Exchange
from ringflow.simulator.line import Line
from ringflow.simulator.originate_plan import OriginatePlan
from ringflow.simulator.scenario import ScenarioCall, TopUp
from ringflow.simulator.scenario_files import ScenarioCase
from ringflow.simulator.scenario_money import SCENARIO, MoneyAfter
from ringflow.simulator.scenario_recordings import RecordedSound
from ringflow.simulator.stage import Stage
from ringflow.simulator.virtual_call import Arrival, CarriedCall, carry_call
from ringflow.simulator.virtual_link import MadeCall, VirtualLink
from ringflow.simulator.world import ScenarioWorld


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
    dialling: SimulatedCall | None = None
    """The call by which the caller was called; None where nobody called him, or he did not answer."""

    @property
    def record(self) -> CallRecord:
        """What Ringflow knows of the call."""
        return self.carried.record

    @property
    def legs(self) -> tuple[DialledLeg, ...]:
        """The outgoing attempts as seen from outside, each with the callee that it met."""
        return self.carried.legs


class OtherCalls(Refused):
    """Ringflow had calls made that a scenario does not foresee, or did not have those made that it does."""

    def __init__(self, text: str, calls: Sequence[SimulatedCall]) -> None:
        super().__init__("scenario.other_calls", text)
        self.calls = tuple(calls)


def dialled_legs(record: CallRecord) -> list[Leg]:
    """The legs for which an INVITE was sent, or at least tried."""
    return [leg for leg in record.legs if leg.trunk and leg.status not in NEVER_DIALLED]


@dataclass(frozen=True, slots=True)
class _Played:
    """A call and its ends, before the books are looked at."""

    script: ScenarioCall
    carried: CarriedCall
    timeline: Timeline
    endless: bool = False
    waits_for: str | None = None
    heard: tuple[str, ...] = ()

    @classmethod
    def by(cls, script: ScenarioCall, carried: CarriedCall, caller: ScriptedCaller) -> _Played:
        return cls(script, carried, caller.timeline, caller.endless, caller.waits_for, caller.all_heard)

    async def told(self, ready: ScenarioWorld, dialling: SimulatedCall | None = None) -> SimulatedCall:
        return SimulatedCall(
            self.carried,
            self.timeline,
            self.endless,
            self.waits_for,
            self.heard,
            self.script,
            await ready.money.count(self.carried.record.customer),
            await ready.recordings.of_call(self.carried.record.call_id),
            await ready.values.of(self.script),
            dialling,
        )


async def simulate(case: ScenarioCase, stage: Stage) -> SimulatedCall:
    """Play a scenario, and tell of its first call. Raises as `simulate_calls`."""
    return (await simulate_calls(case, stage))[0]


async def simulate_calls(case: ScenarioCase, stage: Stage) -> tuple[SimulatedCall, ...]:
    """Play all calls of a scenario at the same time, in virtual time; in the order of `scripts`.

    Raises `ConfigError` when what the scenario gives cannot be, `Refused` when a call that it asks for is
    not made, `OtherCalls` when Ringflow calls others than it says.
    """
    scenario, scripts = case.scenario, case.scenario.scripts
    given, now = scenario.given, scenario.given.now
    clock = VirtualClock(DEFAULT_START_S if now is None else now.timestamp())
    exchange = Exchange(queues={name: one.virtual() for name, one in given.queues.items()})
    places = callees_by_place(given.callees)
    numbers = count(1)
    refused: list[Refused] = []
    called = [one for one in scripts if one.called is not None]
    active = [one for one in scripts if one.called is None or one.originate is not None]
    link = VirtualLink(
        clock,
        [one for one in called if one.originate is None],
        lambda script: meeting(places, script.callees),
    )
    async with stage.engines(case, clock, link) as (make_engine, ready, originator):

        async def carry(
            arrival: Arrival, line: Line, meet: MeetCallee, top_up: Sequence[TopUp] = ()
        ) -> CarriedCall:
            return await carry_call(
                arrival, make_engine, line, clock, meet, stage.duration_of,
                manager=given.manager,
                in_talk=[(one.after, partial(ready.money.pay_in, one)) for one in top_up],
                exchange=exchange,
                recordings=ready.recordings.service.folder.folder,
            )  # fmt: skip

        async def carry_half(
            extension: str, channel: str, line: Line, meet: MeetCallee, *, is_up: bool
        ) -> CarriedCall:
            arrival = Arrival(extension, None, number=next(numbers), half=channel, is_up=is_up)
            return await carry(arrival, line, meet)

        async def call(script: ScenarioCall) -> _Played:
            limit_ms = MAX_CALL_MS if script.expect.endless is None else script.expect.endless
            plan = script.call
            caller = ScriptedCaller(clock, script.steps, limit_ms, plan.gives_up_after)
            arrival = Arrival(
                plan.did, plan.caller, plan.presentation == "restricted",
                number=next(numbers), headers=plan.headers,
            )  # fmt: skip
            carried = await carry(arrival, caller, meeting(places, script.callees), script.top_up)
            return _Played.by(script, carried, caller)

        async def ask(script: ScenarioCall, plan: OriginatePlan) -> None:
            try:
                await originator.ask(plan.wanted(case.app), SCENARIO, ready.money.acting)
            except Refused as error:
                refused.append(error)
                return
            link.expect(script)
            # The call begins in a task of its own, before any time passes.
            await asyncio.sleep(0)

        async def make(script: ScenarioCall) -> _Played | None:
            try:
                await Waiter(clock).until(script.after)
                if script.originate is None:
                    return await call(script)
                await ask(script, script.originate)
                return None
            finally:
                clock.leave()

        link.carry = carry_half
        # All are there before the first one waits: no time passes without the others.
        clock.join(len(active))
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(make(one)) for one in active]
        if refused:
            raise refused[0]
        await link.finished()
        await originator.rung()
        await ready.money.close()
        played = [(one, await one.told(ready)) for task in tasks if (one := task.result()) is not None]
        found = {id(one.script): call for one, call in played}
        for made in link.made:
            if made.script is not None:
                found[id(made.script)] = await _called(made, made.script, ready)
        calls = [found[id(one)] for one in scripts if id(one) in found]
        missing = [one.label(number) for number, one in enumerate(scripts, start=1) if id(one) not in found]
        if missing:
            raise OtherCalls(f"{', '.join(missing)}: expected to be called, came nobody's call", calls)
        if others := [one.dialling for one in link.made if one.script is None and one.dialling is not None]:
            targets = ", ".join(leg.target for one in others for leg in one.legs) or "nobody"
            raise OtherCalls(f"Ringflow called {targets}, of whom no call with `called` speaks", calls)
        return tuple(calls)


async def _called(made: MadeCall, script: ScenarioCall, ready: ScenarioWorld) -> SimulatedCall:
    """What came of a call that Ringflow made: in the app, or where nobody answered of the dialling alone."""
    assert made.dialling is not None
    assert made.line is not None
    answered_ms, hung_up_ms = made.line.answered_ms, made.line.hung_up_ms
    timeline = Timeline(
        answered=answered_ms is not None,
        keys=(),
        hung_up_at_ms=None if hung_up_ms is None else hung_up_ms - (answered_ms or 0),
    )
    dialling = await _Played(
        ScenarioCall.model_construct(expect=script.dialling), made.dialling, timeline
    ).told(ready)
    if made.in_app is None or made.party is None:
        return dialling
    return await _Played.by(script, made.in_app, made.party).told(ready, dialling)
