"""Operators: the people and programs that act by the REST API and the console, each with a role."""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass, replace
from typing import Any, TypedDict, Unpack

from sqlalchemy import Select, and_, bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import roles
from ringflow.accounts.access import sessions
from ringflow.accounts.fields import check_text
from ringflow.accounts.passwords import Passwords, check_password
from ringflow.accounts.roles import refuse_beyond
from ringflow.actor import Actor
from ringflow.audit import Verb, note
from ringflow.errors import Conflict, Forbidden, Refused, Unknown
from ringflow.plain_text import plain
from ringflow.store import LookUp, Store
from ringflow.store.conditions import contains, equal
from ringflow.store.operator_tables import operators
from ringflow.store.pages import Listing, Page, PageRequest
from ringflow.store.sign_in_tables import operator_links

ADMIN = "admin"
USED_EVERY_MS = 60_000
"""How often it is noted that a script acts as an operator."""
MAX_NAME = 64
MAX_EMAIL = 254
_EMAIL = re.compile(r"[!-?A-~]+@[A-Za-z0-9.-]+", re.ASCII)
_NAME = re.compile(rf"[A-Za-z0-9](?:[A-Za-z0-9._@+-]{{0,{MAX_NAME - 1}}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who acts. One without a password cannot sign in: a program, which acts by its tokens, or an
    API user, as whom scripts act; `script_used_ms` is when one last did, at most a minute late.

    `email` is where links are sent by which it sets its password; None: nowhere.
    """

    name: str
    role: str
    enabled: bool = True
    notes: str = ""
    password_set_ms: int | None = None
    created_ms: int = 0
    email: str | None = None
    script_used_ms: int | None = None


class OperatorChanges(TypedDict, total=False):
    """The fields that `alter` may change."""

    role: str
    notes: str
    email: str | None


_COLUMNS = tuple(operators.c[name] for name in Operator.__slots__)


async def find(connection: AsyncConnection, name: str) -> Operator | None:
    """Return the operator of this name, or None."""
    row = (await connection.execute(_named(name))).one_or_none()
    return Operator(*row) if row else None


async def show(connection: AsyncConnection, name: str) -> Operator:
    """Return the operator of this name. Raises `Unknown`."""
    operator = await find(connection, name)
    if operator is None:
        raise unknown_operator(name)
    return operator


def unknown_operator(name: str) -> Unknown:
    """Return the error of a name that no operator has."""
    return Unknown("operator.unknown", f"operator {plain(name)} does not exist", operator=name)


_API_USER = LookUp(
    select(
        operators.c.role,
        operators.c.script_used_ms,
        or_(
            operators.c.password_hash.is_not(None),
            select(operator_links.c.id)
            .where(
                operator_links.c.operator_id == operators.c.id,
                operator_links.c.expires_ms > bindparam("now_ms"),
            )
            .exists(),
        ),
    ).where(operators.c.name == bindparam("name"), operators.c.enabled),
    ["name", "now_ms"],
)


async def api_user_role(store: Store, name: str, now_ms: int) -> str | None:
    """Return the role of an operator as whom a script acts, and note that one does.

    None for one who is not there or disabled. Raises `Forbidden` for one who signs in, or has a link to set
    a password by: who writes a script names whom they like, and must not act as somebody else.
    """
    rows = await store.look_up(_API_USER, name, now_ms)
    if not rows:
        return None
    role, used_ms, signs_in = rows[0]
    if signs_in:
        raise Forbidden(
            "script.user_signs_in",
            f"cxRest: operator {plain(name)} signs in, and scripts act as nobody who does; name an "
            "API user, which is an operator without a password",
            operator=name,
        )
    if used_ms is None or used_ms <= now_ms - USED_EVERY_MS:
        async with store.writing() as connection:
            used = operators.update().where(operators.c.name == name)
            await connection.execute(used.values(script_used_ms=now_ms))
    return str(role)


@dataclass(frozen=True, slots=True)
class OperatorFilter:
    """Which operators: those that fit all given. `search`: a part of the name or the notes."""

    role: str | None = None
    enabled: bool | None = None
    search: str | None = None


OPERATORS = Listing("operators", {"name": (operators.c.name,)}, first="name")


async def page(connection: AsyncConnection, wanted: OperatorFilter, asked: PageRequest) -> Page[Operator]:
    """Read a page of operators."""
    conditions = equal(((operators.c.role, wanted.role), (operators.c.enabled, wanted.enabled)))
    if wanted.search is not None:
        conditions.append(
            or_(contains(operators.c.name, wanted.search), contains(operators.c.notes, wanted.search))
        )
    query = select(*_COLUMNS).where(*conditions)
    return await OPERATORS.page(connection, query, asked, lambda row: Operator(*row))


async def add(actor: Actor, operator: Operator, password_hash: str | None) -> Operator:
    """Add an operator. `password_hash` None: it acts by tokens only.

    Raises `Refused`: its name is taken or malformed, no such role, or a role beyond the actor's rights.
    """
    if not _NAME.fullmatch(operator.name):
        raise Refused(
            "operator.malformed_name",
            f"operator `{plain(operator.name)}`: write up to {MAX_NAME} letters, digits and . _ @ + -",
            ("name",),
            operator=operator.name,
        )
    check_text(operator.notes, "notes")
    _check_email(operator.email)
    refuse_beyond(actor, (await roles.show(actor.connection, operator.role)).rights)
    if await find(actor.connection, operator.name) is not None:
        raise Conflict("operator.taken", f"operator {operator.name} exists already", operator=operator.name)
    made = replace(
        operator,
        created_ms=actor.now_ms,
        password_set_ms=None if password_hash is None else actor.now_ms,
    )
    await actor.connection.execute(
        operators.insert().values(
            **_fields(made),
            password_hash=password_hash,
            password_set_ms=made.password_set_ms,
            created_ms=actor.now_ms,
            updated_ms=actor.now_ms,
        )
    )
    await note(actor, Verb.ADD, f"operator {made.name}", None, _facts(made))
    return made


async def alter(actor: Actor, name: str, **changes: Unpack[OperatorChanges]) -> Operator:
    """Change an operator's fields.

    Raises `Refused`: unknown, no such role, the last admin, or rights beyond the actor's.
    """
    old, admins = await _changeable_with_admins(actor, name)
    new = replace(old, **changes)
    check_text(new.notes, "notes")
    _check_email(new.email)
    refuse_beyond(actor, (await roles.show(actor.connection, new.role)).rights)
    if new.role != ADMIN:
        _refuse_last_admin(old, admins)
    return await _write(actor, Verb.SET, old, new)


async def set_enabled(actor: Actor, name: str, enabled: bool) -> Operator:
    """Let an operator act, or not: it cannot log in then, and its tokens do not work.

    Raises `Refused`: unknown, the last admin, or rights beyond the actor's.
    """
    old, admins = await _changeable_with_admins(actor, name)
    if not enabled:
        _refuse_last_admin(old, admins)
        await _end_access(actor, name)
    return await _write(actor, Verb.ENABLE if enabled else Verb.DISABLE, old, replace(old, enabled=enabled))


async def set_password(actor: Actor, name: str, password_hash: str | None) -> Operator:
    """Give an operator another password; None takes it away. Its sessions end, but not the actor's own.

    Raises `Refused`: unknown, or rights beyond the actor's: whoever sets a password could log in with it.
    """
    return await _write_password(actor, await changeable(actor, name), password_hash)


async def set_own_password(actor: Actor, password_hash: str) -> Operator:
    """Give the operator who acts another password. Its other sessions end."""
    return await _write_password(actor, await lock_own(actor), password_hash)


async def lock_own(actor: Actor) -> Operator:
    """Return the operator who acts; nobody changes it, or ends its access, until the transaction ends.

    It is locked before its sessions and links are, as by whoever disables it: in another order two who do
    so at once would wait for each other.
    """
    locked = _named(actor.principal.name).with_for_update()
    row = (await actor.connection.execute(locked)).one_or_none()
    if row is None:
        raise unknown_operator(actor.principal.name)
    return Operator(*row)


async def _write_password(actor: Actor, old: Operator, password_hash: str | None) -> Operator:
    name = old.name
    new = replace(old, password_set_ms=None if password_hash is None else actor.now_ms)
    values = {"password_hash": password_hash, "password_set_ms": new.password_set_ms}
    changed = operators.update().where(operators.c.name == name)
    await actor.connection.execute(changed.values(**values, updated_ms=actor.now_ms))
    await note(actor, Verb.PASSWORD, f"operator {name}", _facts(old), _facts(new))
    await _end_access(actor, name)
    return new


async def _end_access(actor: Actor, name: str) -> None:
    """End an operator's sessions, but not the actor's own, and the links by which it could set a password."""
    await sessions.end_all(actor, name)
    of = select(operators.c.id).where(operators.c.name == name).scalar_subquery()
    await actor.connection.execute(operator_links.delete().where(operator_links.c.operator_id == of))


async def new_password_hash(passwords: Passwords, password: str, operator: str) -> str:
    """Return what is kept of a new password. Raises `Refused` for one that could be guessed."""
    return await passwords.hash(check_password(password, operator))


async def changeable(actor: Actor, name: str) -> Operator:
    """Return an operator whom the actor may change: one who has no right that the actor lacks.

    Nobody else changes an operator who may be an admin, or the admins, until the transaction ends.
    """
    operator, _ = await _changeable_with_admins(actor, name)
    return operator


async def _changeable_with_admins(actor: Actor, name: str) -> tuple[Operator, set[str]]:
    """Return an operator as `changeable` does, and the names of all admins that are enabled."""
    # All in one order, at once: two admins who disable each other at the same time must not both succeed,
    # and a lock of the one before those of the others would have them wait for each other.
    is_admin = and_(operators.c.role == ADMIN, operators.c.enabled)
    query = select(*_COLUMNS).where(or_(operators.c.name == name, is_admin)).order_by(operators.c.id)
    found = [Operator(*row) for row in await actor.connection.execute(query.with_for_update())]
    operator = next((one for one in found if one.name == name), None) or await show(actor.connection, name)
    refuse_beyond(actor, (await roles.show(actor.connection, operator.role)).rights)
    return operator, {one.name for one in found if one.role == ADMIN and one.enabled}


def _refuse_last_admin(operator: Operator, admins: Set[str]) -> None:
    if admins == {operator.name}:
        raise Conflict(
            "operator.last_admin",
            f"operator {operator.name} is the last admin that is enabled; make another one first",
            operator=operator.name,
        )


async def _write(actor: Actor, verb: Verb, old: Operator, new: Operator) -> Operator:
    if new != old:
        changed = operators.update().where(operators.c.name == old.name)
        await actor.connection.execute(changed.values(**_fields(new), updated_ms=actor.now_ms))
        await note(actor, verb, f"operator {old.name}", _facts(old), _facts(new))
    return new


def _named(name: str) -> Select[Any]:
    return select(*_COLUMNS).where(operators.c.name == name)


def _fields(operator: Operator) -> dict[str, object]:
    return {name: getattr(operator, name) for name in ("name", "role", "enabled", "notes", "email")}


def _facts(operator: Operator) -> dict[str, object]:
    """What the audit log keeps: not the password, but when it was set."""
    return {**_fields(operator), "password_set_ms": operator.password_set_ms}


def _check_email(email: str | None) -> None:
    if email is not None and not (_EMAIL.fullmatch(email) and len(email) <= MAX_EMAIL):
        raise Refused(
            "operator.malformed_email",
            f"`{plain(email)}` is not an address of e-mail; write one such as ann@example.com",
            ("email",),
            email=email,
        )


async def count(connection: AsyncConnection) -> int:
    """Return how many operators there are."""
    return int((await connection.execute(select(func.count()).select_from(operators))).scalar_one())
