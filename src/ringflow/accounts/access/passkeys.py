"""Passkeys of operators: the public keys (WebAuthn) of what an operator signs in with, and challenges.

A passkey that has verified its owner, by a PIN or a fingerprint, is both factors at once: it stands in for
the password and for the code of the second factor. So it is only ever taken with such a verification, and
what an operator signs in with is either a passkey alone or a password.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.access.secret_text import digest_of
from ringflow.accounts.fields import check_text
from ringflow.accounts.operators import unknown_operator
from ringflow.actor import Actor
from ringflow.audit import Verb, note
from ringflow.errors import Conflict, Refused, Unknown
from ringflow.store.operator_tables import operators
from ringflow.store.pages import Listing, Page, PageRequest
from ringflow.store.sign_in_tables import operator_passkeys, operator_sessions, passkey_challenges

MOST_PASSKEYS = 20
CHALLENGE_LASTS_MS = 300_000
MAX_NAME = 60


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey of an operator. `synced`: its owner's other devices have it too. `used_ms` None: never."""

    id: int
    operator: str
    name: str
    synced: bool
    created_ms: int
    used_ms: int | None


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """What an authenticator said of a passkey that it made; the key is COSE."""

    credential_id: str
    public_key: bytes
    sign_count: int
    synced: bool


PASSKEYS = Listing("passkeys", {"id": (operator_passkeys.c.id,)}, first="id")
_COLUMNS = (
    operator_passkeys.c.id,
    operators.c.name.label("operator"),
    *(operator_passkeys.c[name] for name in Passkey.__slots__[2:]),
)


async def page(connection: AsyncConnection, operator: str, asked: PageRequest) -> Page[Passkey]:
    """Read a page of an operator's passkeys."""
    query = (
        select(*_COLUMNS).select_from(operator_passkeys.join(operators)).where(operators.c.name == operator)
    )
    return await PASSKEYS.page(connection, query, asked, _passkey)


async def show(connection: AsyncConnection, operator: str, number: int) -> Passkey:
    """Return a passkey of an operator. Raises `Unknown`."""
    query = select(*_COLUMNS).select_from(operator_passkeys.join(operators))
    own = query.where(operators.c.name == operator, operator_passkeys.c.id == number)
    row = (await connection.execute(own)).one_or_none()
    if row is None:
        raise Unknown("passkey.unknown", f"{operator} has no passkey {number}", passkey=number)
    return _passkey(row)


async def operator_id(connection: AsyncConnection, operator: str) -> int:
    """Return the number of an operator. Raises `Unknown`."""
    found = (await connection.execute(select(operators.c.id).where(operators.c.name == operator))).scalar()
    if found is None:
        raise unknown_operator(operator)
    return int(found)


async def credentials_of(connection: AsyncConnection, number: int) -> Sequence[str]:
    """Return the IDs of an operator's passkeys, as their authenticators know them."""
    table = operator_passkeys
    query = select(table.c.credential_id).where(table.c.operator_id == number).order_by(table.c.id)
    return (await connection.execute(query)).scalars().all()


async def add(actor: Actor, name: str, made: NewPasskey) -> Passkey:
    """Give the operator who acts a passkey. Raises `Refused`: too many, one that is there, a bad name."""
    check_name(name)
    operator = actor.principal.name
    number = await operator_id(actor.connection, operator)
    # Locked, so that two at once do not both find room.
    locked = select(operators.c.id).where(operators.c.id == number).with_for_update()
    await actor.connection.execute(locked)
    table = operator_passkeys
    count = select(func.count()).where(table.c.operator_id == number)
    if (await actor.connection.execute(count)).scalar_one() >= MOST_PASSKEYS:
        what = f"an operator has at most {MOST_PASSKEYS} passkeys; remove one first"
        raise Conflict("passkey.too_many", what, most=MOST_PASSKEYS)
    taken = select(table.c.id).where(table.c.credential_id == made.credential_id)
    if (await actor.connection.execute(taken)).first() is not None:
        raise Conflict("passkey.taken", "this passkey is registered already")
    values = {
        "operator_id": number, "credential_id": made.credential_id, "public_key": made.public_key,
        "sign_count": made.sign_count, "synced": made.synced, "name": name, "created_ms": actor.now_ms,
    }  # fmt: skip
    inserted = await actor.connection.execute(table.insert().values(values).returning(table.c.id))
    passkey = Passkey(inserted.scalar_one(), operator, name, made.synced, actor.now_ms, None)
    await note(actor, Verb.ADD, _subject(passkey), None, _facts(passkey))
    return passkey


async def rename(actor: Actor, operator: str, number: int, name: str) -> Passkey:
    """Give a passkey another name. Raises `Refused`."""
    check_name(name)
    before = await show(actor.connection, operator, number)
    after = replace(before, name=name)
    if after != before:
        changed = update(operator_passkeys).where(operator_passkeys.c.id == number)
        await actor.connection.execute(changed.values(name=name))
        await note(actor, Verb.SET, _subject(before), _facts(before), _facts(after))
    return after


async def revoke(actor: Actor, operator: str, number: int) -> None:
    """Have a passkey open nothing from now on, and end the sessions that it has begun. Raises `Unknown`."""
    before = await show(actor.connection, operator, number)
    begun = delete(operator_sessions).where(operator_sessions.c.passkey_id == number)
    await actor.connection.execute(begun)
    await actor.connection.execute(delete(operator_passkeys).where(operator_passkeys.c.id == number))
    await note(actor, Verb.REVOKE, _subject(before), _facts(before), None)


async def remember_challenge(
    connection: AsyncConnection, challenge: str, of: int | None, now_ms: int
) -> None:
    """Keep a challenge that was given out, to one operator or (None) to whoever wants to sign in."""
    table = passkey_challenges
    await connection.execute(delete(table).where(table.c.expires_ms <= now_ms))
    values = {"digest": digest_of(challenge), "operator_id": of, "expires_ms": now_ms + CHALLENGE_LASTS_MS}
    await connection.execute(table.insert().values(values))


async def take_challenge(connection: AsyncConnection, challenge: str, of: int | None, now_ms: int) -> bool:
    """Use a challenge up; returns whether it was given out to the same, is fresh and was not used before."""
    table = passkey_challenges
    same = table.c.operator_id.is_(None) if of is None else table.c.operator_id == of
    used = delete(table).where(table.c.digest == digest_of(challenge), same, table.c.expires_ms > now_ms)
    return (await connection.execute(used)).rowcount == 1


async def find(connection: AsyncConnection, credential_id: str) -> Any:
    """Return the row of a passkey with its key, counter and operator, by its authenticator's ID; or None."""
    table = operator_passkeys
    query = select(
        *(table.c[one] for one in ("id", "name", "public_key", "sign_count", "operator_id")),
        operators.c.name.label("operator"), operators.c.role, operators.c.enabled,
    )  # fmt: skip
    found = query.select_from(table.join(operators)).where(table.c.credential_id == credential_id)
    return (await connection.execute(found)).one_or_none()


async def count_use(connection: AsyncConnection, number: int, before: int, after: int, now_ms: int) -> bool:
    """Keep the counter of a passkey after a use; returns whether it still was as it was read."""
    table = operator_passkeys
    used = update(table).where(table.c.id == number, table.c.sign_count == before)
    return (await connection.execute(used.values(sign_count=after, used_ms=now_ms))).rowcount == 1


def check_name(name: str) -> None:
    """Raise `Refused` for what is no name of a passkey."""
    if not name.strip() or len(name) > MAX_NAME:
        what = f"a passkey's name has 1 to {MAX_NAME} characters, such as `office laptop`"
        raise Refused("field.malformed_text", what, ("name",), field="name", most=MAX_NAME)
    check_text(name, "name")


def _subject(passkey: Passkey) -> str:
    return f"passkey {passkey.id} of {passkey.operator}"


def _facts(passkey: Passkey) -> dict[str, object]:
    return {"name": passkey.name, "synced": passkey.synced, "created_ms": passkey.created_ms}


def _passkey(row: Sequence[Any]) -> Passkey:
    return Passkey(*row[: len(Passkey.__slots__)])
