"""Value lists over HTTP: numbers or texts that flows look values up in."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.directory_changes import lock_directory
from ringflow.accounts.value_lists import entries, value_list
from ringflow.accounts.value_lists.entries import ENTRIES
from ringflow.accounts.value_lists.entry_value import ListKind
from ringflow.accounts.value_lists.value_list import VALUE_LISTS, ValueListChanges, ValueListFilter
from ringflow.actor import Actor, Principal
from ringflow.forms.value_list import (
    ValueListDetailForm,
    ValueListEntryForm,
    ValueListForm,
    entry_form,
    value_list_detail_form,
    value_list_form,
)
from ringflow.moments import last_day_end_ms
from ringflow.rights import Right
from ringflow.store.pages import Page, PageRequest
from ringflow.web.api.period import LastDay
from ringflow.web.rest.conditions import IfMatch
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input, Patch, unchanged
from ringflow.web.rest.services import Services

RESOURCE = Resource("value lists", "/value-lists", "Numbers or texts that flows look values up in.")


class ValueListQuery(Input):
    """Which lists."""

    kind: ListKind | None = None
    q: str | None = None
    """A part of the name or the notes."""


class NewValueList(Input):
    """A list that is to be made."""

    name: str
    kind: ListKind = ListKind.NUMBERS
    """It stays for ever."""
    notes: str = ""


class ValueListPatch(Patch):
    """What is to be changed of a list: the fields that are there."""

    name: str = unchanged()
    """So one list takes the place of another."""
    notes: str = unchanged()


class ValueListDeletion(Input):
    """What is deleted with a list."""

    with_entries: bool = False
    """Also if it has entries."""


class ValueListEntryQuery(Input):
    """Which entries."""

    q: str | None = None
    """How a value begins."""


class NewEntry(Input):
    """A value that is to be in a list."""

    entry: str
    """A number in any form, 4419* for all that begin so, or text."""
    notes: str = ""
    expires: LastDay | None = None
    """The last day on which it counts, in the operator's time zone; null: it counts for ever."""


@RESOURCE.get(Right.LISTS_READ, listing=VALUE_LISTS)
async def list_value_lists(
    connection: AsyncConnection, query: ValueListQuery, asked: PageRequest
) -> Page[ValueListForm]:
    """List value lists."""
    return (await value_list.page(connection, ValueListFilter(query.kind, query.q), asked)).map(
        value_list_form
    )


@RESOURCE.post(Right.LISTS_CHANGE)
async def add_value_list(actor: Actor, body: NewValueList) -> ValueListForm:
    """Make an empty list."""
    return value_list_form(await value_list.add(actor, body.name, body.kind, body.notes))


@RESOURCE.get(Right.LISTS_READ, "/{list_name}", tagged=True)
async def show_value_list(connection: AsyncConnection, list_name: str) -> ValueListDetailForm:
    """Return a list, and how many entries it has."""
    return await _detail(connection, list_name)


@RESOURCE.patch(Right.LISTS_CHANGE, "/{list_name}")
async def alter_value_list(
    actor: Actor, list_name: str, match: IfMatch, body: ValueListPatch
) -> ValueListDetailForm:
    """Change the fields that the body has; the others stay."""
    await lock_directory(actor)
    match.require(await _detail(actor.connection, list_name))
    changes: ValueListChanges = body.changes()  # type: ignore[assignment]
    return await _detail(actor.connection, (await value_list.alter(actor, list_name, **changes)).name)


@RESOURCE.delete(Right.LISTS_CHANGE, "/{list_name}")
async def delete_value_list(
    services: Services, principal: Principal, list_name: str, match: IfMatch, query: ValueListDeletion
) -> None:
    """Delete a list. Entries go by the thousand, and no call finds half of them."""
    async with services.store.reading() as connection:
        match.require(await _detail(connection, list_name))
    await value_list.delete(services.opener(principal), list_name, with_entries=query.with_entries)


@RESOURCE.get(Right.LISTS_READ, "/{list_name}/entries", listing=ENTRIES)
async def list_value_list_entries(
    connection: AsyncConnection,
    services: Services,
    list_name: str,
    query: ValueListEntryQuery,
    asked: PageRequest,
) -> Page[ValueListEntryForm]:
    """List the values of a list."""
    found = await entries.page(connection, await value_list.show(connection, list_name), query.q, asked)
    return found.map(lambda one: entry_form(one, services.config.zone))


@RESOURCE.post(Right.LISTS_CHANGE, "/{list_name}/entries")
async def add_value_list_entry(
    actor: Actor, services: Services, list_name: str, body: NewEntry
) -> ValueListEntryForm:
    """Add a value. One that is there gets these notes and this expiry."""
    zone = services.config.zone
    expires_ms = None if body.expires is None else last_day_end_ms(body.expires, zone)
    return entry_form(await entries.add(actor, list_name, body.entry, body.notes, expires_ms), zone)


@RESOURCE.get(Right.LISTS_READ, "/{list_name}/entries/{entry}", tagged=True)
async def show_value_list_entry(
    connection: AsyncConnection, services: Services, list_name: str, entry: str
) -> ValueListEntryForm:
    """Return a value, if it is in the list, however it is written."""
    return await _entry(connection, services, list_name, entry)


@RESOURCE.delete(Right.LISTS_CHANGE, "/{list_name}/entries/{entry}")
async def remove_value_list_entry(
    actor: Actor, services: Services, list_name: str, entry: str, match: IfMatch
) -> None:
    """Take a value out of a list."""
    await lock_directory(actor)
    match.require(await _entry(actor.connection, services, list_name, entry))
    await entries.remove(actor, list_name, entry)


async def _detail(connection: AsyncConnection, name: str) -> ValueListDetailForm:
    found = await value_list.show(connection, name)
    return value_list_detail_form(found, await value_list.count(connection, found))


async def _entry(
    connection: AsyncConnection, services: Services, list_name: str, text: str
) -> ValueListEntryForm:
    found = await value_list.show(connection, list_name)
    one = await entries.show_entry(connection, found, text, services.config.country)
    return entry_form(one, services.config.zone)
