"""`ringflow check`: everything that is wrong in the configuration, the flows and the scenarios, at once."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Annotated

import typer

from ringflow.forms.json_value import json_text
from ringflow.project_check import check_project
from ringflow.wording import counted

EXIT_PROBLEMS = 1


def check(
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="PATH",
            help="A folder of flows, or one flow or scenario file.",
            show_default="`flows` of the configuration",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Check the configuration, the flows and the scenario files.

    Nothing is run.
    """
    # Of a thousand flows nearly all objects stay to the end: to look for garbage among them takes a third of
    # the time.
    gc.disable()
    try:
        findings = check_project(path)
    finally:
        gc.enable()
    if as_json:
        found = {
            "problems": findings.problems,
            "flow_count": findings.flows,
            "slot_count": findings.slots,
            "scenario_count": findings.scenarios,
        }
        typer.echo(json_text(found))
    else:
        for problem in findings.problems:
            typer.echo(str(problem), err=True)
    if findings.problems:
        raise typer.Exit(EXIT_PROBLEMS)
    if not as_json:
        typer.echo(
            f"no problems: {counted(findings.flows, 'flow')} with {counted(findings.slots, 'slot')}, "
            f"{counted(findings.scenarios, 'scenario')}"
        )
