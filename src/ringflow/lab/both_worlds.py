"""Plays scenarios in both worlds, the simulator's and a real Asterisk's, and tells where they disagree."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path

from ringflow.accounts.did_patterns import REST, fitting_patterns, number_behind
from ringflow.calls.call_record import CallRecord
from ringflow.config import Config
from ringflow.errors import Refused, RingflowError
from ringflow.lab.agreement import WORLD_TOLERANCE_MS, disagreements, side_by_side, wire_disagreements
from ringflow.lab.asterisk_files import URI_SUFFIX
from ringflow.lab.call_values import CalleeRecord, LabCallResult
from ringflow.lab.lab import Lab
from ringflow.lab.scenario_plan import PlannedLeg, RealPlan, plan_call
from ringflow.lab.scenario_server import NOBODYS_URI, Dials, ScenarioServer, relabelled
from ringflow.lab.sipp_scenarios import LabCallee
from ringflow.simulator.differences import Difference, differences
from ringflow.simulator.run import SimulatedCall, simulate_calls
from ringflow.simulator.scenario import ScenarioCall
from ringflow.simulator.scenario_files import ScenarioCase
from ringflow.simulator.stage import Stage, given_config, paying_customers
from ringflow.simulator.virtual_call import AFTER_CALL_S

AT_ONCE = 12
"""Real calls at one time; every one has SIP and sound processes of its own, in real time."""

TRIES = 3

GRACE_S = 20.0
"""How much longer than the simulated call the real one may take, on a machine that has other work too."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A scenario in both worlds, call by call: as simulated, on record, and on the wire.

    `failure` is None where all agree with each other and with the scenario.
    """

    case: ScenarioCase
    simulated: tuple[SimulatedCall, ...]
    real: tuple[CallRecord, ...]
    wire: tuple[LabCallResult, ...]
    failure: str | None


class BothWorlds:
    """A stage for simulated calls, and a lab with a Ringflow server for real ones."""

    def __init__(self, lab: Lab, stage: Stage, server: ScenarioServer, at_once: int = AT_ONCE) -> None:
        self._lab = lab
        self._stage = stage
        self._server = server
        self._places = asyncio.Semaphore(at_once)
        self._trunks = TrunkPool(name for name in lab.asterisk().state.trunks if name.startswith("callee"))
        self._numbers = count(1)

    @classmethod
    @asynccontextmanager
    async def open(cls, config: Config, lab: Lab, at_once: int = AT_ONCE) -> AsyncIterator[BothWorlds]:
        """For the running lab, with the flows and prompts of a configuration. Raises `StartError`."""
        asterisk = lab.asterisk()
        port, ami = asterisk.state.fastagi_port, asterisk.manager_settings()
        with tempfile.TemporaryDirectory(prefix="ringflow-scenarios-") as folder:
            async with (
                Stage.open(config) as stage,
                ScenarioServer.open(port, Path(folder), ami) as server,
            ):
                yield cls(lab, stage, server, at_once)

    async def play_all(self, cases: Sequence[ScenarioCase]) -> list[Comparison]:
        """Play scenarios, as many at once as `at_once` and the trunks allow; in the order of `cases`.

        Where the worlds disagree the scenario is played again, up to `TRIES` times in all: a busy machine is
        late with keys now and then, a wrong simulator is wrong every time.
        """
        found = {case.label: one for case, one in zip(cases, await self._play(cases), strict=True)}
        for _ in range(TRIES - 1):
            again = [one.case for one in found.values() if one.failure is not None]
            found |= {case.label: one for case, one in zip(again, await self._play(again), strict=True)}
        return [found[case.label] for case in cases]

    async def _play(self, cases: Sequence[ScenarioCase]) -> list[Comparison]:
        return await asyncio.gather(*(self.play(case) for case in cases))

    async def play(self, case: ScenarioCase) -> Comparison:
        """Simulate it, then make its calls. What cannot be played is a failure that says why."""
        async with self._places:
            simulated: tuple[SimulatedCall, ...] = ()
            try:
                simulated = await simulate_calls(case, self._stage)
                scripts = case.scenario.scripts
                if any(one.called is not None for one in scripts):
                    text = "the lab cannot play a scenario in which somebody is called"
                    raise Refused("scenario.not_for_the_lab", text)
                plans = [plan_call(*one) for one in zip(scripts, simulated, strict=True)]
                async with self._trunks.take(_trunk_count(plans)) as names:
                    return await self._compare(case, simulated, plans, names)
            except (RingflowError, TimeoutError) as error:
                text = str(error) or f"the real call did not end: {type(error).__name__}"
                return Comparison(case, simulated, (), (), f"{case.label}: {text}")

    async def _compare(
        self,
        case: ScenarioCase,
        simulated: tuple[SimulatedCall, ...],
        plans: list[RealPlan],
        names: list[str],
    ) -> Comparison:
        scenario = case.scenario
        config = given_config(self._stage.config, case)
        called, own_dids = self._numbers_of_lab(config, [one.call.did for one in scenario.scripts])
        config = relabelled(config, own_dids)
        paying = paying_customers(self._stage.config, case)
        trunks, dials = _trunks_of_legs(plans, names)
        book = self._stage.book(case)
        serving = self._server.serving([*called.values()], config, book, scenario.given, paying, dials)
        async with serving as served:
            ready = asyncio.Barrier(len(plans))

            async def make(script: ScenarioCall, plan: RealPlan, call: SimulatedCall) -> LabCallResult:
                async def begins() -> None:
                    await ready.wait()
                    await asyncio.sleep(script.after / 1000)

                callees: dict[str, list[LabCallee]] = {}
                for leg in plan.legs:
                    if leg.callee is not None:
                        callees[trunks[leg]] = [*callees.get(trunks[leg], ()), leg.callee]
                limit_s = (script.after + call.record.duration_ms) / 1000 + GRACE_S
                in_talk = [(one.after, partial(served.money.pay_in, one)) for one in script.top_up]
                caller = plan.caller(called[script.call.did])
                return await self._lab.call(caller, callees, limit_s, begins, in_talk)

            every = zip(scenario.scripts, plans, simulated, strict=True)
            making = [make(script, plan, call) for script, plan, call in every]
            wires = tuple(await asyncio.gather(*making))
            records = await served.kept.records(len(plans))
            if len(records) != len(plans):
                what = f"Ringflow has {len(records)} records of {len(plans)} calls"
                return Comparison(case, simulated, (), wires, f"{case.label}: {what}")
            # The first to arrive is the first on record.
            order = sorted(range(len(plans)), key=lambda index: scenario.scripts[index].after)
            real = tuple(records[order.index(index)] for index in range(len(plans)))
            await served.money.close()
            after = [await served.money.count(one.customer) for one in real]
            recorded = [await served.recordings.of_call(one.call_id) for one in real]
            await served.after_calls.finish(AFTER_CALL_S)
            kept = [await served.values.of(one) for one in scenario.scripts]
        texts = []
        for index, plan in enumerate(plans):
            one, script = simulated[index], scenario.scripts[index]
            seen = _callees_of(plan, trunks, wires[index])
            found = [
                *disagreements(one, real[index]),
                *wire_disagreements(
                    one, real[index], wires[index], seen, config, served.security_keys, served.ahead_s
                ),
                *differences(
                    scenario.given,
                    script.expect,
                    # Whether an older Asterisk refuses with the nearest code is compared above.
                    replace(real[index], reject=one.record.reject),
                    WORLD_TOLERANCE_MS,
                    after[index],
                    recorded[index],
                    kept[index],
                ),
            ]
            if found:
                name = case.label if scenario.calls is None else f"{case.label}: {script.label(index + 1)}"
                texts.append(_failure(name, one.record, real[index], found))
        return Comparison(case, simulated, real, wires, "\n".join(texts) or None)

    def _numbers_of_lab(self, config: Config, called: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
        """The lab's numbers for those that a scenario's calls dial, and for the DIDs that these reach.

        What is dialled behind a DID such as `5061999{number}` stays behind the lab's number.
        """
        numbers: dict[str, str] = {}
        dids: dict[str, str] = {}
        known = {one.number for one in config.dids}
        for dialled in dict.fromkeys(called):
            patterns = () if dialled in known else fitting_patterns(dialled, config.country)
            did = next((one for one in patterns if one in known), dialled)
            if did not in dids:
                rest = REST if did != dialled else ""
                dids[did] = f"1800556{next(self._numbers):04}{rest}"
            behind = number_behind(did, dialled, config.country) if did != dialled else ""
            numbers[dialled] = dids[did].removesuffix(REST) + behind
        return numbers, dids


def _trunk_count(plans: Sequence[RealPlan]) -> int:
    """How many of the lab's trunks a scenario needs: one for each callee, and one for all SIP URIs."""
    legs = [leg for plan in plans for leg in plan.legs if leg.callee is not None]
    return sum(leg.turn is not None for leg in legs) + any(leg.turn is None for leg in legs)


def _trunks_of_legs(plans: Sequence[RealPlan], names: list[str]) -> tuple[dict[PlannedLeg, str], Dials]:
    """Which of the lab's trunks each leg goes through, and what leads there in turn.

    Raises `Refused` for SIP URIs of which some have a callee and others have none.
    """
    free = iter(names)
    trunks: dict[PlannedLeg, str] = {}
    turns: dict[tuple[int, int], dict[str, str]] = {}
    began_ms: dict[tuple[int, int], int] = {}
    for call, plan in enumerate(plans):
        for leg in plan.legs:
            if leg.turn is None:
                continue
            turn = call, leg.turn
            began_ms.setdefault(turn, leg.at_ms)
            turns.setdefault(turn, {})
            if leg.callee is not None:
                trunks[leg] = next(free)
                turns[turn][leg.trunk] = f"PJSIP/{{number}}@{trunks[leg]}"
    uris = [leg for plan in plans for leg in plan.legs if leg.turn is None]
    uri_dial = NOBODYS_URI
    if any(leg.callee is not None for leg in uris):
        if sum(any(leg.turn is None for leg in plan.legs) for plan in plans) > 1:
            raise Refused(
                "scenario.not_for_the_lab",
                "the lab has one place for all SIP URIs: two calls cannot dial them at the same time",
            )
        if any(leg.callee is None for leg in uris):
            raise Refused(
                "scenario.not_for_the_lab",
                "the lab has one place for all SIP URIs: either all of them are there, or none",
            )
        name = next(free)
        trunks |= dict.fromkeys(uris, name)
        uri_dial = f"PJSIP/{name}{URI_SUFFIX}/{{uri}}"
    # A time of dialling at which nothing was dialled, as without credit, comes before the call's next one.
    for call, last in dict(sorted(turns)).items():
        for place in range(last - 1, -1, -1):
            turns.setdefault((call, place), {})
            began_ms.setdefault((call, place), began_ms[call, place + 1])
    in_order = sorted(turns, key=lambda turn: (began_ms[turn], turn))
    return trunks, Dials([turns[turn] for turn in in_order], uri_dial)


def _callees_of(
    plan: RealPlan, trunks: Mapping[PlannedLeg, str], wire: LabCallResult
) -> list[CalleeRecord | None]:
    """What each planned callee saw; those behind one trunk in the order of their turns."""
    left = {trunk: iter(records) for trunk, records in wire.in_turn.items()}
    return [next(left[trunks[leg]], None) if trunks.get(leg) in left else None for leg in plan.legs]


class TrunkPool:
    """The lab's trunks, each of which serves one call at a time."""

    def __init__(self, names: Iterable[str]) -> None:
        self._free = sorted(names)
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def take(self, number: int) -> AsyncIterator[list[str]]:
        """So many at once, waited for; given back at the end."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._free) >= number)
            taken, self._free = self._free[:number], self._free[number:]
        try:
            yield taken
        finally:
            async with self._changed:
                self._free += taken
                self._changed.notify_all()


def _failure(label: str, simulated: CallRecord, real: CallRecord, found: list[Difference]) -> str:
    lines = [f"{label}: simulated (expected) and real (came) differ", *map(str, found)]
    return "\n".join([*lines, *side_by_side(simulated, real)])
