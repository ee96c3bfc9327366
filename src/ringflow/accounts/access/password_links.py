"""Links by which somebody sets a password: of a first start, to invite an operator, and to reset a password.

A link holds 256 random bits behind its `#`, which browsers send to no server: so they get into no log and no
`Referer`. Of these a digest is kept. A link is good once, for some time, until the operator's password is set
or the operator is disabled; that of a first start, while no operator can sign in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import delete, exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import operators, roles
from ringflow.accounts.access import devices
from ringflow.accounts.access.secret_text import digest_of, new_secret
from ringflow.accounts.operators import ADMIN, Operator, new_password_hash
from ringflow.accounts.passwords import Passwords
from ringflow.actor import Actor, Principal, PrincipalKind, acting
from ringflow.audit import Verb, note
from ringflow.config import Config
from ringflow.errors import Forbidden
from ringflow.rights import ALL_RIGHTS
from ringflow.store import Store
from ringflow.store.operator_tables import operators as operators_table
from ringflow.store.sign_in_tables import operator_links

PAGE = "/setup"
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


class LinkKind(StrEnum):
    """What a link is for."""

    SETUP = "setup"
    """To make the first operator."""
    INVITATION = "invitation"
    """To set the first password of an operator that somebody has made."""
    RESET = "reset"
    """To set another password."""


LASTS_MS = {LinkKind.SETUP: DAY_MS, LinkKind.INVITATION: 7 * DAY_MS, LinkKind.RESET: HOUR_MS}

SERVER = Principal(PrincipalKind.SYSTEM, "set-up", ALL_RIGHTS)
"""Who makes the first operator."""


@dataclass(frozen=True, slots=True)
class PasswordLink:
    """A link without its secret. `operator` None: whoever opens it makes the first operator."""

    kind: LinkKind
    operator: str | None
    expires_ms: int


async def can_anybody_sign_in(connection: AsyncConnection) -> bool:
    """Return whether there is an operator who is enabled and has a password."""
    table = operators_table.c
    query = select(exists().where(table.enabled, table.password_hash.is_not(None)))
    return bool((await connection.execute(query)).scalar())


async def make_setup_link(actor: Actor) -> tuple[PasswordLink, str] | None:
    """Make a link for the first operator; returns it and its text. None where somebody can sign in."""
    if await can_anybody_sign_in(actor.connection):
        return None
    return await _make(actor, LinkKind.SETUP, None)


async def invite(actor: Actor, operator: Operator) -> tuple[PasswordLink, str]:
    """Add an operator, and make a link by which it sets its password. Raises as `operators.add`."""
    await operators.add(actor, operator, None)
    return await _make(actor, LinkKind.INVITATION, operator.name)


async def make_reset_link(actor: Actor, operator: str) -> tuple[PasswordLink, str]:
    """Make a link by which an operator sets another password. What counts until then goes on to count.

    Raises `Refused`: unknown, or rights beyond the actor's: whoever has the link could sign in.
    """
    await operators.changeable(actor, operator)
    return await _make(actor, LinkKind.RESET, operator)


def link_url(config: Config, text: str, port: int | None = None) -> str:
    """Return a link as it is sent. `port`: the server's, where the configuration leaves it to the system."""
    return f"{_base_url(config, port)}{PAGE}#{text}"


def _base_url(config: Config, port: int | None) -> str:
    if config.sign_in.url is not None:
        return config.sign_in.url.rstrip("/")
    scheme = "https" if config.http is not None and config.http.tls is not None else "http"
    host = config.http.host if config.http is not None else "127.0.0.1"
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 -- what it listens on
    number = port or (config.http.port if config.http is not None else 0)
    return f"{scheme}://{f'[{shown}]' if ':' in shown else shown}:{number}"


class PasswordLinks:
    """Links as those use them who have one. `now_ms` is since 1970. Any text is safe to pass.

    Methods raise `Forbidden` in the same words for a link that is unknown, was used or is too old, and for
    one whose operator is disabled; of two that use a link at once, on any servers, one succeeds.
    """

    def __init__(self, store: Store, country: str, passwords: Passwords, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._country = country
        self._passwords = passwords
        self._now_ms = now_ms

    async def read(self, text: str) -> PasswordLink:
        """Return what a link is for."""
        async with self._store.reading() as connection:
            link = await _find(connection, text, self._now_ms())
            if link.kind is LinkKind.SETUP and await can_anybody_sign_in(connection):
                raise refused()
        return link

    async def set_up(self, text: str, name: str, password: str, address: str, device: str | None) -> str:
        """Make the first operator, an admin; returns the text of the device's cookie.

        Raises `Refused` for a name or a password that will not do: the link is good still.
        """
        link = await self.read(text)
        if link.kind is not LinkKind.SETUP:
            raise refused()
        kept = await new_password_hash(self._passwords, password, name)
        who = Principal(SERVER.kind, SERVER.name, SERVER.rights, address=address)
        async with acting(self._store, who, self._country, self._now_ms()) as actor:
            # All links of a first start at once: of two such links, too, one makes an operator.
            gone = delete(operator_links).where(operator_links.c.kind == LinkKind.SETUP)
            digests = (await actor.connection.execute(gone.returning(operator_links.c.digest))).scalars()
            if digest_of(text) not in set(digests) or await can_anybody_sign_in(actor.connection):
                raise refused()
            await operators.add(actor, Operator(name, ADMIN), kept)
            return await _remember(actor, name, device)

    async def set_password(self, text: str, password: str, address: str, device: str | None) -> str:
        """Set the password of the operator whose link it is; returns the text of the device's cookie.

        The operator's sessions and other links are over. Raises `Refused` for a password that will not do:
        the link is good still.
        """
        link = await self.read(text)
        if link.operator is None:
            raise refused()
        kept = await new_password_hash(self._passwords, password, link.operator)
        async with self._store.reading() as connection:
            operator = await operators.show(connection, link.operator)
            rights = (await roles.show(connection, operator.role)).rights
        who = Principal(PrincipalKind.OPERATOR, operator.name, rights, address=address)
        async with acting(self._store, who, self._country, self._now_ms()) as actor:
            await operators.lock_own(actor)
            used = delete(operator_links).where(operator_links.c.digest == digest_of(text))
            if not (await actor.connection.execute(used)).rowcount:
                raise refused()
            if not (await operators.set_own_password(actor, kept)).enabled:
                raise refused()
            return await _remember(actor, operator.name, device)


def refused() -> Forbidden:
    """Return the one error of every link that is not good."""
    return Forbidden("link.refused", "the link was used already, or is too old; ask for another one")


async def _make(actor: Actor, kind: LinkKind, operator: str | None) -> tuple[PasswordLink, str]:
    text, link = new_secret(), PasswordLink(kind, operator, actor.now_ms + LASTS_MS[kind])
    table = operator_links
    await actor.connection.execute(delete(table).where(table.c.expires_ms <= actor.now_ms))
    values = {"kind": kind.value, "digest": digest_of(text), "expires_ms": link.expires_ms}
    of = select(operators_table.c.id).where(operators_table.c.name == operator).scalar_subquery()
    await actor.connection.execute(table.insert().values(**values, operator_id=of))
    subject = "the first operator" if operator is None else f"operator {operator}"
    await note(actor, Verb.LINK, subject, None, {"kind": kind.value, "expires_ms": link.expires_ms})
    return link, text


async def _find(connection: AsyncConnection, text: str, now_ms: int) -> PasswordLink:
    link, of = operator_links.c, operators_table.c
    query = select(link.kind, of.name, link.expires_ms, of.enabled).select_from(
        operator_links.outerjoin(operators_table)
    )
    row = (await connection.execute(query.where(link.digest == digest_of(text)))).one_or_none()
    if row is None or row.expires_ms <= now_ms or row.enabled is False:
        raise refused()
    return PasswordLink(LinkKind(row.kind), row.name, row.expires_ms)


async def _remember(actor: Actor, operator: str, device: str | None) -> str:
    query = select(operators_table.c.id).where(operators_table.c.name == operator)
    number = (await actor.connection.execute(query)).scalar_one()
    return await devices.remember(actor.connection, number, device, actor.now_ms)
