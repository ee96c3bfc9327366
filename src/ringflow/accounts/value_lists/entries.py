"""What stands in a list: added, removed, found and listed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.fields import check_text
from ringflow.accounts.value_lists.entry_value import ListKind, entry_value
from ringflow.accounts.value_lists.value_list import ValueList, show
from ringflow.actor import Actor
from ringflow.audit import Verb, note
from ringflow.errors import Unknown
from ringflow.store.conditions import are_digits, begins_with, digits_between
from ringflow.store.list_tables import value_list_entries
from ringflow.store.page_filters import ALL_ROWS, Between, Filters
from ringflow.store.pages import Listing, Page, PageRequest
from ringflow.store.statement import Statement

_THERE = Statement(
    # SQLite keeps the order of a CROSS JOIN: the other way round it would read the whole list each time.
    "SELECT e.value, e.notes, e.expires_ms FROM {rows} CROSS JOIN value_list_entries AS e "
    "WHERE e.list_id = :list_id AND e.value = v.value",
    rows={"value": "text"},
    list_id="bigint",
)
_WRITE = Statement(
    "INSERT INTO value_list_entries (list_id, value, notes, expires_ms, created_ms, updated_ms) "
    "SELECT :list_id, v.value, v.notes, v.expires_ms, :now_ms, :now_ms FROM {rows} WHERE true "
    "ON CONFLICT (list_id, value) DO UPDATE "
    "SET notes = excluded.notes, expires_ms = excluded.expires_ms, updated_ms = excluded.updated_ms",
    rows={"value": "text", "notes": "text", "expires_ms": "bigint"},
    list_id="bigint",
    now_ms="bigint",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A value of a list, in the form of its kind. From `expires_ms` on it does not count."""

    value: str
    notes: str = ""
    expires_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """How many entries were new, changed, or there already just so."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0

    def plus(self, other: Written) -> Written:
        """Both together."""
        return Written(
            self.added + other.added, self.changed + other.changed, self.unchanged + other.unchanged
        )


_COLUMNS = tuple(value_list_entries.c[name] for name in Entry.__slots__)
ENTRIES = Listing("entries of a list", {"value": (value_list_entries.c.value,)}, first="value")


async def add(
    actor: Actor, list_name: str, text: str, notes: str = "", expires_ms: int | None = None
) -> Entry:
    """Add a value, or change the notes and the expiry of one that is there. Raises `Refused`."""
    found = await show(actor.connection, list_name)
    entry = Entry(entry_value(found.kind, text, actor.country), check_text(notes, "notes"), expires_ms)
    old = await find_exact(actor.connection, found, entry.value)
    if entry != old:
        await _write(actor.connection, found, [entry], actor.now_ms)
        await note(actor, Verb.SET if old else Verb.ADD, _subject(found, entry), old, entry)
    return entry


async def remove(actor: Actor, list_name: str, text: str) -> Entry:
    """Remove a value; returns what it was. Raises `Refused`: no such list, or the value is not in it."""
    found = await show(actor.connection, list_name)
    entry = await show_entry(actor.connection, found, text, actor.country)
    own = (value_list_entries.c.list_id == found.id, value_list_entries.c.value == entry.value)
    await actor.connection.execute(value_list_entries.delete().where(*own))
    await note(actor, Verb.DELETE, _subject(found, entry), entry, None)
    return entry


async def show_entry(connection: AsyncConnection, which: ValueList, text: str, country: str) -> Entry:
    """The entry with this value itself, however it is written. Raises `Refused`."""
    value = entry_value(which.kind, text, country)
    entry = await find_exact(connection, which, value)
    if entry is None:
        what = f"{value} is not in {which}"
        raise Unknown("value_list.unknown_entry", what, ("entry",), value_list=which.name, entry=value)
    return entry


async def find_exact(connection: AsyncConnection, which: ValueList, value: str) -> Entry | None:
    """The entry with a value in the form of the list, or None."""
    own = (value_list_entries.c.list_id == which.id, value_list_entries.c.value == value)
    row = (await connection.execute(select(*_COLUMNS).where(*own))).one_or_none()
    return Entry(*row) if row is not None else None


async def page(
    connection: AsyncConnection, which: ValueList, search: str | None, asked: PageRequest
) -> Page[Entry]:
    """Read a page of a list's entries. `search`: how a value begins."""
    filters = ALL_ROWS
    if search is not None:
        text = search.removeprefix("+") if which.kind is ListKind.NUMBERS else search
        if are_digits(text) and which.kind is ListKind.NUMBERS:
            filters = Filters(between=Between(value_list_entries.c.value, *digits_between(text)))
        else:
            filters = Filters(tried=[begins_with(value_list_entries.c.value, text)])
    return await ENTRIES.page(connection, _entries(which), asked, lambda row: Entry(*row), filters)


def every(connection: AsyncConnection, which: ValueList) -> AsyncIterator[Sequence[Entry]]:
    """Read all entries, some thousand at a time."""
    return ENTRIES.all_pages(connection, _entries(which), lambda row: Entry(*row))


async def write(actor: Actor, which: ValueList, entries: Mapping[str, Entry]) -> Written:
    """Write entries, by their values; what is there already gets their notes and expiry. It is not logged."""
    added, changed = await _differing(actor, which, entries)
    await _write(actor.connection, which, added + changed, actor.now_ms)
    return Written(len(added), len(changed), len(entries) - len(added) - len(changed))


async def compare(actor: Actor, which: ValueList, entries: Mapping[str, Entry]) -> Written:
    """What `write` would do."""
    added, changed = await _differing(actor, which, entries)
    return Written(len(added), len(changed), len(entries) - len(added) - len(changed))


async def _differing(
    actor: Actor, which: ValueList, entries: Mapping[str, Entry]
) -> tuple[list[Entry], list[Entry]]:
    """Those of the entries that the list does not have, and those that it has otherwise."""
    rows = [{"value": value} for value in entries]
    there = {row[0]: Entry(*row) for row in await _THERE.run(actor.connection, rows, list_id=which.id)}
    changed = [entry for value, entry in entries.items() if value in there and entry != there[value]]
    return [entry for value, entry in entries.items() if value not in there], changed


async def _write(
    connection: AsyncConnection, which: ValueList, entries: Sequence[Entry], now_ms: int
) -> None:
    if entries:
        rows: list[dict[str, Any]] = [
            {"value": one.value, "notes": one.notes, "expires_ms": one.expires_ms} for one in entries
        ]
        await _WRITE.run(connection, rows, list_id=which.id, now_ms=now_ms)


def _entries(which: ValueList) -> Any:
    return select(*_COLUMNS).where(value_list_entries.c.list_id == which.id)


def _subject(which: ValueList, entry: Entry) -> str:
    return f"{which}: {entry.value}"
