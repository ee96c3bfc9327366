"""API tokens: operators' programs act by them. The text of one is shown once, and kept as a digest only.

A token is `rf_PREFIX_SECRET`: the prefix finds its row and stands in lists and logs, the secret has 256
random bits. It never has more rights than its operator has at the time.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Select, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import operators, roles
from ringflow.accounts.access.secret_text import digest_of, new_prefix, new_secret
from ringflow.accounts.roles import refuse_beyond
from ringflow.actor import Actor, Principal, PrincipalKind
from ringflow.audit import Verb, note
from ringflow.errors import Conflict, Forbidden, Refused, Unknown
from ringflow.plain_text import plain
from ringflow.rights import Right
from ringflow.store import LookUp, Store
from ringflow.store.conditions import contains, equal
from ringflow.store.operator_tables import operators as operators_table
from ringflow.store.operator_tables import tokens
from ringflow.store.pages import Listing, Page, PageRequest

PREFIX_LENGTH = 8
USED_EVERY_MS = 60_000
"""How old the time of a token's last use may be: a write for every request would be too many."""
MAX_NAME = 64

_TEXT = re.compile(rf"rf_([a-z0-9]{{{PREFIX_LENGTH}}})_[A-Za-z0-9_-]{{43}}", re.ASCII)
_NAME = re.compile(rf"[A-Za-z0-9](?:[A-Za-z0-9 ._-]{{0,{MAX_NAME - 1}}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Token:
    """A token without its secret. `role` and `rights` None: all that its operator may do."""

    id: int
    operator: str
    name: str
    prefix: str
    role: str | None
    rights: tuple[Right, ...] | None
    created_ms: int
    expires_ms: int | None
    last_used_ms: int | None
    last_used_from: str | None
    revoked_ms: int | None

    @property
    def starts_with(self) -> str:
        """How the token's text begins: what people and logs recognise it by."""
        return f"rf_{self.prefix}"


@dataclass(frozen=True, slots=True)
class TokenPlan:
    """A token to be made. At most one of `role` and `rights` narrows what its operator may do."""

    operator: str
    name: str
    role: str | None = None
    rights: frozenset[Right] | None = None
    expires_ms: int | None = None


_COLUMNS = (
    tokens.c.id,
    operators_table.c.name.label("operator"),
    *(tokens.c[name] for name in Token.__slots__[2:]),
)

_BY_PREFIX = LookUp(
    select(*_COLUMNS, tokens.c.digest, operators_table.c.enabled, operators_table.c.role)
    .select_from(tokens.join(operators_table))
    .where(tokens.c.prefix == bindparam("prefix")),
    ["prefix"],
)
_RIGHTS_AT = Token.__slots__.index("rights")
"""The column that a look-up returns as the text of its JSON."""


async def add(actor: Actor, plan: TokenPlan) -> tuple[Token, str]:
    """Make a token; returns it and its text, which nobody can find out later.

    Raises `Refused`: no such operator or role, the name is taken, rights beyond the actor's, or a life that
    is longer than that of the token by which the actor acts.
    """
    if not _NAME.fullmatch(plan.name):
        raise Refused(
            "token.malformed_name",
            f"token `{plain(plan.name)}`: write up to {MAX_NAME} letters, digits, spaces and . _ -",
            ("name",),
            name=plan.name,
        )
    if plan.role is not None and plan.rights is not None:
        raise Refused("token.role_and_rights", "a token has a role or rights of its own, not both")
    if plan.expires_ms is not None and plan.expires_ms <= actor.now_ms:
        raise Refused("token.expires_in_the_past", "the token would have expired already; choose a later day")
    operator = await operators.show(actor.connection, plan.operator)
    refuse_beyond(actor, await _granted(actor.connection, operator.role, plan.role, plan.rights))
    if plan.rights is not None:
        # Also those that the operator does not have yet: the token would have them one day.
        refuse_beyond(actor, plan.rights)
    await _refuse_beyond_own(actor, plan)
    operator_id = select(operators_table.c.id).where(operators_table.c.name == plan.operator)
    same = (tokens.c.operator_id == operator_id.scalar_subquery()) & (tokens.c.name == plan.name)
    if (
        await actor.connection.execute(select(tokens.c.id).where(same, tokens.c.revoked_ms.is_(None)))
    ).scalar():
        raise Conflict(
            "token.taken",
            f"operator {plan.operator} has a token `{plan.name}` already; revoke it, or choose another name",
            operator=plan.operator,
            name=plan.name,
        )
    prefix = new_prefix(PREFIX_LENGTH)
    text = f"rf_{prefix}_{new_secret()}"
    values = {
        "name": plan.name,
        "prefix": prefix,
        "role": plan.role,
        "rights": None if plan.rights is None else sorted(plan.rights),
        "expires_ms": plan.expires_ms,
    }
    made = tokens.insert().values(
        **values, operator_id=operator_id.scalar_subquery(), digest=digest_of(text), created_ms=actor.now_ms
    )
    await actor.connection.execute(made)
    await note(actor, Verb.ADD, _subject(plan.operator, plan.name), None, values)
    return await show(actor.connection, f"rf_{prefix}"), text


@dataclass(frozen=True, slots=True)
class TokenFilter:
    """Which tokens: those that fit all given. `revoked`: those too that are. `search`: a part of the name."""

    operator: str | None = None
    revoked: bool = False
    search: str | None = None


TOKENS = Listing("tokens", {"created": (tokens.c.id,)}, first="created")


async def page(connection: AsyncConnection, wanted: TokenFilter, asked: PageRequest) -> Page[Token]:
    """Read a page of tokens."""
    query = _all().where(*equal(((operators_table.c.name, wanted.operator),)))
    if not wanted.revoked:
        query = query.where(tokens.c.revoked_ms.is_(None))
    if wanted.search is not None:
        query = query.where(contains(tokens.c.name, wanted.search))
    return await TOKENS.page(connection, query, asked, _token)


async def show(connection: AsyncConnection, start: str) -> Token:
    """Return the token that starts so (`rf_PREFIX`; the whole token, too). Raises `Unknown`."""
    # Of a whole token that somebody pastes here, the secret must not get into an error.
    start = start[: len("rf_") + PREFIX_LENGTH]
    query = _all().where(tokens.c.prefix == start.removeprefix("rf_"))
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise _unknown(start)
    return _token(row)


def _unknown(start: str) -> Unknown:
    return Unknown("token.unknown", f"no token starts with {plain(start)}", start=start)


async def show_own(actor: Actor, start: str) -> Token:
    """Return a token of the operator who acts. Raises `Unknown`, also for one of another operator."""
    token = await show(actor.connection, start)
    if token.operator != actor.principal.name:
        raise _unknown(token.starts_with)
    return token


async def revoke(actor: Actor, start: str) -> Token:
    """End a token: it opens nothing from now on. One that is revoked stays as it is.

    Raises `Refused`: unknown, or another operator's and with rights beyond the actor's.
    """
    token = await show(actor.connection, start)
    if token.operator != actor.principal.name:
        operator = await operators.show(actor.connection, token.operator)
        rights = None if token.rights is None else frozenset(token.rights)
        refuse_beyond(actor, await _granted(actor.connection, operator.role, token.role, rights))
    ended = update(tokens).where(tokens.c.id == token.id, tokens.c.revoked_ms.is_(None))
    if (await actor.connection.execute(ended.values(revoked_ms=actor.now_ms))).rowcount:
        facts = {
            "prefix": token.prefix,
            "expires_ms": token.expires_ms,
            "last_used_ms": token.last_used_ms,
            "last_used_from": token.last_used_from,
        }
        await note(actor, Verb.REVOKE, _subject(token.operator, token.name), facts, None)
    return await show(actor.connection, token.starts_with)


async def recognise(store: Store, text: str, now_ms: int, address: str | None = None) -> Principal:
    """Return who acts by a token, from this address.

    Raises `Forbidden` in the same words for one that is unknown, revoked or expired, and for one whose
    operator is disabled. Whatever a client sends is safe to pass; nothing of it is logged.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        raise refused()
    rows = await store.look_up(_BY_PREFIX, match[1])
    if not rows:
        raise refused()
    *columns, digest, enabled, operators_role = rows[0]
    if not hmac.compare_digest(digest, digest_of(text)):
        raise refused()
    if columns[_RIGHTS_AT] is not None:
        columns[_RIGHTS_AT] = json.loads(columns[_RIGHTS_AT])
    token = _token(columns)
    expired = token.expires_ms is not None and token.expires_ms <= now_ms
    if token.revoked_ms is not None or expired or not enabled:
        raise refused()
    rights = await roles.rights_of(store, operators_role)
    if token.role is not None:
        rights &= await roles.rights_of(store, token.role)
    if token.rights is not None:
        rights &= frozenset(token.rights)
    if token.last_used_ms is None or token.last_used_ms <= now_ms - USED_EVERY_MS:
        async with store.writing() as connection:
            used = update(tokens).where(tokens.c.id == token.id)
            await connection.execute(used.values(last_used_ms=now_ms, last_used_from=address))
    return Principal(PrincipalKind.TOKEN, token.operator, rights, token.name, token.starts_with)


async def rights_now(connection: AsyncConnection, principal: Principal) -> frozenset[Right]:
    """Return what is left of an operator's rights, or of its token's, that were recognised a while ago.

    Nothing, where the operator is disabled or gone, or the token was revoked. What was gained is not counted.
    """
    # Who was recognised by no token and no session runs a command, and has all rights.
    if principal.kind not in (PrincipalKind.OPERATOR, PrincipalKind.TOKEN) or principal.credential_id is None:
        return principal.rights
    operator = await operators.find(connection, principal.name)
    if operator is None or not operator.enabled:
        return frozenset()
    role, rights = None, None
    if principal.kind is PrincipalKind.TOKEN:
        token = await show(connection, principal.credential_id)
        if token.revoked_ms is not None:
            return frozenset()
        role, rights = token.role, None if token.rights is None else frozenset(token.rights)
    return principal.rights & await _granted(connection, operator.role, role, rights)


async def _granted(
    connection: AsyncConnection, operators_role: str, role: str | None, rights: frozenset[Right] | None
) -> frozenset[Right]:
    """Return what a token may do: what its operator may, narrowed by a role or by rights of its own."""
    granted = (await roles.show(connection, operators_role)).rights
    if role is not None:
        granted &= (await roles.show(connection, role)).rights
    return granted if rights is None else granted & rights


async def _refuse_beyond_own(actor: Actor, plan: TokenPlan) -> None:
    """Raise `Forbidden` where a token would make one that outlives it, or that may do more one day.

    Whoever finds a token could keep the other one, and wait until its operator has more rights.
    """
    principal = actor.principal
    if principal.kind is not PrincipalKind.TOKEN or principal.credential_id is None:
        return
    own = await show(actor.connection, principal.credential_id)
    is_narrowed = own.role is not None or own.rights is not None
    if is_narrowed and plan.rights is None and (plan.role is None or plan.role != own.role):
        raise Forbidden(
            "token.wider_than_own",
            "a token that has a role or rights of its own makes others only with that role, or with rights; "
            "name them in `rights`",
        )
    own_ms, expires_ms = own.expires_ms, plan.expires_ms
    if own_ms is not None and (expires_ms is None or expires_ms > own_ms):
        raise Forbidden(
            "token.outlives_own",
            "a token makes none that is good for longer than itself; give the new one an earlier last day",
        )


def is_well_formed(text: str) -> bool:
    """Return whether a text has the form of an operator's token."""
    return _TEXT.fullmatch(text) is not None


def refused() -> Forbidden:
    """Return the one error of every token that is not good."""
    return Forbidden("token.refused", "the token is unknown, revoked or expired, or its owner is disabled")


def _all() -> Select[Any]:
    return select(*_COLUMNS).select_from(tokens.join(operators_table))


def _token(row: Sequence[Any]) -> Token:
    token = Token(*row)
    if token.rights is None:
        return token
    # A right of a later version that was here before means nothing to this one.
    known = {right.value for right in Right}
    return replace(token, rights=tuple(Right(one) for one in token.rights if one in known))


def _subject(operator: str, name: str) -> str:
    return f"token {name} of {operator}"
