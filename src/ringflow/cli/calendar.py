"""`ringflow calendar`: days on which schedules are on holiday."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.fields import check_text
from ringflow.actor import Actor
from ringflow.calendars import calendar
from ringflow.calendars.calendar import CALENDARS, ENTRIES, Calendar
from ringflow.calendars.calendar_refresh import refresh_calendar
from ringflow.calendars.configured import allowed_hosts
from ringflow.calendars.icalendar_reader import MAX_BYTES
from ringflow.cli.operators import Operator
from ringflow.cli.output import Json, print_deleted, print_one
from ringflow.cli.page_options import (
    DEFAULT_LIMIT,
    After,
    Find,
    Limit,
    paged,
    print_page,
    search_option,
    sort_option,
)
from ringflow.cli.project import opener, with_actor, with_reading, with_store
from ringflow.config import Config
from ringflow.errors import Refused, StartError
from ringflow.forms.calendar import (
    CalendarEntryForm,
    CalendarForm,
    calendar_entry_form,
    calendar_form,
)
from ringflow.moments import system_now_ms
from ringflow.plain_text import plain
from ringflow.store import Store
from ringflow.store.pages import Page, PageRequest

app = typer.Typer(help="Days on which schedules are on holiday.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The calendar's name.")]
Notes = Annotated[str | None, typer.Option("--notes", help="A line for people.")]
Url = Annotated[
    str | None,
    typer.Option("--url", help="Where servers fetch it, as iCalendar; its host is in config.yaml."),
]


@app.command("add")
def add_command(
    operator: Operator, name: Name, url: Url = None, notes: Notes = None, as_json: Json = False
) -> None:
    """Add a calendar.

    With --url servers fetch it now, and every hour from then on.
    """

    async def add(actor: Actor, config: Config) -> CalendarForm:
        return _form(await calendar.add(actor, name, url, notes or "", allowed_hosts(config)), config)

    print_one(with_actor(operator, add), as_json)


@app.command("list")
def list_command(
    search: Annotated[str | None, search_option("A part of the name or the notes.")] = None,
    sort: Annotated[str | None, sort_option(CALENDARS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
    as_json: Json = False,
) -> None:
    """List the calendars."""

    async def find(connection: AsyncConnection, config: Config) -> Page[CalendarForm]:
        page = await calendar.page(connection, search, PageRequest(limit, after, sort))
        return page.map(lambda one: _form(one, config))

    print_page(with_reading(find), CalendarForm, as_json)


@app.command("show")
def show_command(name: Name, as_json: Json = False) -> None:
    """Show a calendar."""

    async def show(connection: AsyncConnection, config: Config) -> CalendarForm:
        return _form(await calendar.show(connection, name), config)

    print_one(with_reading(show), as_json)


@paged(app, ENTRIES, CalendarEntryForm, calendar_entry_form, name="entries")
def entries_command(
    name: Name,
    past: Annotated[bool, typer.Option("--past", help="Those that are over too.")] = False,
) -> Find:
    """List a calendar's entries.

    By default those that are still to come.
    """
    since_ms = None if past else system_now_ms()
    return lambda connection, config, asked: calendar.entry_page(connection, name, since_ms, asked)


@app.command("set")
def set_command(
    operator: Operator, name: Name, url: Url = None, notes: Notes = None, as_json: Json = False
) -> None:
    """Change a calendar's URL or notes; the rest stays."""

    async def alter(actor: Actor, config: Config) -> CalendarForm:
        altered = await calendar.alter(actor, name, allowed_hosts(config), url=url, notes=notes)
        return _form(altered, config)

    print_one(with_actor(operator, alter), as_json)


@app.command("import")
def import_command(
    operator: Operator,
    name: Name,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="iCalendar (.ics), or lines such as 2026-12-25,Christmas Day."),
    ],
    as_json: Json = False,
) -> None:
    """Import the entries of a file.

    They replace those that were imported before; what was added by hand stays. All lines of the file are
    taken, or none.
    """
    try:
        with file.open("rb") as opened:
            raw = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise StartError(f"{file} cannot be read: {error.strerror}") from error

    async def take(store: Store, config: Config) -> CalendarForm:
        begin = opener(store, config, operator)
        return _form(await calendar.import_file(begin, name, raw, str(file)), config)

    print_one(with_store(take), as_json)


@app.command("add-days")
def add_days_command(
    operator: Operator,
    name: Name,
    first: Annotated[str, typer.Argument(metavar="DAY", help="Such as 2026-12-25.")],
    last: Annotated[str | None, typer.Option("--to", metavar="DAY", help="The last of several days.")] = None,
    title: Annotated[str, typer.Option("--title", help="What they are called.")] = "",
    as_json: Json = False,
) -> None:
    """Add a day to a calendar, or several."""
    check_text(title, "title")
    begin = _day(first)
    end = begin if last is None else _day(last)
    made = with_actor(operator, lambda actor, config: calendar.add_days(actor, name, begin, end, title))
    print_one(calendar_entry_form(made), as_json)


@app.command("delete-entry")
def delete_entry_command(
    operator: Operator,
    name: Name,
    entry: Annotated[int, typer.Argument(metavar="ID", help="The entry's id: `ringflow calendar entries`.")],
    as_json: Json = False,
) -> None:
    """Delete an entry that was added by hand."""
    gone = with_actor(operator, lambda actor, config: calendar.delete_entry(actor, name, entry))
    print_one(calendar_entry_form(gone), as_json)


@app.command("refresh")
def refresh_command(operator: Operator, name: Name, as_json: Json = False) -> None:
    """Fetch a calendar from its URL now."""

    async def fetch(store: Store, config: Config) -> CalendarForm:
        begin = opener(store, config, operator)
        return _form(await refresh_calendar(store, config, begin, name, system_now_ms), config)

    print_one(with_store(fetch), as_json)


@app.command("delete")
def delete_command(operator: Operator, name: Name, as_json: Json = False) -> None:
    """Delete a calendar with its entries."""
    gone = with_actor(operator, lambda actor, config: calendar.delete(actor, name))
    print_deleted("calendar", gone.name, as_json)


def _form(one: Calendar, config: Config) -> CalendarForm:
    return calendar_form(one, system_now_ms(), config.calendars.stale_s * 1000)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(
            "option.malformed", f"{plain(text)} is no day; write one such as 2026-12-25", option="DAY"
        ) from None
