"""Trunks: the ways out, tried in the order of their position, then name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, TypedDict, Unpack, get_args

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.directory_changes import (
    MAX_INTEGER,
    Source,
    lock_directory,
    note_change,
    refuse_foreign,
    source_of,
)
from ringflow.accounts.failover import checked_failover
from ringflow.accounts.fields import check_caller_id, check_one_of, check_range, trying_all
from ringflow.accounts.headers import MAX_HEADER_VALUE, MAX_HEADERS, wrong_headers
from ringflow.accounts.number_forms import NumberForm, check_as_keyed, check_number_prefix
from ringflow.accounts.script_fields import SKIP, TO_TRUNK, ScriptFields, check_script_fields
from ringflow.actor import Actor
from ringflow.audit import MASKED, Verb
from ringflow.config import DEFAULT_FAILOVER, DEFAULT_SILENT_S
from ringflow.errors import Conflict, Refused, Unknown
from ringflow.ledger.rates.card import assigned, trunk_subject, unassign
from ringflow.plain_text import plain
from ringflow.store.conditions import contains, equal
from ringflow.store.pages import Listing, Page, PageRequest
from ringflow.store.tables import trunks

LONGEST_SILENT_S = 32
"""By then SIP itself has given up (Timer B of RFC 3261, 17.1.1.2)."""

POSITION_STEP = 10
"""Between the positions of trunks that are put in order, so that others fit in between."""

Rated = Literal["local", "upstream"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
# What `&`, `,`, `(`, `$`, `"`, `\\`, `|` and spaces mean to Asterisk's Dial, nobody may put there.
_DIAL = re.compile(r"[A-Za-z0-9_]{1,32}/[A-Za-z0-9_.+*#/@:;=\[\]-]{1,255}", re.ASCII)
_LOCAL = re.compile(r"local/", re.IGNORECASE)
_LOCAL_THAT_STAYS = re.compile(r"[^@]*@[^/]*/[a-z]*n[a-z]*", re.ASCII)
"""With the option `n` Asterisk does not take a Local channel out of the call when the callee answers."""

_SERVER = re.compile(r"[A-Za-z0-9_.:\[\]-]{0,253}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Trunk:
    """A way out. `dial` is what Asterisk's Dial gets, such as `PJSIP/{number}@carrier`.

    `headers` go on the INVITE; `server` is the name that X-CX-Sec is signed for, the trunk's own name
    where it is empty; `rated` tells who charges for calls: `local` is us, `upstream` the switch behind it.
    `failover` lists the final responses after which the next trunk is tried; one that has sent nothing at all
    for `silent_s` seconds gives way too, 0: never.

    Numbers are written in `number_form` behind the digits of `number_prefix`, except those that fit a pattern
    of `as_keyed`, which are dialled as they were keyed. The caller's number is written in `caller_id_form`
    behind `caller_id_prefix`; without a form it is as it was set, or as it came.

    `script` runs before each leg, for at most `script_timeout_s` (None: as configured), and is given
    `script_vars`, a JSON object as text. `script_fallback` says what becomes of a leg whose script fails:
    `skip`, `dial`, or a SIP code and a reason; None: `skip`.
    """

    name: str
    dial: str
    headers: Mapping[str, str] = field(default_factory=dict)
    position: int = 100
    enabled: bool = True
    caller_id: str | None = None
    server: str = ""
    rated: Rated = "local"
    failover: tuple[str, ...] = DEFAULT_FAILOVER
    silent_s: int = DEFAULT_SILENT_S
    number_form: NumberForm = "e164"
    number_prefix: str = ""
    caller_id_form: NumberForm | None = None
    caller_id_prefix: str = ""
    as_keyed: tuple[str, ...] = ()
    source: Source = "operator"
    script: str | None = None
    script_timeout_s: float | None = None
    script_fallback: str | None = None
    script_vars: str | None = None


class TrunkChanges(TypedDict, total=False):
    """The fields that `alter` may change."""

    dial: str
    headers: Mapping[str, str]
    position: int
    enabled: bool
    caller_id: str | None
    server: str
    rated: Rated
    failover: tuple[str, ...]
    silent_s: int
    number_form: NumberForm
    number_prefix: str
    caller_id_form: NumberForm | None
    caller_id_prefix: str
    as_keyed: tuple[str, ...]
    script: str | None
    script_timeout_s: float | None
    script_fallback: str | None
    script_vars: str | None


@dataclass(frozen=True, slots=True)
class TrunkFilter:
    """Which trunks: those that fit all given. `search`: a part of the name or of what is dialled."""

    enabled: bool | None = None
    rated: Rated | None = None
    source: Source | None = None
    search: str | None = None


COLUMNS = tuple(trunks.c[name] for name in Trunk.__slots__)
TRUNKS = Listing(
    "trunks", {"position": (trunks.c.position, trunks.c.name), "name": (trunks.c.name,)}, first="position"
)
"""By position is the order in which they are tried."""


async def find(connection: AsyncConnection, name: str) -> Trunk | None:
    """The trunk of this name, or None."""
    row = (await connection.execute(select(*COLUMNS).where(trunks.c.name == name))).one_or_none()
    return _trunk(row) if row else None


async def show(connection: AsyncConnection, name: str) -> Trunk:
    """The trunk of this name. Raises `Refused` when there is none."""
    trunk = await find(connection, name)
    if trunk is None:
        raise _unknown(name)
    return trunk


async def every(connection: AsyncConnection, *, source: Source | None = None) -> Sequence[Trunk]:
    """All trunks in the order in which they are tried, disabled ones among them."""
    query = select(*COLUMNS).order_by(trunks.c.position, trunks.c.name)
    if source is not None:
        query = query.where(trunks.c.source == source)
    return [_trunk(row) for row in await connection.execute(query)]


async def page(connection: AsyncConnection, wanted: TrunkFilter, asked: PageRequest) -> Page[Trunk]:
    """Read a page of trunks."""
    conditions = equal(
        (
            (trunks.c.enabled, wanted.enabled),
            (trunks.c.rated, wanted.rated),
            (trunks.c.source, wanted.source),
        )
    )
    if wanted.search is not None:
        conditions.append(or_(contains(trunks.c.name, wanted.search), contains(trunks.c.dial, wanted.search)))
    return await TRUNKS.page(connection, select(*COLUMNS).where(*conditions), asked, _trunk)


async def add(actor: Actor, trunk: Trunk) -> Trunk:
    """Add a trunk. Raises `Refused`: the name is taken, a field is wrong."""
    await lock_directory(actor)
    trunk = _checked(replace(trunk, source=source_of(actor)), actor.country)
    taken = await find(actor.connection, trunk.name)
    if taken is not None:
        refuse_foreign(actor, taken.source, f"trunk {trunk.name}")
        raise Conflict("trunk.taken", f"trunk {trunk.name} exists already", trunk=trunk.name)
    await actor.connection.execute(
        trunks.insert().values(**asdict(trunk), created_ms=actor.now_ms, updated_ms=actor.now_ms)
    )
    await note_change(actor, Verb.ADD, f"trunk {trunk.name}", None, trunk)
    return trunk


async def alter(actor: Actor, name: str, **changes: Unpack[TrunkChanges]) -> Trunk:
    """Change a trunk's fields. A header whose value is masked keeps the value that it has.

    Raises `Refused`: unknown, declared in config.yaml, a field is wrong.
    """
    await lock_directory(actor)
    old = await show(actor.connection, name)
    refuse_foreign(actor, old.source, f"trunk {name}")
    if "headers" in changes:
        changes["headers"] = _unmasked(changes["headers"], old.headers)
    new = _checked(replace(old, **changes), actor.country)
    # The order of headers is the order on the wire.
    if new != old or list(new.headers) != list(old.headers):
        await actor.connection.execute(
            trunks.update().where(trunks.c.name == name).values(**asdict(new), updated_ms=actor.now_ms)
        )
        await note_change(actor, Verb.SET, f"trunk {name}", old, new)
    return new


async def reorder(actor: Actor, names: Sequence[str]) -> Sequence[Trunk]:
    """Have all trunks tried in this order; return them in it.

    Those of config.yaml keep their positions, and the others get positions around them. Raises `Refused`
    unless each trunk is named once, and where the order needs another position in config.yaml.
    """
    await lock_directory(actor)
    known = {trunk.name: trunk for trunk in await every(actor.connection)}
    for at, name in enumerate(names):
        if name not in known:
            raise _unknown(name, ("trunks", str(at)))
        if name in names[:at]:
            what = f"trunk {name} is named twice"
            raise Refused("trunk.order_repeats", what, ("trunks", str(at)), trunk=name)
    left_out = [name for name in known if name not in names]
    if left_out:
        what = f"the order leaves out {', '.join(left_out)}: name every trunk once"
        raise Conflict("trunk.order_incomplete", what, ("trunks",), trunks=left_out)
    fixed = {name: one.position for name, one in known.items() if one.source != source_of(actor)}
    for name, position in positions_of(names, fixed).items():
        if name not in fixed:
            await alter(actor, name, position=position)
    return await every(actor.connection)


def positions_of(names: Sequence[str], fixed: Mapping[str, int]) -> dict[str, int]:
    """Return a position for each name, rising in their order, with those that are fixed among them.

    Raises `Conflict` where the fixed ones leave no room.
    """
    found: dict[str, int] = {}
    waiting: list[str] = []
    below: int | None = None
    for name in names:
        if name not in fixed:
            waiting.append(name)
            continue
        above = fixed[name]
        first = above - POSITION_STEP * len(waiting) if below is None else below + 1
        step = POSITION_STEP if below is None else (above - below - 1) // max(len(waiting), 1)
        if (below is not None and above <= below) or (waiting and step < 1):
            what = f"trunk {name} has position {above} in config.yaml; change it there for this order"
            raise Conflict("trunk.order_declared", what, ("trunks",), trunk=name, position=above)
        found |= {one: first + step * at for at, one in enumerate(waiting)}
        found[name] = below = above
        waiting = []
    first = POSITION_STEP if below is None else below + POSITION_STEP
    return found | {one: first + POSITION_STEP * at for at, one in enumerate(waiting)}


async def delete(actor: Actor, name: str) -> Trunk:
    """Delete a trunk; gives what it was. Raises `Refused`: unknown, declared in config.yaml.

    Another one that is given its name later does not inherit its rate card.
    """
    await lock_directory(actor)
    trunk = await show(actor.connection, name)
    refuse_foreign(actor, trunk.source, f"trunk {name}")
    await actor.connection.execute(trunks.delete().where(trunks.c.name == name))
    subject = trunk_subject(name)
    if await assigned(actor.connection, subject) is not None:
        await unassign(actor, subject)
    await note_change(actor, Verb.DELETE, f"trunk {name}", trunk, None)
    return trunk


def _unknown(name: str, at: tuple[str, ...] = ()) -> Unknown:
    return Unknown("trunk.unknown", f"trunk {plain(name)} does not exist", at, trunk=name)


def _trunk(row: Sequence[Any]) -> Trunk:
    trunk = Trunk(*row)
    # JSON has no tuples.
    return replace(trunk, failover=tuple(trunk.failover), as_keyed=tuple(trunk.as_keyed))


def _unmasked(headers: Mapping[str, str], old: Mapping[str, str]) -> Mapping[str, str]:
    """Return the headers with the values that they have where only the mask of these was given."""
    return {name: old.get(name, value) if value == MASKED else value for name, value in headers.items()}


def _checked(trunk: Trunk, country: str) -> Trunk:
    caller_id, failover = trunk.caller_id, trunk.failover
    with trying_all() as trying:
        with trying:
            _check_names(trunk)
        with trying:
            _check_dial(trunk.dial)
        with trying:
            _check_headers(trunk.headers)
        with trying:
            check_range(trunk.position, -MAX_INTEGER, MAX_INTEGER, "position")
        with trying:
            check_one_of(trunk.rated, get_args(Rated), "rated")
        for field_name in ("number_form", "caller_id_form"):
            form = getattr(trunk, field_name)
            with trying:
                if form is not None:
                    check_one_of(form, get_args(NumberForm), field_name)
        for field_name in ("number_prefix", "caller_id_prefix"):
            with trying:
                check_number_prefix(getattr(trunk, field_name), field_name)
        with trying:
            check_as_keyed(trunk.as_keyed)
        with trying:
            failover = checked_failover(trunk.failover)
        with trying:
            check_range(trunk.silent_s, 0, LONGEST_SILENT_S, "silent_s")
        script = ScriptFields(trunk.script, trunk.script_timeout_s, trunk.script_vars, trunk.script_fallback)
        check_script_fields(script, (SKIP, TO_TRUNK), trying)
        with trying:
            caller_id = check_caller_id(trunk.caller_id, country)
    return replace(
        trunk,
        caller_id=caller_id,
        failover=failover,
        headers=dict(trunk.headers),
    )


def _check_names(trunk: Trunk) -> None:
    if not _NAME.fullmatch(trunk.name):
        raise Refused(
            "trunk.malformed_name",
            f"trunk name `{plain(trunk.name)}`: write letters, digits, `_`, `.` and `-`",
            ("name",),
            trunk=trunk.name,
        )
    if not _SERVER.fullmatch(trunk.server):
        raise Refused(
            "trunk.malformed_server",
            f"server `{plain(trunk.server)}`: write a host name or an address",
            ("server",),
            server=trunk.server,
        )


def _check_dial(dial: str) -> None:
    if dial.count("{number}") != 1:
        raise Refused(
            "trunk.malformed_dial",
            f"dial `{plain(dial)}`: write {{number}} exactly once, as in PJSIP/{{number}}@carrier",
            ("dial",),
            dial=dial,
        )
    if not _DIAL.fullmatch(dial.replace("{number}", "0")):
        raise Refused(
            "trunk.malformed_dial",
            f"dial `{plain(dial)}`: write TECHNOLOGY/address of letters, digits and "
            "_ . + * # / @ : ; = [ ] -, as in PJSIP/{number}@carrier",
            ("dial",),
            dial=dial,
        )
    if _LOCAL.match(dial) and not _LOCAL_THAT_STAYS.fullmatch(dial):
        raise Refused(
            "trunk.local_without_n",
            f"dial `{plain(dial)}`: a Local channel needs /n at its end, as in Local/{{number}}@context/n; "
            "without it Asterisk takes the channel out of the call at its answer: the talk is not charged",
            ("dial",),
            dial=dial,
        )


def _check_headers(headers: Mapping[str, str]) -> None:
    if len(headers) > MAX_HEADERS:
        raise Refused(
            "trunk.too_many_headers",
            f"{len(headers)} headers are too many; {MAX_HEADERS} at most",
            ("headers",),
            most=MAX_HEADERS,
        )
    with trying_all() as trying:
        for wrong in wrong_headers(headers):
            with trying:
                what = f"header `{plain(wrong.name)}` {wrong.why}; {wrong.mend}"
                raise Refused("trunk.malformed_header", what, ("headers", wrong.name), header=wrong.name)
        for name, value in headers.items():
            with trying:
                _check_header_value(name, value)


def _check_header_value(name: str, value: str) -> None:
    if value == MASKED:
        what = f"header {plain(name)}: {MASKED} stands for a value that is not shown; write the value"
        raise Refused("trunk.masked_header", what, ("headers", name), header=name)
    if len(value) > MAX_HEADER_VALUE or not value.isprintable():
        what = f"header {plain(name)}: write at most {MAX_HEADER_VALUE} characters, no control characters"
        raise Refused("trunk.malformed_header", what, ("headers", name), header=name)
