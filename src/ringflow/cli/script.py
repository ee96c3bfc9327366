"""`ringflow script`: the programs that DIDs run before their apps."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import dids
from ringflow.accounts.admission import Admission, Rejection
from ringflow.accounts.dids import Did
from ringflow.cli.output import Json, print_many, print_one
from ringflow.cli.project import with_reading
from ringflow.config import Config, LogConfig, load_config
from ringflow.core import open_core
from ringflow.engine.did_script import DidScripts, Scripted
from ringflow.errors import DocumentError, Problem, Unknown
from ringflow.forms.script import ScriptForm, script_run_form
from ringflow.logs import set_up_logs
from ringflow.scripts.run import ScriptFailed
from ringflow.scripts.service import Scripts, script_folder

app = typer.Typer(help="The programs that DIDs run before their apps.", no_args_is_help=True)

EXIT_PROBLEMS = 1


@app.command("list")
def list_command(as_json: Json = False) -> None:
    """List the scripts, and the DIDs that use each."""

    async def find(connection: AsyncConnection, config: Config) -> list[ScriptForm]:
        used = [did for did in await dids.every(connection) if did.script is not None]
        names = {*script_folder(config).names(), *(did.script for did in used if did.script is not None)}
        return [_form(config, name, used) for name in sorted(names)]

    print_many(with_reading(find), ScriptForm, as_json)


def _form(config: Config, name: str, used: Sequence[Did]) -> ScriptForm:
    numbers = tuple(did.number for did in used if did.script == name)
    try:
        return ScriptForm(name, script_folder(config).read(name).script.revision, numbers)
    except DocumentError:
        return ScriptForm(name, None, numbers)


@app.command("check")
def check_command(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Which; otherwise all.")] = None,
) -> None:
    """Check scripts: their syntax, and the modules that they load.

    Nothing is run.
    """
    config = load_config()
    wanted = names or script_folder(config).names()
    problems = asyncio.run(check_scripts(config, wanted))
    for problem in problems:
        typer.echo(str(problem), err=True)
    if problems:
        raise typer.Exit(EXIT_PROBLEMS)
    typer.echo(f"no problems: {len(wanted)} script{'' if len(wanted) == 1 else 's'}")


async def check_scripts(config: Config, names: Sequence[str]) -> list[Problem]:
    """Return all that is wrong with scripts."""
    scripts = Scripts.configured(config)
    problems: list[Problem] = []
    try:
        for name in names:
            try:
                await scripts.check(scripts.folder.read(name).script)
            except DocumentError as error:
                problems += error.problems
            except ScriptFailed as error:
                problems.append(Problem(error.place.file, error.place.line, error.place.column, error.what))
    finally:
        await scripts.close()
    return sorted(set(problems))


@app.command("run")
def run_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The script's name.")],
    did: Annotated[str, typer.Option("--did", help="The DID that is called.")],
    caller: Annotated[str | None, typer.Option("--cli", help="The calling number; otherwise none.")] = None,
    as_json: Json = False,
) -> None:
    """Run a script, and show what it would make of a call.

    It meets the configured database, and nothing that it writes there is kept.
    """
    print_one(script_run_form(asyncio.run(_run(name, did, caller))), as_json)


async def _run(name: str, did: str, caller: str | None) -> Scripted:
    config = load_config()
    set_up_logs(LogConfig(format="text", level="error"), config.zone)
    core = await open_core(config, dry_run=True)
    try:
        async with core.store.reading() as connection:
            found = await dids.reached(connection, did, core.config.country)
        answer = await core.directory.arrive(did, caller, False)
        if isinstance(answer, Rejection) and found.script is None:
            customer = found.customer_id
            paying = await core.directory.customer(customer) if customer is not None else None
            answer = Admission(found, paying, caller, caller or "")
        if isinstance(answer, Rejection):
            raise Unknown("did.unknown", f"DID {did} takes no calls: {answer.reason}", did=did)
        admission = replace(answer, did=replace(answer.did, script=name))
        return await DidScripts(core.directory, core.world, core.book.current).run(
            "dry-run", "", "", admission
        )
    finally:
        await core.close()
