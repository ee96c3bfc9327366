"""Customers' logins: an e-mail address and a password, set by an operator."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import customers
from ringflow.accounts.customer_access.tokens import end_tokens, forget_tokens
from ringflow.accounts.passwords import Passwords, check_password
from ringflow.actor import Actor
from ringflow.audit import Verb, note
from ringflow.errors import Conflict, Refused, Unknown
from ringflow.plain_text import plain
from ringflow.store.conditions import contains, equal
from ringflow.store.customer_access_tables import customer_logins, customer_tokens
from ringflow.store.pages import Listing, Page, PageRequest

MAX_EMAIL = 254
"""RFC 5321 leaves so much for an address."""
_EMAIL = re.compile(r"[^\s@,;<>\"]{1,64}@[^\s@,;<>\"]{1,189}")


@dataclass(frozen=True, slots=True)
class Login:
    """By what a customer signs in, without the password."""

    id: int
    customer_id: int
    email: str
    password_set_ms: int
    created_ms: int

    def __str__(self) -> str:
        return f"login {self.email} of customer {self.customer_id}"


COLUMNS = tuple(customer_logins.c[name] for name in Login.__slots__)
LOGINS = Listing("logins", {"id": (customer_logins.c.id,), "email": (customer_logins.c.email,)}, first="id")


def kept_email(text: str) -> str:
    """Return an address as it is kept, in small letters. Raises `Refused` for what cannot be one."""
    email = text.strip().lower()
    if not _EMAIL.fullmatch(email) or len(email) > MAX_EMAIL or not email.isprintable():
        raise Refused(
            "customer_login.malformed_email",
            f"`{plain(text)}` is not an e-mail address: write one such as ann@example.org",
            ("email",),
            email=text,
        )
    return email


async def new_password_hash(passwords: Passwords, password: str, email: str) -> str:
    """Return what is kept of a new password. Raises `Refused` for one that could be guessed."""
    return await passwords.hash(check_password(password, email))


async def find(connection: AsyncConnection, email: str) -> Login | None:
    """Return the login with this address in any capitals, or None."""
    same = customer_logins.c.email == email.strip().lower()
    row = (await connection.execute(select(*COLUMNS).where(same))).one_or_none()
    return Login(*row) if row is not None else None


async def show(connection: AsyncConnection, email: str, customer_id: int | None = None) -> Login:
    """Return the same, of this customer if one is given. Raises `Unknown`."""
    login = await find(connection, email)
    if login is None or customer_id not in (None, login.customer_id):
        raise Unknown("customer_login.unknown", f"there is no login {plain(email)}", email=email)
    return login


@dataclass(frozen=True, slots=True)
class LoginFilter:
    """Which logins: those that fit all given. `search`: a part of the address."""

    customer_id: int | None = None
    search: str | None = None


async def page(connection: AsyncConnection, wanted: LoginFilter, asked: PageRequest) -> Page[Login]:
    """Read a page of logins."""
    conditions = equal(((customer_logins.c.customer_id, wanted.customer_id),))
    if wanted.search is not None:
        conditions.append(contains(customer_logins.c.email, wanted.search))
    query = select(*COLUMNS).where(*conditions)
    return await LOGINS.page(connection, query, asked, lambda row: Login(*row))


async def add(actor: Actor, customer_id: int, email: str, password_hash: str) -> Login:
    """Let a customer sign in. Raises `Refused`: no such customer, the address is taken or malformed."""
    email = kept_email(email)
    await customers.show(actor.connection, customer_id, ("customer",))
    taken = await find(actor.connection, email)
    if taken is not None:
        raise Conflict(
            "customer_login.taken",
            f"{plain(email)} is a login of customer {taken.customer_id} already",
            ("email",),
            email=email,
            customer=taken.customer_id,
        )
    times = {"password_set_ms": actor.now_ms, "created_ms": actor.now_ms}
    row = {"customer_id": customer_id, "email": email, "password_hash": password_hash, **times}
    made = customer_logins.insert().values(row).returning(*COLUMNS)
    login = Login(*(await actor.connection.execute(made)).one())
    await note(actor, Verb.ADD, str(login), None, login)
    return login


async def set_password(
    actor: Actor, login: Login, password_hash: str, keep_token: int | None = None
) -> Login:
    """Give a login another password, and end all that was signed in with the old one but `keep_token`."""
    mine = customer_logins.c.id == login.id
    values = {"password_hash": password_hash, "password_set_ms": actor.now_ms}
    changed = customer_logins.update().where(mine).values(**values).returning(*COLUMNS)
    new = Login(*(await actor.connection.execute(changed)).one())
    await note(actor, Verb.PASSWORD, str(login), login, new)
    signed_in = customer_tokens.c.login_id == login.id
    if keep_token is not None:
        signed_in &= customer_tokens.c.id != keep_token
    await end_tokens(actor, signed_in)
    return new


async def delete(actor: Actor, login: Login) -> None:
    """Take a login away, with all that was signed in by it."""
    await forget_tokens(actor.connection, customer_tokens.c.login_id == login.id)
    await actor.connection.execute(customer_logins.delete().where(customer_logins.c.id == login.id))
    await note(actor, Verb.DELETE, str(login), login, None)


async def kept_hash(connection: AsyncConnection, login_id: int) -> str:
    """Return the hash of a login's password."""
    query = select(customer_logins.c.password_hash).where(customer_logins.c.id == login_id)
    return str((await connection.execute(query)).scalar_one())
