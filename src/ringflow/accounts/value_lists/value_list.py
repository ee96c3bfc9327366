"""Lists that operators keep: made, changed, shown and deleted. What stands in them: `entries.py`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, TypedDict, Unpack

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.fields import check_text
from ringflow.accounts.value_lists.entry_value import ListKind
from ringflow.accounts.value_lists.list_name import MAX_NAME, NAME_PATTERN
from ringflow.actor import Actor, Opener
from ringflow.audit import Verb, note
from ringflow.errors import Conflict, Refused, Unknown
from ringflow.plain_text import plain
from ringflow.store.conditions import contains, equal
from ringflow.store.list_tables import value_list_entries, value_lists
from ringflow.store.pages import Listing, Page, PageRequest

ENTRIES_AT_ONCE = 5000
"""How many entries one transaction writes or removes: calls wait no longer than that for SQLite's lock."""


@dataclass(frozen=True, slots=True)
class ValueList:
    """A list. Its kind never changes: its entries are in the form of that kind."""

    id: int
    name: str
    kind: ListKind
    notes: str = ""
    created_ms: int = 0

    def __str__(self) -> str:
        return f"list {self.name}"


class ValueListChanges(TypedDict, total=False):
    """The fields that `alter` may change. A new name is how one list takes the place of another."""

    name: str
    notes: str


@dataclass(frozen=True, slots=True)
class ValueListFilter:
    """Which lists: those that fit all given. `search`: a part of the name or the notes."""

    kind: ListKind | None = None
    search: str | None = None


_COLUMNS = tuple(value_lists.c[name] for name in ValueList.__slots__)
VALUE_LISTS = Listing("lists", {"name": (value_lists.c.name,)}, first="name")


async def find(connection: AsyncConnection, name: str) -> ValueList | None:
    """The list of this name, or None."""
    row = (await connection.execute(select(*_COLUMNS).where(value_lists.c.name == name))).one_or_none()
    return _list_of(row) if row is not None else None


async def show(connection: AsyncConnection, name: str) -> ValueList:
    """The list of this name. Raises `Unknown`."""
    found = await find(connection, name)
    if found is None:
        raise Unknown("value_list.unknown", f"list {plain(name)} does not exist", ("name",), value_list=name)
    return found


async def page(connection: AsyncConnection, wanted: ValueListFilter, asked: PageRequest) -> Page[ValueList]:
    """Read a page of lists."""
    conditions = equal(((value_lists.c.kind, wanted.kind),))
    if wanted.search is not None:
        columns = (value_lists.c.name, value_lists.c.notes)
        conditions.append(or_(*(contains(one, wanted.search) for one in columns)))
    return await VALUE_LISTS.page(connection, select(*_COLUMNS).where(*conditions), asked, _list_of)


async def names(connection: AsyncConnection) -> frozenset[str]:
    """The names of all lists: a flow may name no other."""
    return frozenset((await connection.execute(select(value_lists.c.name))).scalars())


async def count(connection: AsyncConnection, which: ValueList) -> int:
    """How many entries a list has, expired ones among them. It reads all of them."""
    query = select(func.count()).where(value_list_entries.c.list_id == which.id)
    return int((await connection.execute(query)).scalar_one())


async def add(actor: Actor, name: str, kind: ListKind, notes: str = "") -> ValueList:
    """Make an empty list. Raises `Refused`: the name is taken, or is none."""
    check_text(notes, "notes")
    await _check_name(actor, name)
    values = {"name": name, "kind": kind.value, "notes": notes}
    made = value_lists.insert().values(values | {"created_ms": actor.now_ms, "updated_ms": actor.now_ms})
    identifier = (await actor.connection.execute(made.returning(value_lists.c.id))).scalar_one()
    found = ValueList(identifier, name, kind, notes, actor.now_ms)
    await note(actor, Verb.ADD, str(found), None, found)
    return found


async def alter(actor: Actor, which: str, **changes: Unpack[ValueListChanges]) -> ValueList:
    """Change a list's fields. Raises `Refused`: unknown, or the new name is taken or is none."""
    old = await show(actor.connection, which)
    new = replace(old, **changes)
    check_text(new.notes, "notes")
    if new.name != old.name:
        await _check_name(actor, new.name)
    if new != old:
        await actor.connection.execute(
            value_lists.update()
            .where(value_lists.c.id == old.id)
            .values(name=new.name, notes=new.notes, updated_ms=actor.now_ms)
        )
        await note(actor, Verb.SET, str(old), old, new)
    return new


async def delete(opener: Opener, name: str, *, with_entries: bool = False) -> int:
    """Delete a list; returns how many entries went with it. Raises `Refused`: unknown, or it has entries.

    Entries go by the thousand, each in a transaction of its own, so that calls do not wait for them. The
    list has another name from the first of them on: no call finds half of it. What a crash leaves is shown
    as `NAME deleted ID`, and deleted by that name.
    """
    async with opener() as actor:
        found = await show(actor.connection, name)
        entry = select(value_list_entries.c.value).where(value_list_entries.c.list_id == found.id).limit(1)
        has_entries = (await actor.connection.execute(entry)).first() is not None
        if has_entries and not with_entries:
            raise Conflict("value_list.has_entries", f"{found} has entries", value_list=found.name)
        if has_entries:
            aside = found.name if " " in found.name else f"{found.name} deleted {found.id}"
            change = value_lists.update().where(value_lists.c.id == found.id).values(name=aside)
            await actor.connection.execute(change)
        else:
            await _delete_row(actor, found)
    return await _delete_entries(opener, found) if has_entries else 0


async def _delete_entries(opener: Opener, found: ValueList) -> int:
    own = value_list_entries.c.list_id == found.id
    some = select(value_list_entries.c.value).where(own).limit(ENTRIES_AT_ONCE)
    removed = 0
    while True:
        async with opener() as actor:
            gone = value_list_entries.delete().where(own, value_list_entries.c.value.in_(some))
            count_now = (await actor.connection.execute(gone)).rowcount
            removed += count_now
            if count_now < ENTRIES_AT_ONCE:
                await _delete_row(actor, found)
                return removed


async def _delete_row(actor: Actor, found: ValueList) -> None:
    await actor.connection.execute(value_lists.delete().where(value_lists.c.id == found.id))
    await note(actor, Verb.DELETE, str(found), found, None)


async def _check_name(actor: Actor, name: str) -> None:
    if not re.match(NAME_PATTERN, name) or len(name) > MAX_NAME or name.endswith("\n"):
        raise Refused(
            "value_list.malformed_name",
            f"list `{plain(name)}`: write up to {MAX_NAME} small letters, digits, - and _, a letter first",
            ("name",),
            value_list=name,
        )
    if await find(actor.connection, name) is not None:
        raise Conflict("value_list.taken", f"list {name} exists already", ("name",), value_list=name)


def _list_of(row: Any) -> ValueList:
    identifier, name, kind, notes, created_ms = row
    return ValueList(identifier, name, ListKind(kind), notes, created_ms)
