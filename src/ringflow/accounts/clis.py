"""CLIs: the calling numbers that identify a customer, exact or by pattern."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypedDict, Unpack

from sqlalchemy import ColumnElement, bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import customers
from ringflow.accounts.directory_changes import (
    MAX_INTEGER,
    Source,
    lock_directory,
    note_change,
    refuse_foreign,
    source_of,
)
from ringflow.accounts.fields import check_text
from ringflow.accounts.patterns import check_reach, compile_pattern
from ringflow.accounts.written_number import read_number
from ringflow.actor import Actor
from ringflow.audit import Verb
from ringflow.errors import Conflict, Refused, Unknown
from ringflow.numbers import identifying_form
from ringflow.plain_text import plain
from ringflow.store import LookUp, Store
from ringflow.store.caller_tables import cli_codes
from ringflow.store.conditions import are_digits, begins_with, contains
from ringflow.store.page_filters import Filters, OwnIndex, PartialIndex
from ringflow.store.pages import Listing, Page, PageRequest
from ringflow.store.tables import clis


@dataclass(frozen=True, slots=True)
class Cli:
    """A calling number of a customer: `number` (E.164 digits) or `pattern` (a regular expression of RE2)."""

    id: int
    customer_id: int
    number: str | None = None
    pattern: str | None = None
    notes: str = ""
    source: Source = "operator"

    def __str__(self) -> str:
        return f"CLI {self.number}" if self.number is not None else f"CLI pattern {plain(self.pattern or '')}"


class CliChanges(TypedDict, total=False):
    """The fields that `alter` may change: delete and add to change the number or pattern."""

    customer_id: int
    notes: str


@dataclass(frozen=True, slots=True)
class CliFilter:
    """Which CLIs: those that fit all given. `search`: how a number begins, or a part of pattern or notes."""

    customer_id: int | None = None
    is_pattern: bool | None = None
    source: Source | None = None
    search: str | None = None


COLUMNS = tuple(clis.c[name] for name in Cli.__slots__)
CLIS = Listing(
    "CLIs",
    {"id": (clis.c.id,), "number": (func.coalesce(clis.c.number, clis.c.pattern), clis.c.id)},
    first="id",
)
"""By id is the order in which patterns are tried."""


async def find(connection: AsyncConnection, text: str, country: str) -> Cli | None:
    """The CLI that `text` names: a number in any form, a pattern exactly as it was added, or an id."""
    for condition in _readings(text, country):
        if row := (await connection.execute(select(*COLUMNS).where(condition))).one_or_none():
            return Cli(*row)
    return None


async def find_exact(connection: AsyncConnection, number: str | None, pattern: str | None) -> Cli | None:
    """The CLI with this number (as `cli_number` gives it), or with this pattern."""
    same = clis.c.number == number if number is not None else clis.c.pattern == pattern
    row = (await connection.execute(select(*COLUMNS).where(same))).one_or_none()
    return Cli(*row) if row else None


_BY_NUMBER = LookUp(select(*COLUMNS).where(clis.c.number == bindparam("number")), ["number"])
_BY_PATTERN = LookUp(select(*COLUMNS).where(clis.c.pattern == bindparam("pattern")), ["pattern"])


async def find_written(store: Store, text: str, country: str) -> Cli | None:
    """The same for a text that is never an ID: `105` is a short number, and not row 105. In one hop."""
    try:
        rows = await store.look_up(_BY_NUMBER, cli_number(text, country))
    except Refused:
        rows = await store.look_up(_BY_PATTERN, text)
    return Cli(*rows[0]) if rows else None


async def show(connection: AsyncConnection, text: str, country: str) -> Cli:
    """The CLI that `text` names. Raises `Refused` when there is none."""
    cli = await find(connection, text, country)
    if cli is None:
        raise Unknown("cli.unknown", f"CLI {plain(text)} does not exist", cli=text)
    return cli


async def every(
    connection: AsyncConnection,
    *,
    customer_id: int | None = None,
    source: Source | None = None,
    limit: int | None = None,
) -> Sequence[Cli]:
    """CLIs in the order of their ids, which is the order in which patterns are tried."""
    query = select(*COLUMNS).order_by(clis.c.id).limit(limit)
    if customer_id is not None:
        query = query.where(clis.c.customer_id == customer_id)
    if source is not None:
        query = query.where(clis.c.source == source)
    return [Cli(*row) for row in await connection.execute(query)]


async def page(connection: AsyncConnection, wanted: CliFilter, asked: PageRequest) -> Page[Cli]:
    """Read a page of CLIs."""
    return await CLIS.page(connection, select(*COLUMNS), asked, lambda row: Cli(*row), _filters(wanted))


def fitting(wanted: CliFilter) -> list[ColumnElement[bool]]:
    """Return the conditions of the CLIs that fit."""
    return _filters(wanted).conditions()


def _filters(wanted: CliFilter) -> Filters:
    own = ((clis.c.customer_id, wanted.customer_id), (clis.c.source, wanted.source))
    tried: list[ColumnElement[bool]] = []
    few = []
    partial = []
    if wanted.is_pattern is not None:
        tried.append(clis.c.pattern.is_not(None) if wanted.is_pattern else clis.c.number.is_not(None))
    if wanted.is_pattern:
        partial.append(PartialIndex(tried[-1], (clis.c.id,)))
    if wanted.search is not None:
        digits = wanted.search.removeprefix("+")
        if are_digits(digits):
            tried.append(begins_with(clis.c.number, digits, digits=True))
            few.append(OwnIndex(clis.c.id, select(clis.c.id).where(tried[-1])))
        else:
            tried.append(or_(contains(clis.c.pattern, wanted.search), contains(clis.c.notes, wanted.search)))
    return Filters(own, tried, few, partial)


async def count_sharing(connection: AsyncConnection, number: str) -> int:
    """How many customers have codes at a number, which is a CLI of none of them then."""
    query = select(func.count()).where(cli_codes.c.number == number)
    return int((await connection.execute(query)).scalar_one())


def refuse_shared(number: str, sharing: int) -> None:
    """Raise `Refused` for a number at which customers have codes: by itself it may identify nobody."""
    if sharing:
        raise Conflict(
            "cli.shared",
            f"CLI {number} is shared by customers who have codes there, {sharing} in all; give this customer "
            "a code too, or delete those codes first",
            number=number,
            sharing=sharing,
        )


def cli_number(text: str, country: str) -> str:
    """How a calling number is kept: E.164 digits, in the form that identifies. Raises `Refused`."""
    try:
        return identifying_form(read_number(text, country))
    except Refused as error:
        raise error.reworded(f"CLI {error}") from None


async def add_number(actor: Actor, customer_id: int, text: str, notes: str = "") -> Cli:
    """Let a calling number identify a customer. Raises `Refused`: another customer has it, no number."""
    return await _add(actor, Cli(0, customer_id, number=cli_number(text, actor.country), notes=notes))


def check_pattern(pattern: str) -> None:
    """Raise `Refused` for a pattern that RE2 cannot take, and for one that no number can match."""
    compile_pattern(pattern)
    check_reach(pattern)


async def add_pattern(actor: Actor, customer_id: int, pattern: str, notes: str = "") -> Cli:
    """Let a pattern identify a customer, after all exact numbers and all older patterns.

    It is searched for in the caller's E.164 digits: unanchored unless it has ^ and $. Raises `Refused`: RE2
    cannot take it, no number can match it, somebody has it already.
    """
    check_pattern(pattern)
    return await _add(actor, Cli(0, customer_id, pattern=pattern, notes=notes))


async def alter(actor: Actor, text: str, **changes: Unpack[CliChanges]) -> Cli:
    """Change a CLI's fields. Raises `Refused`: unknown, declared in config.yaml, unknown customer."""
    await lock_directory(actor)
    old = await show(actor.connection, text, actor.country)
    refuse_foreign(actor, old.source, str(old))
    new = replace(old, **changes)
    check_text(new.notes, "notes")
    await customers.show(actor.connection, new.customer_id)
    if new != old:
        await actor.connection.execute(
            clis.update()
            .where(clis.c.id == old.id)
            .values(customer_id=new.customer_id, notes=new.notes, updated_ms=actor.now_ms)
        )
        await note_change(actor, Verb.SET, str(old), old, new)
    return new


async def delete(actor: Actor, text: str) -> Cli:
    """Delete a CLI; gives what it was. Raises `Refused`: unknown, declared in config.yaml."""
    await lock_directory(actor)
    cli = await show(actor.connection, text, actor.country)
    await remove(actor, cli)
    return cli


async def remove(actor: Actor, cli: Cli) -> None:
    """Delete a CLI that was found. Raises `Refused` when it is declared in config.yaml."""
    await lock_directory(actor)
    refuse_foreign(actor, cli.source, str(cli))
    await actor.connection.execute(clis.delete().where(clis.c.id == cli.id))
    await note_change(actor, Verb.DELETE, str(cli), cli, None)


async def _add(actor: Actor, cli: Cli) -> Cli:
    await lock_directory(actor)
    check_text(cli.notes, "notes")
    await customers.show(actor.connection, cli.customer_id)
    taken = await find_exact(actor.connection, cli.number, cli.pattern)
    if taken is not None:
        raise Conflict(
            "cli.taken",
            f"{taken} already belongs to customer {taken.customer_id}"
            + ("" if taken.customer_id == cli.customer_id else "; delete it there first"),
            number=taken.number or taken.pattern,
            customer=taken.customer_id,
        )
    if cli.number is not None:
        refuse_shared(cli.number, await count_sharing(actor.connection, cli.number))
    values = {
        "customer_id": cli.customer_id,
        "number": cli.number,
        "pattern": cli.pattern,
        "notes": cli.notes,
        "source": source_of(actor),
        "created_ms": actor.now_ms,
        "updated_ms": actor.now_ms,
    }
    statement = clis.insert().values(values).returning(clis.c.id)
    identifier = (await actor.connection.execute(statement)).scalar_one()
    made = replace(cli, id=identifier, source=source_of(actor))
    await note_change(actor, Verb.ADD, str(made), None, made)
    return made


def _readings(text: str, country: str) -> list[ColumnElement[Any]]:
    readings: list[ColumnElement[Any]] = []
    with suppress(Refused):  # a pattern, or an id
        readings.append(clis.c.number == cli_number(text, country))
    readings.append(clis.c.pattern == text)
    if text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= MAX_INTEGER:
        readings.append(clis.c.id == int(text))
    return readings
