"""The scenarios of one flow: their file beside the flow's, saved, and played."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from ringflow.actor import Actor
from ringflow.audit import Verb, note
from ringflow.config import Config
from ringflow.documents import Location, decode_document
from ringflow.errors import Conflict, Unknown
from ringflow.flows.flow import Flow
from ringflow.flows.flow_file import FlowFile
from ringflow.flows.revisions import text_revision
from ringflow.simulator.exit_coverage import ExitCounter, SlotCoverage
from ringflow.simulator.judgement import Judgement, play
from ringflow.simulator.scenario_files import SUFFIX, ScenarioCase, decode_scenarios
from ringflow.simulator.stage import Stage
from ringflow.wording import did_you_mean, known_words, quoted


@dataclass(frozen=True, slots=True)
class PlayedScenarios:
    """What came of scenarios, and which exits of the flow's slots they took."""

    judgements: tuple[Judgement, ...]
    coverage: tuple[SlotCoverage, ...]


def scenario_file(folder: Path, flow_file: str) -> FlowFile:
    """Return the file of the scenarios of a flow, by the flow's own file."""
    return FlowFile(folder, flow_file.removesuffix(".yaml") + SUFFIX)


def read_text(file: FlowFile, app: str) -> bytes:
    """Return the text of a flow's scenarios. Raises `Unknown` where it has none."""
    text = file.text()
    if text is None:
        raise Unknown("scenario.none", f"the flow {app} has no scenarios: there is no {file.name}", flow=app)
    return text


def chosen(cases: Sequence[ScenarioCase], names: Collection[str]) -> list[ScenarioCase]:
    """Return the scenarios of these names, all without any. Raises `Unknown` for a name that none has."""
    known = [one.scenario.name for one in cases]
    for name in names:
        if name not in known:
            mend = did_you_mean(name, known, f"there are {known_words(known)}")
            raise Unknown("scenario.unknown", f"no scenario is called {quoted(name)} ({mend})", scenario=name)
    return [one for one in cases if not names or one.scenario.name in names]


def with_scenario(text: bytes | None, entry: str, path: Path) -> bytes:
    """Return the text of a file of scenarios with one more at its end.

    Raises `DocumentError` where that is no file of scenarios, such as for a name that another one has.
    """
    if text is None:
        added = entry.encode()
    else:
        document = decode_document(text, str(path))
        location: Location = ("scenarios", 0) if isinstance(document.value, dict) else (0,)
        # As far in as the entries that are there.
        indent = b" " * max(0, document.place(location)[1] - 3)
        lines = entry.encode().splitlines(keepends=True)
        added = text.rstrip() + b"\n\n" + b"".join(indent + one for one in lines)
    decode_scenarios(added, path)
    return added


async def save(actor: Actor, file: FlowFile, text: bytes, replaced: str | None) -> None:
    """Write the scenarios of a flow in place of the text `replaced` (None: there is no file).

    Raises `DocumentError` for a text that is no scenarios, `Conflict` where another text is there.
    """
    decode_scenarios(text, Path(file.shown))
    with file.staged(text) as staged:
        if not staged.put(replaced):
            raise Conflict(
                "scenario.changed_meanwhile", f"{file.shown} was changed meanwhile", path=file.name
            )
    before = None if replaced is None else {"revision": replaced}
    await note(actor, Verb.SAVE, f"scenarios {file.name}", before, {"revision": text_revision(text)})


async def play_scenarios(
    config: Config, cases: Sequence[ScenarioCase], flow: Flow | None, flows: Sequence[Flow]
) -> PlayedScenarios:
    """Play scenarios on the simulator, one after the other; the database of the configuration is not touched.

    `flow`: whose slots' exits are counted. `flows` take the place of those of the configuration.
    """
    async with Stage.open(config, flows) as stage:
        judgements = tuple([await play(case, stage) for case in cases])
    exits = ExitCounter(flow)
    for one in judgements:
        exits.count(one.calls)
    return PlayedScenarios(judgements, exits.coverage)
