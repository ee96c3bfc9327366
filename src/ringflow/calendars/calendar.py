"""Operators' calendars: kept by hand, imported, or kept fresh from a URL."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import PurePath
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.fields import check_text
from ringflow.actor import Actor, Opener
from ringflow.audit import Verb, note
from ringflow.calendars.calendar_url import check_calendar_url
from ringflow.calendars.entry import MAX_ENTRIES, Entry, of_days, short_title
from ringflow.calendars.names import MAX_NAME, NAME_PATTERN
from ringflow.calendars.source import form_of, read_source
from ringflow.errors import Conflict, Refused, Unknown
from ringflow.http_client.allowed_hosts import AllowedHosts
from ringflow.plain_text import plain
from ringflow.store.calendar_tables import calendar_entries, calendars
from ringflow.store.conditions import contains
from ringflow.store.page_filters import Filters
from ringflow.store.pages import Listing, Page, PageRequest

MAX_YEAR = 9000
"""Of days that are added: the last one that there can be has no day after it."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """A calendar as operators see it; the fields are those of the table. `entries`: how many there are."""

    name: str
    url: str | None = None
    notes: str = ""
    entries: int = 0
    fetched_ms: int | None = None
    tried_ms: int = 0
    problem: str = ""
    created_ms: int = 0
    updated_ms: int = 0


@dataclass(frozen=True, slots=True)
class KeptEntry:
    """An entry of a calendar in the database."""

    id: int
    calendar: str
    by_hand: bool
    entry: Entry = field(repr=False)


CALENDARS = Listing("calendars", {"name": (calendars.c.name,)}, first="name")
ENTRIES = Listing(
    "entries of a calendar", {"begins": (calendar_entries.c.begins_ms, calendar_entries.c.id)}, first="begins"
)
_COUNT = (
    select(func.count())
    .where(calendar_entries.c.calendar == calendars.c.name)
    .scalar_subquery()
    .label("entries")
)
_COLUMNS = tuple(
    _COUNT if name == "entries" else calendars.c[name].label(name) for name in Calendar.__slots__
)
_ENTRY_COLUMNS = tuple(
    calendar_entries.c[name]
    for name in ("id", "calendar", "by_hand", "absolute", "begins_ms", "ends_ms", "title")
)


async def find(connection: AsyncConnection, name: str) -> Calendar | None:
    """Return the calendar with this name."""
    query = select(*_COLUMNS).where(calendars.c.name == name)
    row = (await connection.execute(query)).one_or_none()
    return Calendar(*row) if row else None


async def show(connection: AsyncConnection, name: str) -> Calendar:
    """Return the calendar with this name. Raises `Unknown`."""
    found = await find(connection, name)
    if found is None:
        raise unknown(name)
    return found


def unknown(name: str) -> Unknown:
    """Return the error of a calendar that is not there."""
    return Unknown("calendar.unknown", f"calendar {plain(name)} does not exist", calendar=name)


async def every(connection: AsyncConnection) -> Sequence[Calendar]:
    """Return all calendars by their names."""
    return [Calendar(*row) for row in await connection.execute(select(*_COLUMNS).order_by(calendars.c.name))]


async def page(connection: AsyncConnection, search: str | None, asked: PageRequest) -> Page[Calendar]:
    """Read a page of calendars. `search`: a part of the name or the notes."""
    query = select(*_COLUMNS)
    if search is not None:
        query = query.where(contains(calendars.c.name, search) | contains(calendars.c.notes, search))
    return await CALENDARS.page(connection, query, asked, lambda row: Calendar(*row))


async def entry_page(
    connection: AsyncConnection, name: str, since_ms: int | None, asked: PageRequest
) -> Page[KeptEntry]:
    """Read a page of a calendar's entries; with `since_ms` those that end after it. Raises `Unknown`."""
    await show(connection, name)
    return await entries_of(connection, name, since_ms, asked)


async def entries_of(
    connection: AsyncConnection, name: str, since_ms: int | None, asked: PageRequest
) -> Page[KeptEntry]:
    """Read the same of a name that may be no calendar's; then the page is empty."""
    query = select(*_ENTRY_COLUMNS).where(calendar_entries.c.calendar == name)
    tried = [] if since_ms is None else [calendar_entries.c.ends_ms > since_ms]
    return await ENTRIES.page(connection, query, asked, _kept_entry, Filters(tried=tried))


async def add(actor: Actor, name: str, url: str | None, notes: str, allowed: AllowedHosts) -> Calendar:
    """Make an empty calendar; one with a URL is fetched by the servers within a minute.

    Raises `Refused`: the name is taken or cannot be one, the URL leads nowhere that is allowed.
    """
    _check_name(name)
    check_text(notes, "notes")
    if url is not None:
        check_calendar_url(allowed, url)
    if await find(actor.connection, name) is not None:
        raise Conflict("calendar.taken", f"calendar {name} exists already", calendar=name)
    made = Calendar(name, url, notes, created_ms=actor.now_ms, updated_ms=actor.now_ms)
    values = {key: getattr(made, key) for key in Calendar.__slots__ if key != "entries"}
    await actor.connection.execute(calendars.insert().values(values))
    await note(actor, Verb.ADD, f"calendar {name}", None, _facts(made))
    return made


async def alter(
    actor: Actor, name: str, allowed: AllowedHosts, *, url: str | None = None, notes: str | None = None
) -> Calendar:
    """Change where a calendar is fetched from, or its notes. Its entries stay until it is fetched.

    Raises `Refused` as `add` does, and for a URL of a calendar that is kept by hand.
    """
    old = await show_locked(actor, name)
    new = replace(old, notes=old.notes if notes is None else check_text(notes, "notes"))
    if url is not None:
        check_calendar_url(allowed, url)
        if old.url is None and old.entries:
            raise Conflict(
                "calendar.kept_by_hand",
                f"calendar {name} is kept by hand, and its entries would be lost; add another one",
                calendar=name,
            )
        if url != old.url:
            new = replace(new, url=url, tried_ms=0, problem="")
    if new != old:
        changed = {"url": new.url, "notes": new.notes, "tried_ms": new.tried_ms, "problem": new.problem}
        if new.url != old.url:
            changed |= {"etag": None, "modified": None}
        await _update(actor, name, **changed)
        await note(actor, Verb.SET, f"calendar {name}", _facts(old), _facts(new))
    return new


async def delete(actor: Actor, name: str) -> Calendar:
    """Delete a calendar with its entries; returns what it was. Raises `Unknown`."""
    old = await show_locked(actor, name)
    entries = calendar_entries.delete().where(calendar_entries.c.calendar == name)
    await actor.connection.execute(entries)
    await actor.connection.execute(calendars.delete().where(calendars.c.name == name))
    await note(actor, Verb.DELETE, f"calendar {name}", _facts(old), None)
    return old


async def import_file(opener: Opener, name: str, raw: bytes, file: str) -> Calendar:
    """Do the same as `import_source`, and read the file before the transaction that takes it.

    Reading may take seconds, for which no transaction is to keep calls waiting.
    """
    async with opener() as actor:
        _refuse_fetched(await show(actor.connection, name))
        now_ms = actor.now_ms
    found = await read_source(raw, form_of(file), PurePath(file).name, now_ms)
    async with opener() as actor:
        return await import_source(actor, name, raw, file, found)


async def import_source(
    actor: Actor, name: str, raw: bytes, file: str, found: Sequence[Entry] | None = None
) -> Calendar:
    """Replace what was imported by the entries of a file; those added by hand stay.

    `found`: the entries, where the file was read already. Raises `Refused`: unknown, kept fresh from a URL,
    or a text that cannot be read; `DocumentError` for lines of a list of days.
    """
    form = form_of(file)
    if found is None:
        found = await read_source(raw, form, PurePath(file).name, actor.now_ms)
    old = await show_locked(actor, name)
    _refuse_fetched(old)
    await replace_entries(actor.connection, name, found)
    await _update(
        actor, name, source=raw.decode("utf-8-sig"), source_form=form, expanded_ms=actor.now_ms, problem=""
    )
    new = await show(actor.connection, name)
    facts = {"file": short_title(PurePath(file).name), "entries": new.entries}
    await note(actor, Verb.IMPORT, f"calendar {name}", {"entries": old.entries}, facts)
    return new


async def note_refresh(actor: Actor, name: str) -> None:
    """Note in the audit log that an operator has a calendar fetched. Raises `Refused`: unknown, no URL."""
    found = await show_locked(actor, name)
    if found.url is None:
        raise Conflict("calendar.no_url", f"calendar {name} is kept by hand and has no URL", calendar=name)
    facts = {"fetched_ms": found.fetched_ms}
    await note(actor, Verb.REFRESH, f"calendar {name}", facts, {"refreshed_ms": actor.now_ms})


async def add_days(actor: Actor, name: str, first: date, last: date, title: str) -> KeptEntry:
    """Add days by hand. Raises `Refused`: unknown, kept fresh from a URL, full, or the days the wrong way."""
    old = await show_locked(actor, name)
    _refuse_fetched(old)
    check_text(title, "title")
    if last < first:
        raise Refused(
            "calendar.ends_before_it_begins",
            f"{last} is before {first}; give the earlier day first",
            ("last",),
            first=first.isoformat(),
            last=last.isoformat(),
        )
    if last.year > MAX_YEAR:
        raise Refused(
            "field.out_of_range",
            f"the year {last.year} is out of range; write a day of a year up to {MAX_YEAR}",
            ("last",),
            field="last",
            low=1,
            high=MAX_YEAR,
        )
    if old.entries >= MAX_ENTRIES:
        raise Refused(
            "calendar.full",
            f"calendar {name} has {MAX_ENTRIES} entries, which are the most",
            calendar=name,
            most=MAX_ENTRIES,
        )
    entry = of_days(first, last, title)
    statement = calendar_entries.insert().values(**_values(name, entry, by_hand=True))
    identifier = await actor.connection.execute(statement.returning(calendar_entries.c.id))
    made = KeptEntry(identifier.scalar_one(), name, True, entry)
    await note(actor, Verb.ADD, f"entry of calendar {name}", None, _entry_facts(made))
    return made


async def delete_entry(actor: Actor, name: str, identifier: int) -> KeptEntry:
    """Delete an entry that was added by hand; returns what it was. Raises `Refused` for others."""
    old = await show_locked(actor, name)
    _refuse_fetched(old)
    ours = (calendar_entries.c.calendar == name) & (calendar_entries.c.id == identifier)
    row = (await actor.connection.execute(select(*_ENTRY_COLUMNS).where(ours))).one_or_none()
    if row is None:
        raise Unknown(
            "calendar.unknown_entry",
            f"calendar {name} has no entry {identifier}",
            calendar=name,
            entry=identifier,
        )
    gone = _kept_entry(row)
    if not gone.by_hand:
        raise Conflict(
            "calendar.imported_entry",
            f"entry {identifier} of calendar {name} was imported; import a file without it",
            calendar=name,
            entry=identifier,
        )
    await actor.connection.execute(calendar_entries.delete().where(ours))
    await note(actor, Verb.DELETE, f"entry of calendar {name}", _entry_facts(gone), None)
    return gone


async def replace_entries(connection: AsyncConnection, name: str, found: Sequence[Entry]) -> None:
    """Make these the entries that a calendar has from its source."""
    table = calendar_entries
    await connection.execute(table.delete().where(table.c.calendar == name, table.c.by_hand.is_(False)))
    if found:
        await connection.execute(table.insert(), [_values(name, one, by_hand=False) for one in found])


def trouble(calendar: Calendar, now_ms: int, stale_ms: int) -> str:
    """Return what is wrong with a calendar that is kept fresh from a URL; empty where nothing is.

    It goes on with its last good copy all the same.
    """
    if calendar.url is None:
        return ""
    why = calendar.problem
    if calendar.fetched_ms is None:
        return f"it was never fetched: {why}" if why else ""
    old_ms = now_ms - calendar.fetched_ms
    if old_ms <= stale_ms:
        return ""
    old = f"{old_ms // 3_600_000} h" if old_ms < 2 * 86_400_000 else f"{old_ms // 86_400_000} days"
    return f"its last good copy is {old} old{f': {why}' if why else ''}"


async def show_locked(actor: Actor, name: str) -> Calendar:
    """Return a calendar that nobody else changes until this transaction ends. Raises `Unknown`."""
    await actor.connection.execute(select(calendars.c.name).where(calendars.c.name == name).with_for_update())
    return await show(actor.connection, name)


async def _update(actor: Actor, name: str, **values: object) -> None:
    await actor.connection.execute(
        calendars.update().where(calendars.c.name == name).values(**values, updated_ms=actor.now_ms)
    )


def _refuse_fetched(calendar: Calendar) -> None:
    if calendar.url is not None:
        raise Conflict(
            "calendar.kept_fresh",
            f"calendar {calendar.name} is kept fresh from its URL; change it there, or add another one",
            calendar=calendar.name,
        )


def _check_name(name: str) -> None:
    if not re.fullmatch(NAME_PATTERN, name):
        raise Refused(
            "calendar.malformed_name",
            f"calendar `{plain(name)}`: use at most {MAX_NAME} letters, digits, - and _, beginning with a "
            "letter or digit",
            ("name",),
            calendar=name,
        )


def _kept_entry(row: Sequence[Any]) -> KeptEntry:
    return KeptEntry(row[0], row[1], bool(row[2]), Entry(bool(row[3]), *row[4:7]))


def _values(name: str, entry: Entry, *, by_hand: bool) -> dict[str, object]:
    return {
        "calendar": name,
        "absolute": entry.absolute,
        "begins_ms": entry.begins_ms,
        "ends_ms": entry.ends_ms,
        "title": entry.title,
        "by_hand": by_hand,
    }


def _facts(calendar: Calendar) -> dict[str, object]:
    return {name: getattr(calendar, name) for name in ("name", "url", "notes", "entries")}


def _entry_facts(one: KeptEntry) -> dict[str, object]:
    return {"id": one.id, "begins": one.entry.begins, "ends": one.entry.ends, "title": one.entry.title}
