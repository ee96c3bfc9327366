"""`ringflow override`: closed today, open until six, whatever the hours of schedules say."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor
from ringflow.calendars import overrides
from ringflow.calendars.local_time import LocalTime
from ringflow.calendars.override_end import END_OF_DAY, read_end
from ringflow.calendars.overrides import OVERRIDES, Override
from ringflow.cli.operators import Operator
from ringflow.cli.output import Json, print_deleted, print_one
from ringflow.cli.page_options import DEFAULT_LIMIT, After, Limit, print_page, sort_option
from ringflow.cli.project import with_actor, with_reading
from ringflow.config import Config
from ringflow.errors import Refused, Unknown
from ringflow.flows.folder import FlowFolder
from ringflow.flows.overridden import Overridden, overridden
from ringflow.flows.registry import slot_types
from ringflow.forms.calendar import OverrideForm, override_form
from ringflow.moments import system_now_ms
from ringflow.plain_text import plain
from ringflow.store.pages import Page, PageRequest
from ringflow.wording import did_you_mean, known_words

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
        found = _known(name, state, config)
        now = LocalTime.of(actor.now_ms / 1000, _zone(name, found, config))
        return await overrides.put(actor, name, state, read_end(until, now), notes)

    print_one(override_form(with_actor(operator, put)), as_json)


@app.command("list")
def list_command(
    sort: Annotated[str | None, sort_option(OVERRIDES)] = None,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
    as_json: Json = False,
) -> None:
    """List the overrides that count now."""
    asked = PageRequest(limit, after, sort)

    async def find(connection: AsyncConnection, config: Config) -> Page[OverrideForm]:
        return (await overrides.page(connection, system_now_ms(), asked)).map(override_form)

    print_page(with_reading(find), OverrideForm, as_json)


@app.command("clear")
def clear_command(operator: Operator, name: Name, as_json: Json = False) -> None:
    """Take an override back: the hours count again."""
    gone = with_actor(operator, lambda actor, config: overrides.clear(actor, name))
    print_deleted("override", gone.name, as_json)


def _known(name: str, state: str, config: Config) -> Overridden:
    """The schedules of the name. Raises `Refused` where no flow has any, or none of them the exit."""
    drafts, _ = FlowFolder(config.path(config.flows), slot_types()).drafts()
    known = overridden(slot for draft in drafts.values() for slot in draft.slots if slot is not None)
    if name not in known:
        mend = did_you_mean(name, known, f"there are: {known_words(known)}" if known else "")
        what = f"no schedule has `override: {plain(name)}`"
        raise Unknown("override.unknown", f"{what}; {mend}" if mend else what, name=name)
    if state not in known[name].exits:
        raise Refused(
            "override.unknown_exit",
            f"no schedule with `override: {name}` has the exit {plain(state)}; "
            f"they have: {known_words(known[name].exits)}",
            ("state",),
            name=name,
            exit=state,
            exits=sorted(known[name].exits),
        )
    return known[name]


def _zone(name: str, found: Overridden, config: Config) -> ZoneInfo:
    """The one time zone of the schedules. Raises `Refused` where they have several."""
    zones = {one or config.timezone for one in found.zones}
    if len(zones) > 1:
        raise Refused(
            "override.several_zones",
            f"the schedules with `override: {name}` are in several time zones ({known_words(zones)}), whose "
            "days end at different times; give each zone an override of its own",
            name=name,
            zones=sorted(zones),
        )
    return ZoneInfo(zones.pop())
