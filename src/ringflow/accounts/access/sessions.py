"""Sessions of operators who have signed in. The text of one is in a cookie, and kept as a digest only.

A session ends when it has not been used for some time, when it is old, when somebody ends it, and when its
operator is disabled or gets another password. It has its operator's rights of the moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import roles
from ringflow.accounts.access.secret_text import digest_of, is_secret, new_secret
from ringflow.actor import Actor, Principal, PrincipalKind
from ringflow.audit import Verb, note
from ringflow.errors import Forbidden, Unknown
from ringflow.rights import Right
from ringflow.store import LookUp, Store
from ringflow.store.operator_tables import operators
from ringflow.store.pages import Listing, Page, PageRequest
from ringflow.store.sign_in_tables import operator_sessions

USED_EVERY_MS = 60_000
"""How old the time of a session's last use may be: a write for every request would be too many."""
MOST_AT_ONCE = 50
"""How many sessions an operator has at most; a new one then takes the place of that least recently used."""

_CREDENTIAL = "session "


@dataclass(frozen=True, slots=True)
class SessionRules:
    """How long sessions last, and for whom they do nothing before there is a second factor.

    `second_factor_for`: names of roles, or `all`.
    """

    idle_ms: int
    absolute_ms: int
    second_factor_for: frozenset[str] = frozenset()

    def needs_second_factor(self, role: str) -> bool:
        """Return whether operators of a role must have a second factor."""
        return not self.second_factor_for.isdisjoint({role, "all"})

    def lets_act(self, role: str, second_factor_ms: int | None, passkey_id: int | None) -> bool:
        """Return whether a session of a role does anything yet. A passkey is both factors."""
        has_both = second_factor_ms is not None or passkey_id is not None
        return has_both or not self.needs_second_factor(role)

    def is_over(self, created_ms: int, used_ms: int, now_ms: int) -> bool:
        """Return whether a session has ended by itself."""
        return created_ms + self.absolute_ms <= now_ms or used_ms + self.idle_ms <= now_ms

    def live(self, now_ms: int) -> ColumnElement[bool]:
        """Return the condition that a session has not ended by itself."""
        table = operator_sessions.c
        return and_(table.created_ms > now_ms - self.absolute_ms, table.used_ms > now_ms - self.idle_ms)


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who has signed in and not out. `device`: what the browser calls itself.

    `address` is where it was begun; `used_ms` is a minute late at most. `passkey_id`: the passkey that it was
    begun with; None: it was a password.
    """

    id: int
    operator: str
    device: str
    address: str
    created_ms: int
    used_ms: int
    passkey_id: int | None = None

    @property
    def credential_id(self) -> str:
        """What a principal who acts by it is told apart by."""
        return f"{_CREDENTIAL}{self.id}"


_COLUMNS = (
    operator_sessions.c.id,
    operators.c.name.label("operator"),
    *(operator_sessions.c[name] for name in Session.__slots__[2:]),
)
SESSIONS = Listing("sessions", {"created": (operator_sessions.c.id,)}, first="-created")


def session_id(principal: Principal) -> int | None:
    """Return the number of the session that somebody acts by; None: it is a token, or the command line."""
    credential = principal.credential_id or ""
    return int(credential.removeprefix(_CREDENTIAL)) if credential.startswith(_CREDENTIAL) else None


def own_session(principal: Principal) -> int:
    """Return the session that somebody acts by. Raises `Forbidden` for whoever has not signed in."""
    found = session_id(principal)
    if found is None:
        raise Forbidden("session.needed", "only somebody who has signed in may do this")
    return found


async def begin(
    actor: Actor,
    operator_id: int,
    device: str,
    address: str,
    rules: SessionRules,
    passkey_id: int | None = None,
) -> tuple[Session, str]:
    """Begin a session of the operator who acts; returns it and its text, which nobody can find out later."""
    text = new_secret()
    table = operator_sessions
    values = {"device": device, "address": address, "created_ms": actor.now_ms, "used_ms": actor.now_ms}
    of = {"operator_id": operator_id, "digest": digest_of(text), "passkey_id": passkey_id}
    made = table.insert().values({**of, **values})
    number = (await actor.connection.execute(made.returning(table.c.id))).scalar_one()
    await actor.connection.execute(
        delete(table).where(table.c.created_ms <= actor.now_ms - rules.absolute_ms)
    )
    own = select(table.c.id).where(table.c.operator_id == operator_id)
    newest = own.order_by(table.c.used_ms.desc(), table.c.id.desc()).limit(MOST_AT_ONCE)
    surplus = table.c.id.not_in(newest)
    await actor.connection.execute(delete(table).where(table.c.operator_id == operator_id, surplus))
    begun = Session(number, actor.principal.name, device, address, actor.now_ms, actor.now_ms, passkey_id)
    return begun, text


async def recognise(store: Store, text: str, rules: SessionRules, now_ms: int) -> Principal:
    """Return who acts by a session, without any right where the second factor is missing that it needs.

    Raises `Forbidden` in the same words for one that is unknown or over, and for one whose operator is
    disabled. Whatever a client sends is safe to pass; nothing of it is logged.
    """
    if not is_secret(text):
        raise ended()
    rows = await store.look_up(_BY_DIGEST, digest_of(text))
    if not rows:
        raise ended()
    *columns, role, enabled, second_factor_ms = rows[0]
    session = _session(columns)
    if not enabled or rules.is_over(session.created_ms, session.used_ms, now_ms):
        raise ended()
    may_act = rules.lets_act(role, second_factor_ms, session.passkey_id)
    rights: frozenset[Right] = await roles.rights_of(store, role) if may_act else frozenset()
    if session.used_ms <= now_ms - USED_EVERY_MS:
        async with store.writing() as connection:
            used = update(operator_sessions).where(operator_sessions.c.id == session.id)
            await connection.execute(used.values(used_ms=now_ms))
    return Principal(PrincipalKind.OPERATOR, session.operator, rights, credential_id=session.credential_id)


async def rights_of(
    connection: AsyncConnection,
    role: str,
    second_factor_ms: int | None,
    rules: SessionRules,
    passkey_id: int | None = None,
) -> frozenset[Right]:
    """Return what a session of a role may do: nothing where the second factor is missing that it needs."""
    if not rules.lets_act(role, second_factor_ms, passkey_id):
        return frozenset()
    return (await roles.show(connection, role)).rights


def ended() -> Forbidden:
    """Return the one error of every session that is not good."""
    return Forbidden("session.ended", "the session is over; sign in again")


async def page(
    connection: AsyncConnection, operator: str, rules: SessionRules, now_ms: int, asked: PageRequest
) -> Page[Session]:
    """Read a page of an operator's sessions."""
    query = _all().where(operators.c.name == operator, rules.live(now_ms))
    return await SESSIONS.page(connection, query, asked, _session)


async def show(connection: AsyncConnection, operator: str, number: int) -> Session:
    """Return a session of an operator. Raises `Unknown`."""
    query = _all().where(operators.c.name == operator, operator_sessions.c.id == number)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise Unknown("session.unknown", f"{operator} has no session {number}", session=number)
    return _session(row)


async def end(actor: Actor, operator: str, number: int) -> None:
    """End a session of an operator: it opens nothing from now on. Raises `Unknown`."""
    session = await show(actor.connection, operator, number)
    table = operator_sessions
    if (await actor.connection.execute(delete(table).where(table.c.id == number))).rowcount:
        verb = Verb.SIGN_OUT if number == session_id(actor.principal) else Verb.REVOKE
        await note(actor, verb, f"session {number} of {operator}", _facts(session), None)


async def end_all(actor: Actor, operator: str) -> int:
    """End all sessions of an operator but the one by which the actor acts; returns how many."""
    table = operator_sessions
    of = select(operators.c.id).where(operators.c.name == operator).scalar_subquery()
    others = table.c.id != (session_id(actor.principal) or 0)
    ended_now = delete(table).where(table.c.operator_id == of, others)
    return (await actor.connection.execute(ended_now)).rowcount


async def end_others(actor: Actor, operator: str) -> int:
    """End all sessions of an operator but the one by which the actor acts, which is noted."""
    count = await end_all(actor, operator)
    if count:
        await note(actor, Verb.REVOKE, f"sessions of {operator}", {"sessions": count}, None)
    return count


def _all(*more: Any) -> Select[Any]:
    return select(*_COLUMNS, *more).select_from(operator_sessions.join(operators))


_BY_DIGEST = LookUp(
    _all(operators.c.role, operators.c.enabled, operators.c.second_factor_ms).where(
        operator_sessions.c.digest == bindparam("digest")
    ),
    ["digest"],
)


def _session(row: Sequence[Any]) -> Session:
    return Session(*row[: len(Session.__slots__)])


def _facts(session: Session) -> dict[str, object]:
    return {"device": session.device, "address": session.address, "created_ms": session.created_ms}
