"""The scenarios of a flow, played as a job: one after the other, in memory that does not grow with them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

from ringflow.forms.json_value import json_value
from ringflow.forms.simulation import played_scenario_form, scenario_run_form
from ringflow.jobs.files import PIECE_BYTES
from ringflow.jobs.queue import OutputFile
from ringflow.rights import Right
from ringflow.simulator.exit_coverage import ExitCounter
from ringflow.simulator.judgement import Judgement, play
from ringflow.simulator.scenario_files import app_of, decode_scenarios
from ringflow.simulator.scenario_run import chosen
from ringflow.simulator.stage import Stage
from ringflow.web.jobs.kind import JobKind, JobWork


@dataclass(frozen=True, slots=True)
class ScenarioOrder:
    """Which scenarios are to be played, by their names (without any: all). Their text is the upload.

    `file`: where it stands, for what is said of its lines. `texts` count instead of the flows in service.
    """

    app: str
    file: str
    texts: dict[str, str]
    names: tuple[str, ...] = ()


async def _run(work: JobWork, given: ScenarioOrder) -> None:
    publisher, path = work.services.flows, Path(given.file)
    flows = await publisher.flows_of({name: text.encode() for name, text in given.texts.items()})
    cases = chosen(await asyncio.to_thread(decode_scenarios, await work.upload(), path), given.names)
    exits = ExitCounter(await publisher.flow_among(flows, given.app))
    failed: list[str] = []
    lines: list[bytes] = []
    work.report(0, len(cases))
    async with Stage.open(work.services.config, [*flows.values()]) as stage:
        for number, case in enumerate(cases, start=1):
            judgement = await play(case, stage)
            exits.count(judgement.calls)
            if judgement.failure is not None:
                failed.append(case.scenario.name)
            lines.append(_line(judgement))
            if sum(map(len, lines)) >= PIECE_BYTES:
                async with work.acting() as actor:
                    await work.write_alone(actor, b"".join(lines))
                lines = []
            work.report(number)
    async with work.acting() as actor:
        await work.write_alone(actor, b"".join(lines))
        file = OutputFile(f"{app_of(path)}-scenarios.ndjson", "application/x-ndjson")
        await work.finish(actor, scenario_run_form(len(cases), failed, exits.coverage), file)


def _line(judgement: Judgement) -> bytes:
    return f"{json.dumps(json_value(played_scenario_form(judgement)), ensure_ascii=False)}\n".encode()


SCENARIO_RUN = JobKind("scenarios.run", Right.FLOWS_CHANGE, ScenarioOrder, _run, apart=True)
