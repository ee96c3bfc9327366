"""`ringflow override`: closed today, open until six, whatever the hours of schedules say."""

from __future__ import annotations

from typing import Annotated

import typer

from ringflow.actor import Actor
from ringflow.calendars import overrides
from ringflow.calendars.override_end import END_OF_DAY
from ringflow.calendars.overrides import OVERRIDES, Override
from ringflow.cli.operators import Operator
from ringflow.cli.output import Json, print_deleted, print_one
from ringflow.cli.page_options import Find, paged
from ringflow.cli.project import with_actor
from ringflow.config import Config
from ringflow.flows.override_order import overridable, put_override
from ringflow.flows.registry import slot_types
from ringflow.forms.calendar import OverrideForm, override_form
from ringflow.moments import system_now_ms

app = typer.Typer(help="Closed today, open until six, whatever the hours say.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="What the schedules have as `override`.")]


@app.command("set")
def set_command(
    operator: Operator,
    name: Name,
    state: Annotated[
        str, typer.Argument(metavar="EXIT", help="What they do: `closed`, `open` or another exit.")
    ],
    until: Annotated[
        str,
        typer.Option(
            "--until",
            metavar="WHEN",
            help="end_of_day, further_notice, 18:00, 2026-12-26 or 2026-12-26T18:00, in their time zone.",
        ),
    ] = END_OF_DAY,
    notes: Annotated[str, typer.Option("--notes", help="A line for people.")] = "",
    as_json: Json = False,
) -> None:
    """Say what schedules do, until the end of the day or as --until says.

    Calls follow at once, on all servers.
    """

    async def put(actor: Actor, config: Config) -> Override:
        known = overridable(config.path(config.flows), slot_types())
        return await put_override(actor, known, name, state, until, notes, config.timezone)

    print_one(override_form(with_actor(operator, put)), as_json)


@paged(app, OVERRIDES, OverrideForm, override_form)
def list_command() -> Find:
    """List the overrides that count now."""
    return lambda connection, config, asked: overrides.page(connection, system_now_ms(), asked)


@app.command("clear")
def clear_command(operator: Operator, name: Name, as_json: Json = False) -> None:
    """Take an override back: the hours count again."""
    gone = with_actor(operator, lambda actor, config: overrides.clear(actor, name))
    print_deleted("override", gone.name, as_json)
