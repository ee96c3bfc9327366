"""Customers' tokens: of a device that signed in, or of a program that was given one.

A device has a short access token and a refresh token, which is exchanged for two new ones. One that comes
again was copied: who comes second has the copy, or was robbed. So the device is signed out (RFC 9700,
4.14.2).

For `GRACE_MS` after its use a refresh token is taken once more, because its answer may have been lost. What
it was exchanged for must not have been used yet, and is dropped. So a copy that is used in that time is found
too, when the one of the two comes whose tokens were dropped.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import customers
from ringflow.accounts.access.secret_text import digest_of
from ringflow.accounts.customer_access.token_text import (
    ACCESS,
    REFRESH,
    draw_prefix,
    draw_text,
    read_text,
)
from ringflow.accounts.fields import check_text
from ringflow.accounts.tokens import refused
from ringflow.actor import Actor, Principal, acting, customer_principal
from ringflow.audit import Verb, note, note_many
from ringflow.errors import Refused, Unknown
from ringflow.store import Store
from ringflow.store.card_tables import cards
from ringflow.store.customer_access_tables import customer_logins, customer_secrets, customer_tokens
from ringflow.store.pages import Listing, Page, PageRequest
from ringflow.store.statement import Statement
from ringflow.store.tables import customers as customers_table

ACCESS_MS = 15 * 60_000
REFRESH_MS = 30 * 86_400_000
GRACE_MS = 10_000
USED_EVERY_MS = 60_000
"""How old the time of a token's last use may be: a write for every request would be too many."""
MAX_DEVICES = 50
"""How many devices of a customer are signed in at once: with one more, the one unused for longest ends."""
MAX_PROGRAMS = 50
DROPPED_MS = 0
"""`used_ms` of a refresh token that its customer never got."""

Kind = Literal["sign_in", "program"]


@dataclass(frozen=True, slots=True)
class CustomerToken:
    """What a device or a program acts by, without its secrets.

    `login`: the e-mail address that was signed in with, `card_id` the card. `ends_ms`: when it ends unless it
    is used, None: never.
    """

    id: int
    customer_id: int
    kind: Kind
    name: str
    login: str | None
    card_id: str | None
    made_by: str
    address: str | None
    created_ms: int
    ends_ms: int | None
    last_used_ms: int | None
    revoked_ms: int | None

    def __str__(self) -> str:
        return f"token {self.id} of customer {self.customer_id}"


@dataclass(frozen=True, slots=True)
class Secrets:
    """The two texts of a device, which are never shown again."""

    token: CustomerToken
    access: str
    access_expires_ms: int
    refresh: str
    refresh_expires_ms: int


_COLUMNS = tuple(
    customer_logins.c.email if name == "login" else customer_tokens.c[name]
    for name in CustomerToken.__slots__
)
CUSTOMER_TOKENS = Listing("customer's tokens", {"id": (customer_tokens.c.id,)}, first="-id")

_USE = Statement(
    "UPDATE customer_secrets SET used_ms = :now_ms, next_prefix = :next_prefix WHERE prefix = :prefix "
    "AND used_ms IS NULL AND refresh_expires_ms > :now_ms RETURNING prefix",
    now_ms="bigint",
    next_prefix="text",
    prefix="text",
)
# Of a lost answer: what it had is dropped, if nobody has used it.
_DROP = Statement(
    "UPDATE customer_secrets SET used_ms = 0, access_expires_ms = :now_ms WHERE prefix = :prefix "
    "AND used_ms IS NULL RETURNING prefix",
    now_ms="bigint",
    prefix="text",
)
_LEAD_ON = Statement(
    "UPDATE customer_secrets SET next_prefix = :next_prefix WHERE prefix = :prefix AND next_prefix = :before "
    "RETURNING prefix",
    next_prefix="text",
    prefix="text",
    before="text",
)
_SWEEP = Statement(
    "DELETE FROM customer_secrets WHERE token_id = :token_id AND refresh_expires_ms <= :now_ms "
    "AND access_expires_ms <= :now_ms",
    token_id="bigint",  # noqa: S106 -- a type, not a secret
    now_ms="bigint",
)


async def open_device(
    actor: Actor,
    customer_id: int,
    name: str,
    address: str | None,
    *,
    login_id: int | None = None,
    card_id: str | None = None,
) -> Secrets:
    """Sign a device in whose customer was recognised, by the login or the card."""
    check_text(name, "device")
    await _forget_ended(actor, customer_id)
    await _end_devices_beyond(actor, customer_id, MAX_DEVICES - 1)
    values = {
        "customer_id": customer_id,
        "kind": "sign_in",
        "name": name,
        "login_id": login_id,
        "card_id": card_id,
        "made_by": actor.principal.name,
        "address": address,
        "created_ms": actor.now_ms,
        "last_used_ms": actor.now_ms,
        "ends_ms": actor.now_ms + REFRESH_MS,
    }
    made = customer_tokens.insert().values(values).returning(customer_tokens.c.id)
    token_id = (await actor.connection.execute(made)).scalar_one()
    return await _draw(actor, token_id, draw_prefix())


async def add_program(
    actor: Actor, customer_id: int, name: str, expires_ms: int | None
) -> tuple[CustomerToken, str]:
    """Make a token for a customer's own program; return it and its text, which nobody can find out later.

    Raises `Refused`: no such customer, no name, an expiry that is over, too many of them.
    """
    check_text(name, "name")
    if not name.strip():
        raise Refused("field.empty", "a token has a name: what it is for", ("name",), field="name")
    if expires_ms is not None and expires_ms <= actor.now_ms:
        raise Refused("token.expires_in_the_past", "the token would have expired already; choose a later day")
    await customers.show(actor.connection, customer_id)
    programs = _live(actor.now_ms, customer_id, "program")
    count = (await actor.connection.execute(select(func.count()).where(programs))).scalar_one()
    if count >= MAX_PROGRAMS:
        raise Refused(
            "token.too_many",
            f"customer {customer_id} has {count} tokens already; revoke one first",
            customer=customer_id,
            most=MAX_PROGRAMS,
        )
    values = {
        "customer_id": customer_id,
        "kind": "program",
        "name": name,
        "made_by": actor.principal.name,
        "created_ms": actor.now_ms,
        "ends_ms": expires_ms,
    }
    made = customer_tokens.insert().values(values).returning(customer_tokens.c.id)
    token_id = (await actor.connection.execute(made)).scalar_one()
    prefix = draw_prefix()
    text = draw_text(ACCESS, prefix)
    row = {"access_digest": digest_of(text), "access_expires_ms": expires_ms}
    await actor.connection.execute(customer_secrets.insert().values(prefix=prefix, token_id=token_id, **row))
    token = await show(actor.connection, customer_id, token_id)
    await note(actor, Verb.ADD, str(token), None, token)
    return token, text


async def refresh(store: Store, text: str, country: str, now_ms: int) -> Secrets:
    """Exchange a refresh token for two new ones.

    Raises `Forbidden` in the same words for one that is unknown, expired or revoked, or whose customer or
    card is out of use. One that came before ends its device.
    """
    read = read_text(text, REFRESH)
    if read is None:
        raise refused()
    principal = None
    async with store.reading() as connection:
        row = (await connection.execute(_with_secrets(read.prefix))).one_or_none()
        if row is not None and read.has_digest(row.refresh_digest) and _is_good(row, now_ms):
            principal = _principal(row)
    if row is None or principal is None or row.refresh_expires_ms <= now_ms:
        raise refused()
    async with acting(store, principal, country, now_ms) as actor:
        drawn = await _exchange(actor, row.id, read.prefix)
        if drawn is None:
            await end_tokens(actor, customer_tokens.c.id == row.id, because="a refresh token came again")
    if drawn is None:
        raise refused()
    return drawn


async def recognise(store: Store, text: str, now_ms: int) -> Principal | None:
    """Return who acts by a customer's token; None where the text is not one.

    Raises `Forbidden` in the same words for one that is unknown, revoked or expired, and for one whose
    customer or card is out of use. Whatever a client sends is safe to pass.
    """
    if not text.startswith((ACCESS, REFRESH)):
        return None
    read = read_text(text, ACCESS)
    if read is None:
        raise refused()
    async with store.reading() as connection:
        row = (await connection.execute(_with_secrets(read.prefix))).one_or_none()
    if row is None or not read.has_digest(row.access_digest) or not _is_good(row, now_ms):
        raise refused()
    if row.access_expires_ms is not None and row.access_expires_ms <= now_ms:
        raise refused()
    if row.last_used_ms is None or row.last_used_ms <= now_ms - USED_EVERY_MS:
        async with store.writing() as connection:
            used = update(customer_tokens).where(customer_tokens.c.id == row.id)
            await connection.execute(used.values(last_used_ms=now_ms))
    return _principal(row)


async def page(
    connection: AsyncConnection, customer_id: int, asked: PageRequest, *, ended_too: bool, now_ms: int
) -> Page[CustomerToken]:
    """Read a page of a customer's tokens, the newest first."""
    query = _all().where(customer_tokens.c.customer_id == customer_id)
    if not ended_too:
        query = query.where(_live(now_ms, customer_id))
    return await CUSTOMER_TOKENS.page(connection, query, asked, lambda row: CustomerToken(*row))


async def show(connection: AsyncConnection, customer_id: int, token_id: int) -> CustomerToken:
    """Return a token of a customer. Raises `Unknown`, also for one of somebody else."""
    mine = (customer_tokens.c.id == token_id) & (customer_tokens.c.customer_id == customer_id)
    row = (await connection.execute(_all().where(mine))).one_or_none()
    if row is None:
        raise Unknown("customer_token.unknown", f"there is no token {token_id}", token=token_id)
    return CustomerToken(*row)


async def revoke(actor: Actor, customer_id: int, token_id: int) -> CustomerToken:
    """End a token of a customer. One that is revoked stays as it is. Raises `Unknown`."""
    await show(actor.connection, customer_id, token_id)
    await end_tokens(actor, customer_tokens.c.id == token_id)
    return await show(actor.connection, customer_id, token_id)


async def end_tokens(actor: Actor, which: ColumnElement[bool], because: str = "") -> None:
    """End tokens: they open nothing from now on."""
    found = await actor.connection.execute(_all().where(which, customer_tokens.c.revoked_ms.is_(None)))
    tokens = [CustomerToken(*row) for row in found]
    if not tokens:
        return
    ended = update(customer_tokens).where(customer_tokens.c.id.in_([one.id for one in tokens]))
    await actor.connection.execute(ended.values(revoked_ms=actor.now_ms))
    after = {"because": because} if because else None
    await note_many(actor, Verb.REVOKE, [(str(one), asdict(one), after) for one in tokens])


async def forget_tokens(connection: AsyncConnection, which: ColumnElement[bool]) -> None:
    """Delete tokens and their secrets."""
    of_these = customer_secrets.c.token_id.in_(select(customer_tokens.c.id).where(which))
    await connection.execute(customer_secrets.delete().where(of_these))
    await connection.execute(customer_tokens.delete().where(which))


async def _exchange(actor: Actor, token_id: int, prefix: str) -> Secrets | None:
    """Draw new secrets for those of this prefix; None: they came before, and their device is to end."""
    connection, now_ms = actor.connection, actor.now_ms
    following = draw_prefix()
    if await _USE.run(connection, None, now_ms=now_ms, next_prefix=following, prefix=prefix):
        await _SWEEP.run(connection, None, token_id=token_id, now_ms=now_ms)
        return await _draw(actor, token_id, following)
    used = select(customer_secrets.c.used_ms, customer_secrets.c.next_prefix)
    row = (await connection.execute(used.where(customer_secrets.c.prefix == prefix))).one_or_none()
    if row is None or row.next_prefix is None or now_ms - row.used_ms > GRACE_MS:
        return None
    if not await _DROP.run(connection, None, now_ms=now_ms, prefix=row.next_prefix):
        return None
    await _LEAD_ON.run(connection, None, next_prefix=following, prefix=prefix, before=row.next_prefix)
    return await _draw(actor, token_id, following)


async def _draw(actor: Actor, token_id: int, prefix: str) -> Secrets:
    access, again = draw_text(ACCESS, prefix), draw_text(REFRESH, prefix)
    access_expires_ms, refresh_expires_ms = actor.now_ms + ACCESS_MS, actor.now_ms + REFRESH_MS
    await actor.connection.execute(
        customer_secrets.insert().values(
            prefix=prefix,
            token_id=token_id,
            access_digest=digest_of(access),
            access_expires_ms=access_expires_ms,
            refresh_digest=digest_of(again),
            refresh_expires_ms=refresh_expires_ms,
        )
    )
    used = update(customer_tokens).where(customer_tokens.c.id == token_id)
    await actor.connection.execute(used.values(last_used_ms=actor.now_ms, ends_ms=refresh_expires_ms))
    row = (await actor.connection.execute(_all().where(customer_tokens.c.id == token_id))).one()
    return Secrets(CustomerToken(*row), access, access_expires_ms, again, refresh_expires_ms)


async def _forget_ended(actor: Actor, customer_id: int) -> None:
    """Delete the devices that ended so long ago that nothing of them can come any more."""
    long_ago_ms = actor.now_ms - REFRESH_MS
    ended = func.coalesce(customer_tokens.c.revoked_ms, customer_tokens.c.ends_ms) < long_ago_ms
    mine = (customer_tokens.c.customer_id == customer_id) & (customer_tokens.c.kind == "sign_in")
    await forget_tokens(actor.connection, mine & ended)


async def _end_devices_beyond(actor: Actor, customer_id: int, most: int) -> None:
    devices = select(customer_tokens.c.id).where(_live(actor.now_ms, customer_id, "sign_in"))
    oldest_last = devices.order_by(customer_tokens.c.last_used_ms.desc(), customer_tokens.c.id.desc())
    beyond = (await actor.connection.execute(oldest_last.offset(most))).scalars().all()
    if beyond:
        await end_tokens(actor, customer_tokens.c.id.in_(beyond), because="too many devices are signed in")


def _live(now_ms: int, customer_id: int, kind: Kind | None = None) -> ColumnElement[bool]:
    ends = customer_tokens.c.ends_ms.is_(None) | (customer_tokens.c.ends_ms > now_ms)
    live = (customer_tokens.c.customer_id == customer_id) & customer_tokens.c.revoked_ms.is_(None) & ends
    return live if kind is None else live & (customer_tokens.c.kind == kind)


def _all() -> Select[Any]:
    return select(*_COLUMNS).select_from(customer_tokens.outerjoin(customer_logins))


def _with_secrets(prefix: str) -> Select[Any]:
    """A token by the prefix of one of its texts, with the state of its customer and its card."""
    found = customer_secrets.join(customer_tokens)
    found = found.join(customers_table, customers_table.c.id == customer_tokens.c.customer_id)
    found = found.outerjoin(cards, cards.c.id == customer_tokens.c.card_id)
    names = ("id", "customer_id", "kind", "name", "card_id", "last_used_ms", "revoked_ms")
    token = (customer_tokens.c[name] for name in names)
    secret = (customer_secrets.c[name] for name in ("access_digest", "access_expires_ms", "refresh_digest"))
    return (
        select(
            *token,
            *secret,
            customer_secrets.c.refresh_expires_ms,
            customers_table.c.status.label("customer_status"),
            cards.c.status.label("card_status"),
            cards.c.archived_ms.label("card_archived_ms"),
            cards.c.expires_ms.label("card_expires_ms"),
        )
        .select_from(found)
        .where(customer_secrets.c.prefix == prefix)
    )


def _principal(row: Any) -> Principal:
    name = row.name if row.kind == "program" else None
    return customer_principal(row.customer_id, str(row.id), name)


def _is_good(row: Any, now_ms: int) -> bool:
    """Whether nobody has ended the token, its customer or its card."""
    if row.revoked_ms is not None or row.customer_status != "active":
        return False
    if row.card_id is None:
        return True
    expired = row.card_expires_ms is not None and row.card_expires_ms <= now_ms
    return row.card_status != "disabled" and row.card_archived_ms is None and not expired
