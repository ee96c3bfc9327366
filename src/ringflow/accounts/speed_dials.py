"""Speed dials: numbers that customers keep under the keys 0 to 99, by telephone or by an operator's command.

The numbers are whom a customer calls. So they go with the customer, and the audit log, from which nothing is
ever deleted, has them masked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypedDict, Unpack

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import customers
from ringflow.accounts.fields import check_range, check_text, trying_all
from ringflow.accounts.number_forms import can_be_keyed
from ringflow.actor import Actor
from ringflow.audit import MASKED, Verb, note
from ringflow.errors import Conflict, Refused, Unknown
from ringflow.numbers import dialled_number
from ringflow.plain_text import plain
from ringflow.store.conditions import contains
from ringflow.store.page_filters import Filters
from ringflow.store.pages import Listing, Page, PageRequest
from ringflow.store.speed_dial_tables import speed_dials
from ringflow.store.statement import Statement

LAST_PLACE = 99
"""Keys go from 0 to this, so a customer has at most 100 of them."""


@dataclass(frozen=True, slots=True)
class SpeedDial:
    """A number under a key: E.164 digits, or a short number that a trunk dials as it is keyed."""

    customer_id: int
    place: int
    number: str
    name: str = ""

    def __str__(self) -> str:
        return f"speed dial {self.place} of customer {self.customer_id}"

    @property
    def masked(self) -> SpeedDial:
        """The same as the audit log has it."""
        return replace(self, number=MASKED, name=MASKED if self.name else "")


class SpeedDialChanges(TypedDict, total=False):
    """The fields that `alter` may change."""

    number: str
    name: str


COLUMNS = tuple(speed_dials.c[name] for name in SpeedDial.__slots__)
SPEED_DIALS = Listing(
    "speed dials", {"customer": (speed_dials.c.customer_id, speed_dials.c.place)}, first="customer"
)

# At once: a customer's calls may keep a number under one key in the same moment.
_KEEP = Statement(
    "INSERT INTO speed_dials (customer_id, place, number, name, created_ms, updated_ms) "
    "VALUES (:customer_id, :place, :number, :name, :now_ms, :now_ms) ON CONFLICT (customer_id, place) "
    "DO UPDATE SET number = excluded.number, name = excluded.name, updated_ms = excluded.updated_ms "
    "RETURNING place",
    customer_id="bigint",
    place="bigint",
    number="text",
    name="text",
    now_ms="bigint",
)


def kept_number(text: str, country: str) -> str:
    """How a number is kept: E.164 digits where it is a telephone number, else as it is keyed.

    Raises `Refused` for what nobody can dial.
    """
    number = dialled_number(text, country)
    if number is None and not can_be_keyed(text):
        raise Refused(
            "number.malformed",
            f"`{plain(text)}` is not a number that can be dialled: write one such as +441910000001, or a "
            "short number that a trunk dials as keyed",
            ("number",),
            number=text,
        )
    return number or text


async def find(connection: AsyncConnection, customer_id: int, place: int) -> SpeedDial | None:
    """The number under a key of a customer, or None."""
    mine = (speed_dials.c.customer_id == customer_id) & (speed_dials.c.place == place)
    row = (await connection.execute(select(*COLUMNS).where(mine))).one_or_none()
    return SpeedDial(*row) if row else None


async def show(connection: AsyncConnection, customer_id: int, place: int) -> SpeedDial:
    """The same. Raises `Refused` when nothing is kept there."""
    found = await find(connection, customer_id, place)
    if found is None:
        raise Unknown(
            "speed_dial.unknown",
            f"customer {customer_id} has no number under key {place}",
            customer=customer_id,
            place=place,
        )
    return found


async def of_customer(connection: AsyncConnection, customer_id: int) -> Sequence[SpeedDial]:
    """All that a customer has, in the order of their keys."""
    query = select(*COLUMNS).where(speed_dials.c.customer_id == customer_id).order_by(speed_dials.c.place)
    return [SpeedDial(*row) for row in await connection.execute(query)]


async def page(
    connection: AsyncConnection, customer_id: int | None, search: str | None, asked: PageRequest
) -> Page[SpeedDial]:
    """Read a page of speed dials: of one customer, or those whose names have `search` in them."""
    tried = [] if search is None else [contains(speed_dials.c.name, search)]
    filters = Filters([(speed_dials.c.customer_id, customer_id)], tried)
    return await SPEED_DIALS.page(connection, select(*COLUMNS), asked, lambda row: SpeedDial(*row), filters)


async def add(actor: Actor, wanted: SpeedDial) -> SpeedDial:
    """Keep a number under a key. Raises `Refused`: the key is taken, no such customer, a field is wrong."""
    made = await _checked(actor, wanted)
    if await find(actor.connection, made.customer_id, made.place) is not None:
        raise Conflict(
            "speed_dial.taken",
            f"customer {made.customer_id} has a number under key {made.place} already; delete or change it",
            customer=made.customer_id,
            place=made.place,
        )
    await insert(actor, [made])
    await note(actor, Verb.ADD, str(made), None, made.masked)
    return made


async def alter(actor: Actor, customer_id: int, place: int, **changes: Unpack[SpeedDialChanges]) -> SpeedDial:
    """Change the number or its name. Raises `Refused`: nothing is kept there, a field is wrong."""
    old = await show(actor.connection, customer_id, place)
    new = await _checked(actor, replace(old, **changes))
    if new != old:
        await _write(actor, new)
        await note(actor, Verb.SET, str(old), old.masked, new.masked)
    return new


async def delete(actor: Actor, customer_id: int, place: int) -> SpeedDial:
    """Forget the number under a key; return what it was. Raises `Refused` when there is none."""
    old = await show(actor.connection, customer_id, place)
    await forget(actor.connection, customer_id, place)
    await note(actor, Verb.DELETE, str(old), old.masked, None)
    return old


async def keep(actor: Actor, wanted: SpeedDial) -> SpeedDial:
    """Keep a number under a key, whatever was there: a caller's own change, of which no log is kept.

    Raises `Refused`.
    """
    new = await _checked(actor, wanted)
    values = {name: getattr(new, name) for name in SpeedDial.__slots__}
    await _KEEP.run(actor.connection, **values, now_ms=actor.now_ms)
    return new


async def put(actor: Actor, wanted: SpeedDial) -> SpeedDial:
    """Keep a number under a key, whatever was there, and note it. Raises `Refused`."""
    old = await find(actor.connection, wanted.customer_id, wanted.place)
    new = await keep(actor, wanted)
    if new != old:
        verb = Verb.ADD if old is None else Verb.SET
        await note(actor, verb, str(new), None if old is None else old.masked, new.masked)
    return new


async def forget(connection: AsyncConnection, customer_id: int, place: int | None = None) -> int:
    """Delete the number under a key, or all of a customer's; return how many there were."""
    gone = speed_dials.delete().where(speed_dials.c.customer_id == customer_id)
    if place is not None:
        gone = gone.where(speed_dials.c.place == place)
    return (await connection.execute(gone)).rowcount


async def insert(actor: Actor, made: Sequence[SpeedDial]) -> None:
    """Write new ones, which were checked."""
    times = {"created_ms": actor.now_ms, "updated_ms": actor.now_ms}
    rows = [{name: getattr(one, name) for name in SpeedDial.__slots__} | times for one in made]
    await actor.connection.execute(speed_dials.insert(), rows)


def check_fields(wanted: SpeedDial, country: str) -> SpeedDial:
    """The same with its number as it is kept. Raises `Refused` with every field that is wrong."""
    number = wanted.number
    with trying_all() as trying:
        with trying:
            check_range(wanted.place, 0, LAST_PLACE, "place")
        with trying:
            check_text(wanted.name, "name")
        with trying:
            number = kept_number(wanted.number, country)
    return replace(wanted, number=number)


async def _checked(actor: Actor, wanted: SpeedDial) -> SpeedDial:
    checked = check_fields(wanted, actor.country)
    await customers.show(actor.connection, wanted.customer_id, at=("customer",))
    return checked


async def _write(actor: Actor, new: SpeedDial) -> None:
    mine = (speed_dials.c.customer_id == new.customer_id) & (speed_dials.c.place == new.place)
    values = {"number": new.number, "name": new.name, "updated_ms": actor.now_ms}
    await actor.connection.execute(speed_dials.update().where(mine).values(values))
