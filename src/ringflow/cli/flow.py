"""`ringflow flow`: which texts of call flows run, what they were, and how another one is published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from ringflow.actor import shell_operator
from ringflow.cli import flow_draft, flow_new
from ringflow.cli.flow_access import Flow, Over, with_flows
from ringflow.cli.operators import Operator
from ringflow.cli.output import Json, print_json, print_many
from ringflow.cli.page_options import DEFAULT_LIMIT, After, Limit, print_page
from ringflow.cli.text_difference import print_difference
from ringflow.config import Config
from ringflow.flows.library import FlowState, FlowText
from ringflow.flows.publication import Publication
from ringflow.flows.publisher import FlowPublisher
from ringflow.flows.service_register import ServerFlow
from ringflow.flows.text_difference import TextDifference
from ringflow.forms.flow import (
    FlowForm,
    FlowHistoryForm,
    ServerFlowForm,
    flow_difference_form,
    flow_form,
    flow_history_form,
    flow_text_form,
    publication_form,
    server_forms,
)
from ringflow.forms.json_value import json_object
from ringflow.moments import Moment
from ringflow.store.pages import Page, PageRequest

app = typer.Typer(help="Call flows: their texts, drafts, publications and history.", no_args_is_help=True)
app.add_typer(flow_draft.app, name="draft")
app.command("new")(flow_new.new_command)

Note = Annotated[str, typer.Option("--note", metavar="TEXT", help="Why, for the history.")]
Version = Annotated[
    str,
    typer.Argument(metavar="VERSION", help="A revision, or `file`, `draft` or `published`."),
]


@dataclass(frozen=True, slots=True)
class FlowRow:
    """A flow on one line."""

    app: str
    file: str
    here: str | None
    published: str | None
    published_at: Moment | None
    operator: str | None
    draft: str | None
    in_service: str | None


@app.command("list")
def list_command(as_json: Json = False) -> None:
    """List the flows.

    With what is published of each, edited, and in service on every server.
    """

    async def find(publisher: FlowPublisher, config: Config) -> list[FlowState]:
        return await publisher.library.states(config.charging.dead_after_s)

    found = [flow_form(one) for one in with_flows(find)]
    if as_json:
        print_json(found)
        return
    print_many([_flow_row(one) for one in found], FlowRow, False)
    for flow in found:
        for server in flow.servers:
            if server.problem:
                typer.echo(_behind(flow.app, server), err=True)


@app.command("show")
def show_command(name: Flow, version: Version = "file", as_json: Json = False) -> None:
    """Print a text of a flow.

    It is the file's, unless VERSION names another, such as the revision in a call's record.
    """

    async def find(publisher: FlowPublisher, config: Config) -> FlowText:
        return await publisher.library.version(name, version)

    text = with_flows(find)
    if as_json:
        print_json(flow_text_form(text))
    else:
        typer.echo(text.text, nl=False)


@app.command("history")
def history_command(
    name: Flow, limit: Limit = DEFAULT_LIMIT, after: After = None, as_json: Json = False
) -> None:
    """List the texts that a flow had, the newest first."""

    async def find(publisher: FlowPublisher, config: Config) -> Page[FlowHistoryForm]:
        page = await publisher.library.history(name, PageRequest(limit, after))
        return page.map(flow_history_form)

    print_page(with_flows(find), FlowHistoryForm, as_json)


@app.command("diff")
def diff_command(
    name: Flow, old: Version = "published", new: Version = "file", as_json: Json = False
) -> None:
    """Show how two texts of a flow differ.

    They are what is published and what is in the file, unless VERSION names others.
    """

    async def find(publisher: FlowPublisher, config: Config) -> TextDifference:
        return await publisher.library.difference(name, old, new)

    found = with_flows(find)
    if as_json:
        print_json(flow_difference_form(found))
        return
    print_difference(found)


@app.command("publish")
def publish_command(
    names: Annotated[list[str], typer.Argument(metavar="APP", help="The flows' apps, or their files.")],
    operator: Operator,
    file: Annotated[
        bool, typer.Option("--file", help="Publish what is in the folder here instead of the drafts.")
    ] = False,
    note: Note = "",
    over: Over = None,
    as_json: Json = False,
) -> None:
    """Have all servers run the drafts of flows, all of them or none.

    They are checked first. Calls in progress keep the text they began with.
    """

    async def publish(publisher: FlowPublisher, config: Config) -> list[Publication]:
        publish = publisher.publish_files if file else publisher.publish_drafts
        return await publish(shell_operator(operator), names, note, over or ())

    _tell_published(with_flows(publish), as_json)


@app.command("rollback")
def rollback_command(
    name: Flow,
    operator: Operator,
    revision: Annotated[
        str | None,
        typer.Argument(metavar="REVISION", help="From `flow history`.", show_default="the one before"),
    ] = None,
    note: Note = "",
    over: Over = None,
    as_json: Json = False,
) -> None:
    """Publish an old text of a flow."""

    async def publish(publisher: FlowPublisher, config: Config) -> list[Publication]:
        return [await publisher.roll_back(shell_operator(operator), name, revision, note, over or ())]

    _tell_published(with_flows(publish), as_json)


def _tell_published(made: Sequence[Publication], as_json: bool) -> None:
    """Say what was published, and which servers have something else in service even after some time."""

    async def wait(publisher: FlowPublisher, config: Config) -> list[tuple[Publication, ServerFlow]]:
        return await publisher.library.wait_for_servers(made, config.charging.dead_after_s)

    late = with_flows(wait)
    if as_json:
        print_json(
            [
                {
                    **json_object(publication_form(one)),
                    "servers_behind": server_forms([server for of, server in late if of is one]),
                }
                for one in made
            ]
        )
        return
    for one in made:
        typer.echo(f"{one.app}: revision {one.revision} is published")
    for one, server in late:
        for form in server_forms([server]):
            typer.echo(_behind(one.app, form), err=True)


def _flow_row(flow: FlowForm) -> FlowRow:
    published, draft = flow.published, flow.draft
    return FlowRow(
        app=flow.app,
        file=flow.file,
        here=flow.revision,
        published=None if published is None else published.revision,
        published_at=None if published is None else published.at,
        operator=None if published is None else published.operator,
        draft=None if draft is None else f"{draft.revision} by {draft.operator}",
        in_service=_in_service(flow.servers),
    )


def _in_service(servers: Sequence[ServerFlowForm]) -> str | None:
    if not servers:
        return None
    if len({one.revision for one in servers}) == 1:
        return f"{servers[0].revision} on {', '.join(one.server for one in servers)}"
    return "\n".join(f"{one.server}: {one.revision or 'nothing'}" for one in servers)


def _behind(app_name: str, server: ServerFlowForm) -> str:
    serves = f"revision {server.revision}" if server.revision else "nothing"
    why = f": {server.problem}" if server.problem else ""
    return f"server {server.server} has {serves} of {app_name} in service{why}"
