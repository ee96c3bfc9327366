"""Calendars over HTTP: days on which schedules are on holiday."""

from __future__ import annotations

import asyncio
from datetime import date
from http import HTTPStatus
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor, Principal
from ringflow.calendars import calendar
from ringflow.calendars.calendar import CALENDARS, ENTRIES, Calendar
from ringflow.calendars.calendar_refresh import refresh_calendar
from ringflow.calendars.calendars import kept_title_at
from ringflow.calendars.configured import allowed_hosts
from ringflow.calendars.icalendar_reader import MAX_BYTES
from ringflow.calendars.local_time import LocalTime
from ringflow.config import check_zone_name
from ringflow.errors import Refused
from ringflow.forms.calendar import (
    CalendarEntryForm,
    CalendarForm,
    HolidayForm,
    calendar_entry_form,
    calendar_form,
)
from ringflow.rights import Right
from ringflow.store.pages import Page, PageRequest
from ringflow.web.api.period import DayTime
from ringflow.web.rest.conditions import IfMatch
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.raw_body import RawBody, Upload
from ringflow.web.rest.request_input import Input, Patch, unchanged
from ringflow.web.rest.services import Services

RESOURCE = Resource("calendars", "/calendars", "Days on which schedules are on holiday.")


ICALENDAR = "text/calendar"
CALENDAR_FILE = Upload((ICALENDAR, "text/csv", "text/plain"), MAX_BYTES)


class CalendarQuery(Input):
    """Which calendars."""

    q: str | None = None
    """A part of the name or the notes."""


class EntryQuery(Input):
    """Which entries."""

    past: bool = False
    """Those that are over too."""


class MomentQuery(Input):
    """Which moment, and where."""

    at: DayTime | None = None
    """null: now."""
    timezone: str | None = None
    """Whose clocks count for days; null: the operator's."""


class NewCalendar(Input):
    """A calendar that is to be made."""

    name: str
    url: str | None = None
    """Where servers fetch it, as iCalendar; its host is in config.yaml. null: it is kept by hand."""
    notes: str = ""


class CalendarPatch(Patch):
    """What is to be changed of a calendar: the fields that are there."""

    url: str = unchanged()
    notes: str = unchanged()


class NewDays(Input):
    """Days that are to be added."""

    first: date
    last: date | None = None
    """null: one day."""
    title: str = ""


@RESOURCE.get(Right.CALENDARS_READ, listing=CALENDARS)
async def list_calendars(
    connection: AsyncConnection, services: Services, query: CalendarQuery, asked: PageRequest
) -> Page[CalendarForm]:
    """List calendars."""
    return (await calendar.page(connection, query.q, asked)).map(lambda one: _form(one, services))


@RESOURCE.post(Right.CALENDARS_CHANGE)
async def add_calendar(actor: Actor, services: Services, body: NewCalendar) -> CalendarForm:
    """Make an empty calendar. One with a URL is fetched by the servers within a minute."""
    allowed = allowed_hosts(services.config)
    return _form(await calendar.add(actor, body.name, body.url, body.notes, allowed), services)


@RESOURCE.get(Right.CALENDARS_READ, "/{calendar_name}", tagged=True)
async def show_calendar(connection: AsyncConnection, services: Services, calendar_name: str) -> CalendarForm:
    """Return a calendar."""
    return _form(await calendar.show(connection, calendar_name), services)


@RESOURCE.patch(Right.CALENDARS_CHANGE, "/{calendar_name}")
async def alter_calendar(
    actor: Actor, services: Services, calendar_name: str, match: IfMatch, body: CalendarPatch
) -> CalendarForm:
    """Change where a calendar is fetched from, or its notes. Its entries stay until it is fetched."""
    match.require(_form(await calendar.show_locked(actor, calendar_name), services))
    altered = await calendar.alter(actor, calendar_name, allowed_hosts(services.config), **body.changes())
    return _form(altered, services)


@RESOURCE.delete(Right.CALENDARS_CHANGE, "/{calendar_name}")
async def delete_calendar(actor: Actor, services: Services, calendar_name: str, match: IfMatch) -> None:
    """Delete a calendar with its entries."""
    match.require(_form(await calendar.show_locked(actor, calendar_name), services))
    await calendar.delete(actor, calendar_name)


@RESOURCE.post(Right.CALENDARS_CHANGE, "/{calendar_name}:refresh", status=HTTPStatus.OK)
async def refresh_one_calendar(services: Services, principal: Principal, calendar_name: str) -> CalendarForm:
    """Fetch a calendar from its URL now."""
    opener = services.opener(principal)
    found = await refresh_calendar(services.store, services.config, opener, calendar_name, services.now_ms)
    return _form(found, services)


@RESOURCE.post(Right.CALENDARS_CHANGE, "/{calendar_name}:import", status=HTTPStatus.OK, upload=CALENDAR_FILE)
async def import_calendar(
    services: Services, principal: Principal, calendar_name: str, body: RawBody
) -> CalendarForm:
    """Replace what was imported by the entries of a file; what was added by hand stays.

    The body is iCalendar, or text with a day on each line (2026-12-25,Christmas Day). All of it is taken, or
    nothing.
    """
    name = "upload.ics" if body.content_type == ICALENDAR else "upload.csv"
    opener, raw = services.opener(principal), await asyncio.to_thread(body.read)
    return _form(await calendar.import_file(opener, calendar_name, raw, name), services)


@RESOURCE.get(Right.CALENDARS_READ, "/{calendar_name}/entries", listing=ENTRIES)
async def list_calendar_entries(
    connection: AsyncConnection, services: Services, calendar_name: str, query: EntryQuery, asked: PageRequest
) -> Page[CalendarEntryForm]:
    """List a calendar's entries: those that are still to come, unless `past` says otherwise."""
    since_ms = None if query.past else services.now_ms()
    return (await calendar.entry_page(connection, calendar_name, since_ms, asked)).map(calendar_entry_form)


@RESOURCE.get(Right.CALENDARS_READ, "/{calendar_name}/holiday")
async def show_holiday(services: Services, calendar_name: str, query: MomentQuery) -> HolidayForm:
    """Say whether a moment is on holiday by a calendar, as schedules would find."""
    zone = services.config.zone if query.timezone is None else _zone(query.timezone)
    now = LocalTime.of(services.now_ms() / 1000, zone) if query.at is None else LocalTime(query.at, zone)
    title = await kept_title_at(services.store, calendar_name, now)
    return HolidayForm(title is not None, title)


@RESOURCE.post(Right.CALENDARS_CHANGE, "/{calendar_name}/entries")
async def add_calendar_days(actor: Actor, calendar_name: str, body: NewDays) -> CalendarEntryForm:
    """Add a day to a calendar that is kept by hand, or several."""
    last = body.first if body.last is None else body.last
    return calendar_entry_form(await calendar.add_days(actor, calendar_name, body.first, last, body.title))


@RESOURCE.delete(Right.CALENDARS_CHANGE, "/{calendar_name}/entries/{entry}")
async def delete_calendar_entry(actor: Actor, calendar_name: str, entry: int) -> None:
    """Delete an entry that was added by hand. Entries are not edited, so no state of it needs to be named."""
    await calendar.delete_entry(actor, calendar_name, entry)


def _form(one: Calendar, services: Services) -> CalendarForm:
    return calendar_form(one, services.now_ms(), services.config.calendars.stale_s * 1000)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(check_zone_name(name))
    except ValueError as error:
        what, _, mend = str(error).partition(" || ")
        raise Refused("calendar.unknown_zone", f"{what}: {mend}", ("timezone",), zone=name) from None
