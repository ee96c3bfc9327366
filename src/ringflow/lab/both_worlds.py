"""Plays scenarios in both worlds, the simulator's and a real Asterisk's, and tells where they disagree."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from ringflow.calls.outcome import CallRecord
from ringflow.config import Config
from ringflow.errors import RingflowError
from ringflow.lab.agreement import WORLD_TOLERANCE_MS, disagreements, side_by_side, wire_disagreements
from ringflow.lab.call_values import LabCallResult
from ringflow.lab.lab import Lab
from ringflow.lab.scenario_plan import PlannedLeg, RealPlan, plan_call
from ringflow.lab.scenario_server import ScenarioServer, relabelled
from ringflow.simulator.differences import Difference, differences
from ringflow.simulator.run import SimulatedCall, simulate
from ringflow.simulator.scenario_files import ScenarioCase
from ringflow.simulator.stage import Stage, given_config, paying_customers

AT_ONCE = 12
"""Real calls at one time; every one has SIP and sound processes of its own, in real time."""

TRIES = 3

GRACE_S = 20.0
"""How much longer than the simulated call the real one may take, on a machine that has other work too."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A scenario in both worlds. `failure` is None where they agree with each other and with the scenario."""

    case: ScenarioCase
    simulated: SimulatedCall | None
    real: CallRecord | None
    wire: LabCallResult | None
    failure: str | None


class BothWorlds:
    """A stage for simulated calls, and a lab with a Ringflow server for real ones."""

    def __init__(self, lab: Lab, stage: Stage, server: ScenarioServer) -> None:
        self._lab = lab
        self._stage = stage
        self._server = server
        self._places = asyncio.Semaphore(AT_ONCE)
        self._trunks = TrunkPool(name for name in lab.asterisk().state.trunks if name.startswith("callee"))
        self._numbers = count(1)

    @classmethod
    @asynccontextmanager
    async def open(cls, config: Config, lab: Lab) -> AsyncIterator[BothWorlds]:
        """For the running lab, with the flows and prompts of a configuration. Raises `StartError`."""
        asterisk = lab.asterisk()
        port, ami = asterisk.state.fastagi_port, asterisk.manager_settings()
        with tempfile.TemporaryDirectory(prefix="ringflow-scenarios-") as folder:
            async with (
                Stage.open(config) as stage,
                ScenarioServer.open(port, Path(folder), ami) as server,
            ):
                yield cls(lab, stage, server)

    async def play_all(self, cases: Sequence[ScenarioCase]) -> list[Comparison]:
        """Play scenarios, as many at once as `AT_ONCE` and the trunks allow; in the order of `cases`.

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
        """Simulate it, then make the call. What cannot be played is a failure that says why."""
        async with self._places:
            simulated: SimulatedCall | None = None
            try:
                simulated = await simulate(case, self._stage)
                plan = plan_call(case.scenario, simulated)
                met = [leg for leg in plan.legs if leg.callee is not None]
                async with self._trunks.take(len(met)) as names:
                    return await self._compare(case, simulated, plan, dict(zip(met, names, strict=True)))
            except (RingflowError, TimeoutError) as error:
                text = str(error) or f"the real call did not end: {type(error).__name__}"
                return Comparison(case, simulated, None, None, f"{case.label}: {text}")

    async def _compare(
        self, case: ScenarioCase, simulated: SimulatedCall, plan: RealPlan, trunks: dict[PlannedLeg, str]
    ) -> Comparison:
        did = f"1800556{next(self._numbers):04}"
        config = relabelled(given_config(self._stage.config, case), case.scenario.call.did, did)
        paying = paying_customers(self._stage.config, case)
        turns: list[dict[str, str]] = [{} for _ in range(1 + max((leg.turn for leg in trunks), default=0))]
        for leg, trunk in trunks.items():
            turns[leg.turn][leg.trunk] = f"PJSIP/{{number}}@{trunk}"
        book, given = self._stage.book(case), case.scenario.given
        async with self._server.serving(did, config, book, given, paying, turns) as served:
            limit_s = simulated.record.duration_ms / 1000 + GRACE_S
            callees = {trunk: leg.callee for leg, trunk in trunks.items() if leg.callee is not None}
            wire = await self._lab.call(plan.caller(did), callees, limit_s)
            real = await served.kept.record()
            money = await served.till.count(real.customer) if served.till and real else None
        if real is None:
            return Comparison(case, simulated, None, wire, f"{case.label}: Ringflow has no record of it")
        seen = [wire.callees.get(trunks[leg]) if leg in trunks else None for leg in plan.legs]
        found = [
            *disagreements(simulated, real),
            *wire_disagreements(simulated, real, wire, seen, config, served.security_keys),
            *differences(case.scenario, real, WORLD_TOLERANCE_MS, money),
        ]
        failure = _failure(case, simulated.record, real, found) if found else None
        return Comparison(case, simulated, real, wire, failure)


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


def _failure(case: ScenarioCase, simulated: CallRecord, real: CallRecord, found: list[Difference]) -> str:
    lines = [f"{case.label}: simulated (expected) and real (came) differ", *map(str, found)]
    return "\n".join([*lines, *side_by_side(simulated, real)])
