"""DIDs: the numbers that callers dial, each leading to an app."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal, TypedDict, Unpack, get_args

from sqlalchemy import ColumnElement, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import customers
from ringflow.accounts.did_patterns import (
    DEFAULT_VARIABLE,
    check_variable,
    did_pattern,
    fitting_patterns,
    is_did_pattern,
    looks_like_pattern,
)
from ringflow.accounts.directory_changes import Source, lock_directory, note_change, refuse_foreign, source_of
from ringflow.accounts.fields import check_channels, check_one_of, check_range, trying_all
from ringflow.accounts.script_fields import TO_APP, ScriptFields, check_script_fields
from ringflow.actor import Actor
from ringflow.audit import Verb
from ringflow.errors import Conflict, Refused, Unknown
from ringflow.numbers import extension, normalise_number
from ringflow.plain_text import plain
from ringflow.store.conditions import are_digits, begins_with, contains
from ringflow.store.page_filters import Filters, OwnIndex, PartialIndex
from ringflow.store.pages import Listing, Page, PageRequest
from ringflow.store.tables import dids

Identify = Literal["cli", "none"]
Withheld = Literal["reject", "identify"]
APP_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
MAX_APP_LENGTH = 64
"""What an app may be called, by flows and by DIDs."""


@dataclass(frozen=True, slots=True)
class Did:
    """A number that callers dial.

    `identify`: `cli` finds the customer by the calling number and rejects the unknown with `reject_code`;
    `none` takes every caller, at the expense of `customer_id` or of nobody. `channels` is how many calls at
    once, None for no limit. A number that the network knows and the caller wants withheld identifies the
    caller with `withheld: identify`, and counts as none with `reject`. `variable`: the one that gets the
    number which callers dial behind a DID such as `5061999{number}`; None for any other DID.

    `script` runs before the app, for at most `script_timeout_s` (None: as configured), and is given
    `script_vars`, a JSON object as text. `script_fallback` says what becomes of a call whose script fails:
    `app`, or a SIP code and a reason; None: 503 Script Failed. `hangup_script` is told of each call that is
    over, with the same limits and vars of its own.
    """

    number: str
    app: str
    identify: Identify = "cli"
    customer_id: int | None = None
    enabled: bool = True
    channels: int | None = None
    reject_code: int = 403
    withheld: Withheld = "identify"
    source: Source = "operator"
    variable: str | None = None
    script: str | None = None
    script_timeout_s: float | None = None
    script_fallback: str | None = None
    script_vars: str | None = None
    hangup_script: str | None = None
    hangup_script_timeout_s: float | None = None
    hangup_script_vars: str | None = None


class DidChanges(TypedDict, total=False):
    """The fields that `alter` may change."""

    app: str
    identify: Identify
    customer_id: int | None
    enabled: bool
    channels: int | None
    reject_code: int
    withheld: Withheld
    variable: str | None
    script: str | None
    script_timeout_s: float | None
    script_fallback: str | None
    script_vars: str | None
    hangup_script: str | None
    hangup_script_timeout_s: float | None
    hangup_script_vars: str | None


@dataclass(frozen=True, slots=True)
class DidFilter:
    """Which DIDs: those that fit all given. `search`: how a number begins, or a part of the app's name."""

    customer_id: int | None = None
    app: str | None = None
    enabled: bool | None = None
    source: Source | None = None
    search: str | None = None


COLUMNS = tuple(dids.c[name] for name in Did.__slots__)
DIDS = Listing("DIDs", {"number": (dids.c.number,), "app": (dids.c.app, dids.c.number)}, first="number")


def did_number(text: str, country: str) -> str:
    """How a DID is kept: E.164 digits where the text can be read as such, else the extension as it is.

    One with a number behind it, such as `5061999{number}`, is kept so. Raises `Refused` for text that
    Asterisk would not take for an extension.
    """
    if looks_like_pattern(text):
        return did_pattern(text)
    number = normalise_number(text, country) or extension(text)
    if number is None:
        raise Refused(
            "did.malformed",
            f"DID `{plain(text)}`: write a telephone number, or an extension: letters, digits and "
            "_ + * # . - (not a single letter, nor . or - in front)",
            did=text,
        )
    return number


async def find(connection: AsyncConnection, text: str, country: str) -> Did | None:
    """The DID of this number, or None: as it is written first, then normalised. It may be a pattern."""
    forms = (text, did_pattern(text) if looks_like_pattern(text) else normalise_number(text, country))
    for number in dict.fromkeys(forms):
        query = select(*COLUMNS).where(dids.c.number == number)
        if row := (await connection.execute(query)).one_or_none():
            return Did(*row)
    return None


async def show(connection: AsyncConnection, text: str, country: str) -> Did:
    """The DID of this number. Raises `Refused` when there is none."""
    did = await find(connection, text, country)
    if did is None:
        raise Unknown("did.unknown", f"DID {plain(text)} does not exist", did=text)
    return did


async def reached(connection: AsyncConnection, text: str, country: str) -> Did:
    """The DID that callers reach by dialling `text`, or the pattern `text`. Raises `Refused` without one."""
    did = None if looks_like_pattern(text) else await find(connection, text, country)
    if did is None and (patterns := fitting_patterns(text, country)):
        fitting = select(*COLUMNS).where(dids.c.number.in_(patterns))
        row = (await connection.execute(fitting.order_by(func.length(dids.c.number).desc()))).first()
        did = Did(*row) if row else None
    return did if did is not None else await show(connection, text, country)


async def every(
    connection: AsyncConnection,
    *,
    customer_id: int | None = None,
    source: Source | None = None,
    limit: int | None = None,
) -> Sequence[Did]:
    """DIDs in the order of their numbers."""
    query = select(*COLUMNS).order_by(dids.c.number).limit(limit)
    if customer_id is not None:
        query = query.where(dids.c.customer_id == customer_id)
    if source is not None:
        query = query.where(dids.c.source == source)
    return [Did(*row) for row in await connection.execute(query)]


async def page(connection: AsyncConnection, wanted: DidFilter, asked: PageRequest) -> Page[Did]:
    """Read a page of DIDs."""
    return await DIDS.page(connection, select(*COLUMNS), asked, lambda row: Did(*row), _filters(wanted))


def fitting(wanted: DidFilter) -> list[ColumnElement[bool]]:
    """Return the conditions of the DIDs that fit."""
    return _filters(wanted).conditions()


def _filters(wanted: DidFilter) -> Filters:
    own = (
        (dids.c.customer_id, wanted.customer_id),
        (dids.c.app, wanted.app),
        (dids.c.enabled, wanted.enabled),
        (dids.c.source, wanted.source),
    )
    tried: list[ColumnElement[bool]] = []
    few = []
    partial = []
    if wanted.search is not None:
        digits = wanted.search.removeprefix("+")
        if are_digits(digits):
            tried.append(begins_with(dids.c.number, digits))
            few.append(OwnIndex(dids.c.number, select(dids.c.number).where(*tried)))
        else:
            tried.append(or_(begins_with(dids.c.number, wanted.search), contains(dids.c.app, wanted.search)))
    if wanted.enabled is False:
        # As the index has it: SQLAlchemy would have SQLite ask whether it is 0.
        partial.append(PartialIndex(text("NOT dids.enabled"), (dids.c.number,)))
    return Filters(own, tried, few, partial)


async def add(actor: Actor, did: Did) -> Did:
    """Add a DID. Raises `Refused`: the number is taken, the customer is unknown, a field is wrong."""
    await lock_directory(actor)
    number = did_number(did.number, actor.country)
    did = await _checked(actor, replace(did, number=number, source=source_of(actor)))
    taken = await find(actor.connection, number, actor.country)
    if taken is not None:
        refuse_foreign(actor, taken.source, f"DID {number}")
        raise Conflict(
            "did.taken", f"DID {number} exists already and leads to {taken.app}", did=number, app=taken.app
        )
    await actor.connection.execute(
        dids.insert().values(**asdict(did), created_ms=actor.now_ms, updated_ms=actor.now_ms)
    )
    await note_change(actor, Verb.ADD, f"DID {number}", None, did)
    return did


async def alter(actor: Actor, text: str, **changes: Unpack[DidChanges]) -> Did:
    """Change a DID's fields. Raises `Refused`: unknown, declared in config.yaml, a field is wrong."""
    await lock_directory(actor)
    old = await show(actor.connection, text, actor.country)
    refuse_foreign(actor, old.source, f"DID {old.number}")
    new = await _checked(actor, replace(old, **changes))
    if new != old:
        await actor.connection.execute(
            dids.update().where(dids.c.number == old.number).values(**asdict(new), updated_ms=actor.now_ms)
        )
        await note_change(actor, Verb.SET, f"DID {old.number}", old, new)
    return new


async def delete(actor: Actor, text: str) -> Did:
    """Delete a DID; gives what it was. Raises `Refused`: unknown, declared in config.yaml."""
    await lock_directory(actor)
    did = await show(actor.connection, text, actor.country)
    refuse_foreign(actor, did.source, f"DID {did.number}")
    await actor.connection.execute(dids.delete().where(dids.c.number == did.number))
    await note_change(actor, Verb.DELETE, f"DID {did.number}", did, None)
    return did


async def _checked(actor: Actor, did: Did) -> Did:
    did = with_variable(did)
    with trying_all() as trying:
        with trying:
            check_fields(did)
        with trying:
            if did.customer_id is not None:
                await customers.show(actor.connection, did.customer_id, at=("customer",))
    return did


def with_variable(did: Did) -> Did:
    """The DID with the variable that gets the number behind it, if it has one."""
    has_default = did.variable is None and is_did_pattern(did.number)
    return replace(did, variable=DEFAULT_VARIABLE) if has_default else did


def check_fields(did: Did) -> None:
    """Raise `Refused` with every field that is wrong by itself."""
    with trying_all() as trying:
        with trying:
            _check_app(did.app)
        with trying:
            check_one_of(did.identify, get_args(Identify), "identify")
        with trying:
            check_channels(did.channels)
        with trying:
            check_range(did.reject_code, 400, 699, "reject code")
        with trying:
            check_one_of(did.withheld, get_args(Withheld), "withheld")
        with trying:
            check_variable(did.number, did.variable)
        before = ScriptFields(did.script, did.script_timeout_s, did.script_vars, did.script_fallback)
        check_script_fields(before, (TO_APP,), trying)
        after = ScriptFields(
            did.hangup_script, did.hangup_script_timeout_s, did.hangup_script_vars, prefix="hangup_"
        )
        check_script_fields(after, (), trying)


def _check_app(app: str) -> None:
    if len(app) > MAX_APP_LENGTH or not re.fullmatch(APP_PATTERN, app):
        what = f"app `{plain(app)}`: write the app's name: letters, digits, `_` and `-`"
        raise Refused("did.malformed_app", what, ("app",), app=app)
