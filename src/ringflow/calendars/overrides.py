"""What operators say about opening hours, over whatever the hours are: `closed` today, `open` until 18:00.

A schedule has the name under which it can be overridden. An override is read whenever a call asks, so it
counts on all servers as soon as it is made.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Text, bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.fields import check_text
from ringflow.actor import Actor
from ringflow.audit import Verb, note
from ringflow.errors import Refused, Unknown
from ringflow.plain_text import plain
from ringflow.store.calendar_tables import schedule_overrides
from ringflow.store.database import LookUp
from ringflow.store.pages import Listing, Page, PageRequest
from ringflow.store.statement import Statement
from ringflow.store.store import Store


@dataclass(frozen=True, slots=True)
class Override:
    """What schedules named `name` do until `until_ms`, milliseconds since 1970; None: until further notice.

    `state` is the exit that they take; `operator` who said so, a caller's number after `caller`.
    """

    name: str
    state: str
    until_ms: int | None
    operator: str
    notes: str
    set_ms: int

    def holds(self, now_ms: int) -> bool:
        """Whether it counts at a moment."""
        return self.until_ms is None or now_ms < self.until_ms


OVERRIDES = Listing("overrides", {"name": (schedule_overrides.c.name,)}, first="name")
_COLUMNS = tuple(schedule_overrides.c[name] for name in Override.__slots__)
_LOOK_UP = LookUp(
    select(*_COLUMNS).where(schedule_overrides.c.name == bindparam("name", type_=Text)), ["name"]
)

_PUT = Statement(
    "INSERT INTO schedule_overrides (name, state, until_ms, operator, notes, set_ms) "
    "VALUES (:name, :state, :until_ms, :operator, :notes, :set_ms) ON CONFLICT (name) DO UPDATE SET "
    "state = :state, until_ms = :until_ms, operator = :operator, notes = :notes, set_ms = :set_ms",
    name="text",
    state="text",
    until_ms="bigint",
    operator="text",
    notes="text",
    set_ms="bigint",
)


async def look_up(store: Store, name: str, now_ms: int) -> Override | None:
    """Return what counts now, for a call. Raises `StoreGone`."""
    rows = await store.look_up(_LOOK_UP, name)
    found = [Override(*row) for row in rows]
    return found[0] if found and found[0].holds(now_ms) else None


async def find(connection: AsyncConnection, name: str, now_ms: int) -> Override | None:
    """Return what counts now, as `look_up` does."""
    query = select(*_COLUMNS).where(schedule_overrides.c.name == name)
    row = (await connection.execute(query)).one_or_none()
    found = Override(*row) if row else None
    return found if found is not None and found.holds(now_ms) else None


async def page(connection: AsyncConnection, now_ms: int, asked: PageRequest) -> Page[Override]:
    """Read a page of the overrides that count now."""
    until = schedule_overrides.c.until_ms
    query = select(*_COLUMNS).where(or_(until.is_(None), until > now_ms))
    return await OVERRIDES.page(connection, query, asked, lambda row: Override(*row))


async def put(
    actor: Actor, name: str, state: str, until_ms: int | None, notes: str = "", operator: str | None = None
) -> Override:
    """Say what schedules of a name do, in place of what was said before.

    `operator`: who said so, where that is not the actor's own name. Raises `Refused` for an end that has
    passed.
    """
    check_text(notes, "notes")
    if until_ms is not None and until_ms <= actor.now_ms:
        raise Refused(
            "override.over",
            f"the override of {plain(name)} would be over already; give a time that is still to come",
            ("until",),
            name=name,
        )
    old = await _locked(actor, name)
    made = Override(name, state, until_ms, operator or actor.principal.name, notes, actor.now_ms)
    await _PUT.run(actor.connection, **{key: getattr(made, key) for key in Override.__slots__})
    await note(actor, Verb.SET, _subject(name), _facts(old), _facts(made))
    return made


async def clear(actor: Actor, name: str) -> Override:
    """Take an override back: the hours count again; returns what it was. Raises `Unknown`: there is none."""
    old = await _locked(actor, name)
    if old is None:
        raise Unknown("override.none", f"there is no override of {plain(name)}", name=name)
    await actor.connection.execute(schedule_overrides.delete().where(schedule_overrides.c.name == name))
    await note(actor, Verb.DELETE, _subject(name), _facts(old), None)
    return old


async def _locked(actor: Actor, name: str) -> Override | None:
    query = select(schedule_overrides.c.name).where(schedule_overrides.c.name == name)
    await actor.connection.execute(query.with_for_update())
    return await find(actor.connection, name, actor.now_ms)


def _subject(name: str) -> str:
    return f"override {name}"


def _facts(override: Override | None) -> dict[str, object] | None:
    if override is None:
        return None
    return {key: getattr(override, key) for key in ("state", "until_ms", "operator", "notes")}
