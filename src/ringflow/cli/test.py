"""`ringflow test`: plays scenario files on the simulator and tells what differed."""

# ruff: noqa: PT028 -- the command is called test; pytest never sees it

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.rule import Rule

from ringflow.cli.out_file import Overwrite
from ringflow.cli.output import Json, print_json
from ringflow.cli.random_scenarios import play_random
from ringflow.config import Config, LogConfig, load_config
from ringflow.errors import Problem, Refused, StartError
from ringflow.flows.folder import shown_path
from ringflow.logs import set_up_logs
from ringflow.simulator.judgement import Judgement, play
from ringflow.simulator.scenario_files import SUFFIX, ScenarioCase, find_scenario_files, read_scenario_files
from ringflow.simulator.stage import Stage
from ringflow.wording import counted

EXIT_FAILED = 1
RANDOM_FILE = Path("random.test.yaml")


def test(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", help="Scenario files, or folders with *.test.yaml files."),
    ] = None,
    text: Annotated[
        str, typer.Option("-k", metavar="TEXT", help="Only scenarios with TEXT in the name.")
    ] = "",
    names: Annotated[bool, typer.Option("-v", "--verbose", help="A line for each scenario.")] = False,
    random: Annotated[
        int | None,
        typer.Option(
            "--random",
            metavar="N",
            min=1,
            help="Play N random flows and scenarios instead, and look for a fault.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Which random ones: the same seed plays the same.")] = 1,
    lab: Annotated[
        int,
        typer.Option("--lab", metavar="N", min=0, help="Compare N of the random ones with the running lab."),
    ] = 0,
    out: Annotated[
        Path, typer.Option("--out", help="Where a random scenario that fails is written.")
    ] = RANDOM_FILE,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Play scenarios on the simulator.

    Without PATH: those in the folder of flows.
    """
    if random is not None:
        if paths or text:
            raise Refused(
                "option.malformed",
                "--random makes its own scenarios; leave out PATH and -k",
                option="--random",
            )
        config = load_config(needed=False)
        if not play_random(config, random, seed, lab, out, overwrite=overwrite, as_json=as_json):
            raise typer.Exit(EXIT_FAILED)
        return
    if lab:
        raise Refused(
            "option.missing",
            "--lab goes with --random; tests of your own scenarios run on the simulator",
            option="--random",
        )
    config = load_config(needed=not paths)
    set_up_logs(LogConfig(format="text", level="error"), config.zone)
    named = paths or [config.path(config.flows)]
    if not paths and not named[0].is_dir():
        raise StartError(f"there is no folder of flows {named[0]}; name scenario files or a folder")
    found, problems = read_scenario_files(find_scenario_files(named))
    cases = [case for case in found if text.lower() in case.scenario.name.lower()]
    if not cases and not problems:
        wanted = f" with `{text}` in the name" if text else ""
        raise StartError(f"there are no scenarios{wanted} in {_listed(named)}; they stand in *{SUFFIX} files")
    report = _Report(Console(highlight=False, quiet=as_json), names)
    began_s = time.perf_counter()
    asyncio.run(_play_all(config, cases, report))
    if as_json:
        scenarios = [_judgement_object(one) for one in report.judgements]
        print_json({"scenarios": scenarios, "problems": problems})
    report.finish(problems, time.perf_counter() - began_s)
    if report.failed or problems:
        raise typer.Exit(EXIT_FAILED)


async def _play_all(config: Config, cases: Sequence[ScenarioCase], report: _Report) -> None:
    async with Stage.open(config) as stage:
        for case in cases:
            report.played(await play(case, stage))


def _judgement_object(judgement: Judgement) -> dict[str, object]:
    """For programs; `failure` is nothing where the scenario passed."""
    case = judgement.case
    return {
        "name": case.scenario.name,
        "path": case.path,
        "line": case.line,
        "passed": judgement.failure is None,
        "failure": judgement.failure,
    }


class _Report:
    """Prints as pytest does: a dot or a name for each scenario, then each failure, then the sum."""

    def __init__(self, console: Console, names: bool) -> None:
        self.judgements: list[Judgement] = []
        self.failed: list[Judgement] = []
        self._console = console
        self._names = names
        self._file: Path | None = None
        self._count = 0

    def played(self, judgement: Judgement) -> None:
        """One scenario is over."""
        self._count += 1
        self.judgements.append(judgement)
        passed = judgement.failure is None
        if not passed:
            self.failed.append(judgement)
        case = judgement.case
        if self._names:
            mark = "[green]passed[/]" if passed else "[red]FAILED[/]"
            self._console.print(f"{mark} {escape(case.label)}", soft_wrap=True)
            return
        if case.path != self._file:
            self._console.print(f"{'' if self._file is None else chr(10)}{escape(str(case.path))} ", end="")
            self._file = case.path
        self._console.print("[green].[/]" if passed else "[red]F[/]", end="")

    def finish(self, problems: Sequence[Problem], took_s: float) -> None:
        """Failures, problems of files, and the sum."""
        if not self._names and self._count:
            self._console.print()
        for judgement in self.failed:
            title = escape(judgement.case.scenario.name)
            self._console.print(Rule(f"[red]{title}[/]", characters="_", style="red"))
            place = f"{judgement.case.path}:{judgement.case.line}"
            self._console.print(f"{escape(place)}\n{escape(judgement.failure or '')}", soft_wrap=True)
        for problem in problems:
            self._console.print(escape(str(problem)), soft_wrap=True)
        parts = [f"[red]{len(self.failed)} failed[/]"] if self.failed else []
        parts += [f"[green]{self._count - len(self.failed)} passed[/]"]
        parts += [f"[red]{counted(len(problems), 'problem')} in files[/]"] if problems else []
        self._console.print(f"{', '.join(parts)} in {took_s:.2f}s")


def _listed(paths: Sequence[Path]) -> str:
    return ", ".join(shown_path(path) for path in paths)
