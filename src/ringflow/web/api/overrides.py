"""Overrides over HTTP: closed today, open until six, whatever the hours of schedules say."""

from __future__ import annotations

import asyncio

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor, Principal
from ringflow.calendars import overrides
from ringflow.calendars.override_end import END_OF_DAY
from ringflow.calendars.overrides import OVERRIDES
from ringflow.flows.override_order import overridable, put_override
from ringflow.flows.registry import slot_types
from ringflow.forms.calendar import OverrideForm, override_form
from ringflow.rights import Right
from ringflow.store.pages import Page, PageRequest
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input
from ringflow.web.rest.services import Services

RESOURCE = Resource("overrides", "/overrides", "What operators have said that schedules do.")


class OverrideOrder(Input):
    """What the schedules of a name are to do."""

    exit: str
    """`closed`, `open` or another of their exits."""
    until: str = END_OF_DAY
    """`end_of_day`, `further_notice`, 18:00, 2026-12-26 or 2026-12-26T18:00, in their time zone."""
    notes: str = ""


@RESOURCE.get(Right.CALENDARS_READ, listing=OVERRIDES)
async def list_overrides(
    connection: AsyncConnection, services: Services, asked: PageRequest
) -> Page[OverrideForm]:
    """List the overrides that count now."""
    return (await overrides.page(connection, services.now_ms(), asked)).map(override_form)


@RESOURCE.put(Right.CALENDARS_OVERRIDE, "/{name}")
async def put_one_override(
    services: Services, principal: Principal, name: str, body: OverrideOrder
) -> OverrideForm:
    """Say what schedules do, in place of what was said before. Calls follow at once, on all servers."""
    config = services.config
    # Reads files, which must neither keep calls waiting nor a transaction open.
    known = await asyncio.to_thread(overridable, config.path(config.flows), slot_types())
    async with services.opener(principal)() as actor:
        put = await put_override(actor, known, name, body.exit, body.until, body.notes, config.timezone)
    return override_form(put)


@RESOURCE.delete(Right.CALENDARS_OVERRIDE, "/{name}")
async def delete_override(actor: Actor, name: str) -> None:
    """Take an override back: the hours count again."""
    await overrides.clear(actor, name)
