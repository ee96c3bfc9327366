"""`ringflow bench billed`: real calls with a long menu: billed talk against the wire, what charging adds."""

from __future__ import annotations

import asyncio
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from ringflow.bench.charged_stage import ChargedStage, charged_stage
from ringflow.bench.sip_round import CallTimes, run_round
from ringflow.lab import Lab
from ringflow.lab.sipp_scenarios import LabCallee

MENU_MS = 6000
"""From the caller's answer to the first key: time that ANSWEREDTIME would charge."""

CALLS_PER_S = 10
CALLEE = LabCallee(answers_after_ms=300, hangs_up_after_ms=1500)
RECORDS_S = 5.0

_LEG = re.compile(r"(\d+) \S+ answered (\d+)ms")


@dataclass(slots=True)
class BilledFigures:
    """`off_ms`: billed less talked on the wire, of each charged call. The others: from last key to INVITE."""

    asterisk: str = ""
    off_ms: list[float] = field(default_factory=list)
    charged_ms: list[float] = field(default_factory=list)
    uncharged_ms: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def added_ms(self) -> float:
        """What charging adds to the time from the last key to the INVITE, at the median."""
        return median(self.charged_ms) - median(self.uncharged_ms)


async def measure_billed(
    project: Path, lab_folder: Path, release: str | None, calls: int, rounds: int
) -> BilledFigures:
    """`rounds` rounds of `calls` charged calls, and as many uncharged, in turns. Raises `StartError`."""
    figures = BilledFigures()
    with tempfile.TemporaryDirectory(prefix="ringflow-billed-") as name:
        lab = Lab(lab_folder, release, Path(name) / "asterisk")
        async with charged_stage(Path(name), project, lab) as stage:
            figures.asterisk = (await asyncio.to_thread(lab.status)).version
            for _ in range(rounds):
                await _round(stage, figures, calls, charged=True)
                await _round(stage, figures, calls, charged=False)
            if (left := await stage.left_over()) != (0, 0):
                figures.wrong.append(f"{left[0]} holds and {left[1]} marks are left")
            figures.wrong += map(str, await stage.findings())
    return figures


async def _round(stage: ChargedStage, figures: BilledFigures, calls: int, *, charged: bool) -> None:
    stage.rate("local" if charged else "upstream")
    known = len(stage.server.logged)
    await stage.server.start()
    found = await run_round(stage.lab.packages, stage.way, calls, CALLS_PER_S, CALLEE, MENU_MS)
    billed = await _billed(stage, known, calls)
    await stage.server.kill()
    for call in found:
        if call.failure is not None:
            figures.wrong.append(f"{call.number}: {call.failure}")
            continue
        (figures.charged_ms if charged else figures.uncharged_ms).append(call.key_to_invite_ms)
        if charged:
            _compare(call, billed, figures)


def _compare(call: CallTimes, billed: dict[str, int], figures: BilledFigures) -> None:
    if call.number not in billed:
        figures.wrong.append(f"{call.number} was not billed")
    else:
        figures.off_ms.append(billed[call.number] - call.talked_ms)


async def _billed(stage: ChargedStage, known: int, calls: int) -> dict[str, int]:
    """Talk times by number, from the server's log: it writes when the caller has gone."""
    limit = asyncio.get_running_loop().time() + RECORDS_S
    while True:
        ended = [one for one in stage.server.logged[known:] if one["event"] == "call ended"]
        if len(ended) >= calls or asyncio.get_running_loop().time() > limit:
            matches = (_LEG.fullmatch(leg) for one in ended for leg in one["legs"])
            return {match[1]: int(match[2]) for match in matches if match}
        await asyncio.sleep(0.05)
