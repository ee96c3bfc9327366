"""Roles: bundles of rights. Five are always there; operators can make more."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict, Unpack

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.fields import check_text
from ringflow.actor import Actor
from ringflow.audit import Verb, note
from ringflow.errors import Conflict, Forbidden, Refused, Unknown
from ringflow.plain_text import plain
from ringflow.rights import BUILT_IN_ROLES, Right
from ringflow.store import LookUp, Store
from ringflow.store.operator_tables import operators, roles, tokens
from ringflow.wording import did_you_mean, known_words

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Role:
    """A named bundle of rights. `built_in`: it is always there, and never changed."""

    name: str
    rights: frozenset[Right]
    notes: str = ""
    built_in: bool = False


class RoleChanges(TypedDict, total=False):
    """The fields that `alter` may change."""

    rights: frozenset[Right]
    notes: str


_BUILT_IN_NOTES = {
    "admin": "everything",
    "operator": "everything but operators, keys and the server itself",
    "finance": "reads, moves money, changes rates",
    "support": "reads, hangs up and redirects calls",
    "viewer": "reads",
}
_RENAMED = {"owner": "admin", "manager": "operator"}
"""What roles that are always there were called before."""


def read_rights(names: Collection[str]) -> frozenset[Right]:
    """Return the rights of these names. Raises `Refused` for one that there is not, and for none at all."""
    known = {right.value for right in Right}
    for name in names:
        if name not in known:
            mend = did_you_mean(name, known, f"rights: {known_words(known)}")
            raise Refused("role.unknown_right", f"there is no right {plain(name)} ({mend})", right=name)
    if not names:
        raise Refused("role.no_rights", "name at least one right")
    return frozenset(map(Right, names))


async def find(connection: AsyncConnection, name: str) -> Role | None:
    """Return the role of this name, or None."""
    if name in BUILT_IN_ROLES:
        return _built_in(name)
    query = select(roles.c.name, roles.c.rights, roles.c.notes).where(roles.c.name == name)
    row = (await connection.execute(query)).one_or_none()
    return _read(*row) if row else None


async def show(connection: AsyncConnection, name: str) -> Role:
    """Return the role of this name. Raises `Unknown`, which names those that there are."""
    role = await find(connection, name)
    if role is None:
        known = [one.name for one in await every(connection)]
        mend = did_you_mean(name, known, f"roles: {known_words(known)}")
        if name in _RENAMED:
            mend = f"it is called {_RENAMED[name]} now"
        raise Unknown("role.unknown", f"there is no role {plain(name)} ({mend})", ("role",), role=name)
    return role


_RIGHTS = LookUp(select(roles.c.rights).where(roles.c.name == bindparam("name")), ["name"])


async def rights_of(store: Store, name: str) -> frozenset[Right]:
    """Return the rights of a role, for every request that somebody sends. Raises as `show`."""
    if name in BUILT_IN_ROLES:
        return BUILT_IN_ROLES[name]
    rows = await store.look_up(_RIGHTS, name)
    if rows:
        return _known(json.loads(rows[0][0]))
    async with store.reading() as connection:
        return (await show(connection, name)).rights


async def every(connection: AsyncConnection) -> Sequence[Role]:
    """Return all roles: those that are always there, then the others by name."""
    query = select(roles.c.name, roles.c.rights, roles.c.notes).order_by(roles.c.name)
    made = [_read(*row) for row in await connection.execute(query)]
    return [*map(_built_in, BUILT_IN_ROLES), *made]


async def add(actor: Actor, role: Role) -> Role:
    """Add a role. Raises `Refused`: its name is taken or malformed, or it has rights that the actor lacks."""
    if not _NAME.fullmatch(role.name):
        raise Refused(
            "role.malformed_name",
            f"role `{plain(role.name)}`: write up to 32 of a-z, 0-9, _ and -, a letter first",
            ("name",),
            role=role.name,
        )
    check_text(role.notes, "notes")
    if await find(actor.connection, role.name) is not None:
        raise Conflict("role.taken", f"role {role.name} exists already", role=role.name)
    refuse_beyond(actor, role.rights)
    values = {"name": role.name, "rights": sorted(role.rights), "notes": role.notes}
    await actor.connection.execute(
        roles.insert().values(**values, created_ms=actor.now_ms, updated_ms=actor.now_ms)
    )
    await note(actor, Verb.ADD, f"role {role.name}", None, values)
    return role


async def alter(actor: Actor, name: str, **changes: Unpack[RoleChanges]) -> Role:
    """Change a role's fields. Whoever has it has the new rights with what they do next.

    Raises `Refused`: unknown, always there, or its rights before or after go beyond the actor's.
    """
    old = await changeable(actor, name)
    new = replace(old, **changes)
    check_text(new.notes, "notes")
    refuse_beyond(actor, old.rights | new.rights)
    if new == old:
        return new
    values = {"rights": sorted(new.rights), "notes": new.notes}
    changed = roles.update().where(roles.c.name == name)
    await actor.connection.execute(changed.values(**values, updated_ms=actor.now_ms))
    await note(actor, Verb.SET, f"role {name}", {"rights": sorted(old.rights), "notes": old.notes}, values)
    return new


async def delete(actor: Actor, name: str) -> Role:
    """Delete a role. Raises `Refused`: unknown, always there, or operators or tokens have it."""
    role = await changeable(actor, name)
    refuse_beyond(actor, role.rights)
    holders = select(func.count()).where(operators.c.role == name).scalar_subquery()
    acting = (
        select(func.count()).where(tokens.c.role == name, tokens.c.revoked_ms.is_(None)).scalar_subquery()
    )
    of_operators, of_tokens = (await actor.connection.execute(select(holders, acting))).one()
    if of_operators or of_tokens:
        raise Conflict(
            "role.in_use",
            f"{of_operators} operators and {of_tokens} tokens have the role {name}; give them another first",
            role=name,
            operators=of_operators,
            tokens=of_tokens,
        )
    await actor.connection.execute(roles.delete().where(roles.c.name == name))
    await note(actor, Verb.DELETE, f"role {name}", {"rights": sorted(role.rights), "notes": role.notes}, None)
    return role


def refuse_beyond(actor: Actor, rights: frozenset[Right]) -> None:
    """Raise `Forbidden` where somebody would give away, or take away, rights that they do not have."""
    beyond = sorted(rights - actor.principal.rights)
    if beyond:
        raise Forbidden(
            "right.beyond_own",
            f"{actor.principal.name} does not have these rights: {', '.join(beyond)}",
            rights=beyond,
        )


async def changeable(actor: Actor, name: str) -> Role:
    """Return a role that can be changed, and let nobody else change it. Raises `Refused`: see `alter`."""
    await actor.connection.execute(select(roles.c.name).where(roles.c.name == name).with_for_update())
    role = await show(actor.connection, name)
    if role.built_in:
        raise Conflict(
            "role.built_in",
            f"role {name} stays as it is; make another one with the rights you want",
            role=name,
        )
    return role


def _built_in(name: str) -> Role:
    return Role(name, BUILT_IN_ROLES[name], _BUILT_IN_NOTES[name], built_in=True)


def _read(name: str, rights: Sequence[str], notes: str) -> Role:
    return Role(name, _known(rights), notes)


def _known(rights: Sequence[str]) -> frozenset[Right]:
    # A right of a later version that was here before means nothing to this one.
    known = {right.value for right in Right}
    return frozenset(Right(one) for one in rights if one in known)
