"""`ringflow flow draft`: texts that are edited, and not published yet."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated

import typer

from ringflow.actor import shell_operator
from ringflow.cli.flow_access import Flow, with_flows
from ringflow.cli.operators import Operator
from ringflow.cli.output import Json, print_deleted, print_json, print_many, print_one
from ringflow.config import Config
from ringflow.errors import Problem, Refused, RingflowError, StartError
from ringflow.flows.operator_drafts import OperatorDraft
from ringflow.flows.publisher import FlowPublisher
from ringflow.forms.flow import DraftForm, draft_form
from ringflow.forms.json_value import json_object

EXIT_PROBLEMS = 1
NEW_FLOW = "app: {app}\nslots:\n"
EDITORS = ("VISUAL", "EDITOR")

app = typer.Typer(help="Texts of flows that are not published yet.", no_args_is_help=True)


@app.command("list")
def list_command(as_json: Json = False) -> None:
    """List the drafts."""

    async def find(publisher: FlowPublisher, config: Config) -> list[OperatorDraft]:
        return await publisher.library.drafts()

    print_many([draft_form(one) for one in with_flows(find)], DraftForm, as_json)


@app.command("show")
def show_command(name: Flow, as_json: Json = False) -> None:
    """Print a draft."""

    async def find(publisher: FlowPublisher, config: Config) -> OperatorDraft:
        return await publisher.library.draft(name)

    draft = with_flows(find)
    if as_json:
        print_json({**json_object(draft_form(draft)), "text": draft.text.decode()})
    else:
        typer.echo(draft.text, nl=False)


@app.command("edit")
def edit_command(name: Flow, operator: Operator, as_json: Json = False) -> None:
    """Edit a flow with $VISUAL or $EDITOR.

    What becomes of it is saved as its draft. It begins from the draft that is there, or from the file. APP
    may be a new one.
    """
    file, text, revision = _text_to_edit(name)
    with NamedTemporaryFile(suffix=f"-{file}", delete=False) as copy:
        copy.write(text)
    path = Path(copy.name)
    _run_editor(path)
    edited = path.read_bytes()
    if edited == text:
        path.unlink()
        typer.echo("nothing was changed", err=True)
        return
    try:
        draft = _save(operator, name, edited, revision, None)
    except Refused as error:
        raise error.reworded(f"{error}. Your text is in {path}") from error
    except RingflowError as error:
        raise StartError(f"{error}. Your text is in {path}", error.code) from error
    path.unlink()
    print_one(draft_form(draft), as_json)


@app.command("save")
def save_command(
    name: Flow,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The text; -: standard input.")],
    operator: Operator,
    over: Annotated[
        str | None,
        typer.Option("--over", metavar="REVISION", help="The draft that it replaces, if there is one."),
    ] = None,
    onto: Annotated[
        str | None,
        typer.Option(
            "--onto", metavar="REVISION", help="Changes to this text of the flow's file are taken in."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Save a text as the draft of a flow, or of a new one."""
    try:
        text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise StartError(f"{file} cannot be read: {error.strerror}") from error
    print_one(draft_form(_save(operator, name, text, over, onto)), as_json)


@app.command("check")
def check_command(name: Flow, as_json: Json = False) -> None:
    """Check a draft together with the other flows. Nothing is changed."""

    async def check(publisher: FlowPublisher, config: Config) -> list[Problem]:
        return await publisher.check_draft(name)

    problems = with_flows(check)
    if as_json:
        print_json(problems)
    for one in () if as_json else problems:
        typer.echo(str(one), err=True)
    if problems:
        raise typer.Exit(EXIT_PROBLEMS)
    if not as_json:
        typer.echo("no problems")


@app.command("discard")
def discard_command(name: Flow, operator: Operator, as_json: Json = False) -> None:
    """Throw a draft away."""

    async def discard(publisher: FlowPublisher, config: Config) -> OperatorDraft:
        return await publisher.library.discard_draft(shell_operator(operator), name)

    print_deleted("draft of", with_flows(discard).app, as_json)


def _text_to_edit(name: str) -> tuple[str, bytes, str | None]:
    """The flow's file, the text to begin from, and the revision of the draft that it is, if it is one."""

    async def find(publisher: FlowPublisher, config: Config) -> tuple[str, bytes, str | None]:
        library = publisher.library
        file = await library.file_of(name, new=True)
        for draft in await library.drafts():
            if draft.file == file:
                return file, draft.text, draft.revision
        text = library.file(file).text()
        new = NEW_FLOW.format(app=file.removesuffix(".yaml")).encode()
        return file, new if text is None else text, None

    return with_flows(find)


def _run_editor(path: Path) -> None:
    command = next((os.environ[name] for name in EDITORS if os.environ.get(name)), "vi")
    try:
        ended = subprocess.run([*shlex.split(command), str(path)], check=False)
    except OSError as error:
        raise StartError(f"the editor `{command}` cannot be started: {error.strerror}; set EDITOR") from error
    if ended.returncode:
        raise Refused(
            "flow.editor_failed",
            f"the editor `{command}` ended with {ended.returncode}; your text is in {path}",
            command=command,
            path=str(path),
        )


def _save(operator: str, name: str, text: bytes, over: str | None, onto: str | None) -> OperatorDraft:
    async def save(publisher: FlowPublisher, config: Config) -> OperatorDraft:
        return await publisher.library.save_draft(shell_operator(operator), name, text, over, onto)

    return with_flows(save)
