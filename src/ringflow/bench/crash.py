"""`ringflow bench crash`: kill -9 of the server while calls ring and talk, and what the books say then."""

from __future__ import annotations

import asyncio
import random
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ringflow.bench.charged_stage import CUSTOMER, TERMS, ChargedStage, charged_stage
from ringflow.bench.sip_round import CallTimes, run_round
from ringflow.calls.call_ids import LegId
from ringflow.lab import Lab
from ringflow.lab.sipp_scenarios import LabCallee
from ringflow.ledger.terms import charge_micros
from ringflow.store.ledger_tables import ledger_holds

CALLS, CALLS_PER_S = 12, 4
RINGS_MS, TALKS_MS = 2000, 5000
KILLED_FROM_S, KILLED_TO_S = 4.0, 10.0
"""From the first call's INVITE: the first calls talk, the next ring, others are at the prompt."""

DOWN_AT_MOST_S = 3.0
TOLERANCE_MS = 100
SETTLED_WITHIN_S = 20.0

_LEG = re.compile(r"(\d+) \S+ answered (\d+)ms")


@dataclass(frozen=True, slots=True)
class CrashRound:
    """What came of one round. `wrong` says in words what is not as it must be.

    `by_handler`, `by_reaper`: legs that were settled by the hangup handler's question, and from AstDB.
    `worst_ms`: the largest difference between a logged talk time and the wire.
    """

    talked: int
    by_handler: int
    by_reaper: int
    clean_after_s: float
    worst_ms: float
    wrong: tuple[str, ...]


async def measure_crashes(
    project: Path, lab_folder: Path, release: str | None, rounds: int, seed: int | None = None
) -> list[CrashRound]:
    """So many rounds on one Asterisk and one database. Raises `StartError`."""
    chance = random.Random(seed)  # noqa: S311 -- moments of killing, not secrets
    with tempfile.TemporaryDirectory(prefix="ringflow-crash-") as name:
        lab = Lab(lab_folder, release, Path(name) / "asterisk")
        async with charged_stage(Path(name), project, lab) as stage:
            return [await crash_round(stage, chance) for _ in range(rounds)]


async def crash_round(
    stage: ChargedStage, chance: random.Random, tolerance_ms: int = TOLERANCE_MS
) -> CrashRound:
    """Call, kill, restart after a while, wait until nothing is left over, and compare with the wire."""
    server, loop = stage.server, asyncio.get_running_loop()
    known = len(server.logged)
    earlier = await charges_of(stage)
    await server.start()
    callee = LabCallee(answers_after_ms=RINGS_MS, hangs_up_after_ms=TALKS_MS)
    calling = asyncio.create_task(run_round(stage.lab.packages, stage.way, CALLS, CALLS_PER_S, callee))
    await asyncio.sleep(chance.uniform(KILLED_FROM_S, KILLED_TO_S))
    await server.kill()
    await asyncio.sleep(chance.uniform(0, DOWN_AT_MOST_S))
    await server.start()
    calls = await calling
    over = loop.time()
    while (left := await stage.left_over()) != (0, 0) and loop.time() - over < SETTLED_WITHIN_S:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    clean_after_s = loop.time() - over
    wrong = [f"{left[0]} holds and {left[1]} marks are left"] if left != (0, 0) else []
    await server.kill()
    wrong += [str(finding) for finding in await stage.findings()]
    charges = {leg: micros for leg, micros in (await charges_of(stage)).items() if leg not in earlier}
    logged = server.logged[known:]
    worst_ms, not_so = compare_with_wire(calls, charges, logged, tolerance_ms)
    return CrashRound(
        talked=sum(1 for call in calls if call.talked),
        by_handler=sum(1 for one in logged if one["event"] == "leg settled at its hang-up"),
        by_reaper=sum(1 for one in logged if one["event"] == "leg settled from AstDB"),
        clean_after_s=clean_after_s,
        worst_ms=worst_ms,
        wrong=tuple(wrong + not_so),
    )


async def charges_of(stage: ChargedStage) -> dict[str, int]:
    """What each leg that ended was charged."""
    async with stage.store.reading() as connection:
        rows = await connection.execute(
            ledger_holds.select().where(
                ledger_holds.c.account_id == CUSTOMER, ledger_holds.c.state == "settled"
            )
        )
        return {row.leg_id: row.charged_micros for row in rows if row.charged_micros}


def compare_with_wire(
    calls: list[CallTimes], charges: dict[str, int], logged: list[dict[str, object]], tolerance_ms: int
) -> tuple[float, list[str]]:
    """The wire's talks against charges and logged talk times, both in the order of arrival."""
    talks = [call for call in sorted(calls, key=lambda call: call.began_at) if call.answered_at is not None]
    legs = sorted(charges, key=_arrival)
    if len(legs) != len(talks):
        return 0.0, [f"{len(talks)} calls talked and {len(legs)} legs were charged"]
    wrong: list[str] = []
    worst_ms = 0.0
    by_leg = {str(one["leg"]): one["talked_ms"] for one in logged if "talked_ms" in one and "leg" in one}
    by_number = {
        match[1]: int(match[2])
        for one in logged
        if one["event"] == "call ended" and isinstance(one["legs"], list)
        for leg in one["legs"]
        if (match := _LEG.fullmatch(leg))
    }
    for call, leg_id in zip(talks, legs, strict=True):
        wire_ms = call.talked_ms
        low, high = (charge_micros(TERMS, round(wire_ms + off)) for off in (-tolerance_ms, tolerance_ms))
        if not low <= charges[leg_id] <= high:
            wrong.append(f"{call.number} talked {wire_ms:.0f} ms and paid {charges[leg_id]} micro-units")
        told_ms = by_leg.get(leg_id, by_number.get(call.number))
        if isinstance(told_ms, int):
            worst_ms = max(worst_ms, abs(told_ms - wire_ms))
    if worst_ms > tolerance_ms:
        wrong.append(f"a talk time is {worst_ms:.0f} ms off the wire")
    return worst_ms, wrong


def _arrival(leg_id: str) -> tuple[int, int]:
    """By the caller's channel: Asterisk counts them in its unique ids."""
    leg = LegId.read(leg_id)
    assert leg is not None, leg_id
    second, _, count = leg.unique_id.partition(".")
    return int(second), int(count)
