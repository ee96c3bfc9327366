"""`ringflow script`: operators' programs, for DIDs, trunks and flows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, TypeVar

import typer

from ringflow.actor import shell_operator
from ringflow.cli.operators import Operator
from ringflow.cli.output import Json, print_json, print_many, print_one
from ringflow.cli.page_options import DEFAULT_LIMIT, After, Limit, print_page
from ringflow.cli.project import with_store
from ringflow.cli.text_difference import print_difference
from ringflow.config import Config, LogConfig, load_config
from ringflow.errors import Problem, Refused
from ringflow.flows.folder import FlowFolder
from ringflow.flows.registry import slot_types
from ringflow.flows.script_library import FILE, PUBLISHED, ScriptLibrary
from ringflow.flows.script_texts import ScriptText
from ringflow.forms.script import (
    ScriptForm,
    ScriptTextForm,
    script_difference_form,
    script_form,
    script_run_form,
    script_text_form,
)
from ringflow.logs import set_up_logs
from ringflow.moments import system_now_ms
from ringflow.script_trial import try_script
from ringflow.scripts.service import Scripts, script_folder
from ringflow.store import Store
from ringflow.store.pages import PageRequest

app = typer.Typer(help="Operators' programs, for DIDs, trunks and flows.", no_args_is_help=True)

EXIT_PROBLEMS = 1

Name = Annotated[str, typer.Argument(metavar="NAME", help="The script's name.")]
Note = Annotated[str, typer.Option("--note", help="Why, for the history.")]
Result = TypeVar("Result")


def _with_scripts(work: Callable[[ScriptLibrary, Config], Awaitable[Result]]) -> Result:
    """Run `work` on the scripts of the configuration's folder and database."""

    async def run(store: Store, config: Config) -> Result:
        scripts = Scripts.configured(config)
        try:
            library = ScriptLibrary(store, script_folder(config), config.country, system_now_ms, scripts)
            return await work(library, config)
        finally:
            await scripts.close()

    return with_store(run)


@app.command("list")
def list_command(as_json: Json = False) -> None:
    """List the scripts, with the DIDs, trunks and slots that use each."""

    async def find(library: ScriptLibrary, config: Config) -> list[ScriptForm]:
        drafts, _ = FlowFolder(config.path(config.flows), slot_types()).drafts()
        return [script_form(one) for one in await library.states([*drafts.values()])]

    print_many(_with_scripts(find), ScriptForm, as_json)


@app.command("check")
def check_command(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Which; otherwise all.")] = None,
) -> None:
    """Check scripts: syntax, modules, and fields of `data`.

    Nothing is run.
    """
    config = load_config()
    wanted = names or script_folder(config).names()
    problems = asyncio.run(_findings(config, wanted))
    for problem in problems:
        typer.echo(str(problem), err=True)
    if problems:
        raise typer.Exit(EXIT_PROBLEMS)
    typer.echo(f"no problems: {len(wanted)} script{'' if len(wanted) == 1 else 's'}")


async def _findings(config: Config, names: Sequence[str]) -> list[Problem]:
    scripts = Scripts.configured(config)
    try:
        return sorted({one for name in names for one in await scripts.findings(name)})
    finally:
        await scripts.close()


@app.command("run")
def run_command(
    name: Name,
    did: Annotated[str | None, typer.Option("--did", help="The DID that is called.")] = None,
    caller: Annotated[str | None, typer.Option("--cli", help="The calling number; otherwise none.")] = None,
    record: Annotated[
        str | None, typer.Option("--record", help="A call on record, whose DID, number and time count.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a script, and show what it would make of a call.

    It meets the configured database, and nothing that it writes there is kept.
    """
    config = load_config()
    set_up_logs(LogConfig(format="text", level="error"), config.zone)
    if did is None and record is None:
        raise Refused("option.missing", "say which call: --did DID, or --record CALL", option="--did")
    trial = asyncio.run(try_script(config, name, did, caller, record))
    print_one(script_run_form(trial.scripted, trial.would_change), as_json)


@app.command("history")
def history_command(
    name: Name, limit: Limit = DEFAULT_LIMIT, after: After = None, as_json: Json = False
) -> None:
    """List the texts that a script had, the newest first."""
    page = _with_scripts(lambda library, config: library.history(name, PageRequest(limit, after)))
    print_page(page.map(script_text_form), ScriptTextForm, as_json)


@app.command("diff")
def diff_command(
    name: Name,
    old: Annotated[str, typer.Argument(help="`file`, `published`, or a revision.")] = PUBLISHED,
    new: Annotated[str, typer.Argument(help="The same.")] = FILE,
    as_json: Json = False,
) -> None:
    """Show how two texts of a script differ."""
    found = _with_scripts(lambda library, config: library.difference(name, old, new))
    if as_json:
        print_json(script_difference_form(found))
        return
    print_difference(found)


@app.command("publish")
def publish_command(name: Name, operator: Operator, note: Note = "", as_json: Json = False) -> None:
    """Have all servers run the text of a script in the folder here.

    It is checked first.
    """
    made = _with_scripts(
        lambda library, config: library.publish(shell_operator(operator), name, None, None, note)
    )
    _tell_published(name, made, as_json)


@app.command("rollback")
def rollback_command(
    name: Name,
    operator: Operator,
    revision: Annotated[
        str | None,
        typer.Argument(metavar="REVISION", help="From `script history`.", show_default="the one before"),
    ] = None,
    note: Note = "",
    as_json: Json = False,
) -> None:
    """Publish an old text of a script."""
    made = _with_scripts(
        lambda library, config: library.roll_back(shell_operator(operator), name, revision, note)
    )
    _tell_published(name, made, as_json)


def _tell_published(name: str, made: ScriptText, as_json: bool) -> None:
    if as_json:
        print_one(script_text_form(made), as_json)
    else:
        typer.echo(f"{name}: revision {made.revision} is published")
