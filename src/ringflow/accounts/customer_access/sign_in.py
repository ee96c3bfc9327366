"""Customers who sign in over HTTP: by a card's ID and PIN as on the telephone, or by e-mail and password.

What may be tried is decided before anything is compared, by limits of their own: nobody who guesses here can
lock a card out for its caller. An address from which the card or the login was opened before has a budget of
its own, so strangers do not lock its owner out there.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakValueDictionary

from sqlalchemy import Text, bindparam, select, update

from ringflow.accounts.caller_accounts import CallerAccounts
from ringflow.accounts.cards.refusal import Refusal, Why
from ringflow.accounts.customer_access.logins import MAX_EMAIL
from ringflow.accounts.customer_access.tokens import Secrets, open_device
from ringflow.accounts.failures import count_failure, set_back
from ringflow.accounts.lockout import WEB, Caller, Standing, Subject, address_name, limits_of_login
from ringflow.accounts.passwords import MAX_PASSWORD, Passwords, needs_new_hash
from ringflow.actor import Actor, acting, customer_principal
from ringflow.audit import Verb, note
from ringflow.errors import Forbidden, Refused
from ringflow.store import LookUp, Store
from ringflow.store.card_tables import lockouts
from ringflow.store.customer_access_tables import customer_logins, customer_tokens
from ringflow.store.statement import Statement
from ringflow.store.tables import customers

_STANDINGS = LookUp(
    select(lockouts.c.subject, lockouts.c.failed_ms, lockouts.c.clear_ms).where(
        lockouts.c.subject.in_([bindparam(name, type_=Text) for name in ("first", "second", "third")])
    ),
    ["first", "second", "third"],
)


_SET = Statement("SELECT password_set_ms FROM customer_logins WHERE id = :id {lock}", id="bigint")


@dataclass(frozen=True, slots=True)
class OpenedLogin:
    """A login whose password was right, and when that password was set."""

    id: int
    customer_id: int
    password_set_ms: int


class LockedOut(Refused):
    """Too many wrong tries came: nothing is compared for `retry_after_s`."""

    def __init__(self, wait_ms: int) -> None:
        self.retry_after_s = -(-wait_ms // 1000)
        super().__init__(
            "sign_in.locked",
            f"too many wrong tries: wait {self.retry_after_s} s before the next one",
            (),
            retry_after_s=self.retry_after_s,
        )


def web_caller(address: str) -> Caller:
    """Return where a try over HTTP comes from."""
    return Caller(WEB, address_name(address))


class CustomerSignIn:
    """`now_ms`: milliseconds since 1970. Whatever clients send is safe to pass; nothing of it is logged.

    Methods raise `Forbidden` in the same words for whoever is unknown and whatever is wrong, `LockedOut`, and
    `StoreGone`.
    """

    def __init__(
        self,
        store: Store,
        caller_accounts: CallerAccounts,
        passwords: Passwords,
        country: str,
        now_ms: Callable[[], int],
    ) -> None:
        self._store = store
        self._caller_accounts = caller_accounts
        self._passwords = passwords
        self._country = country
        self._now_ms = now_ms
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def by_card(self, card_id: str, pin: str, device: str, address: str) -> Secrets:
        """Sign a device in by a card. One that is available is redeemed by this, as by a call."""
        found = await self._caller_accounts.open_card(card_id, pin, web_caller(address))
        if isinstance(found, Refusal):
            raise refused_card(found)
        return await self._open(found.customer.id, device, address, card_id=found.card.id)

    async def by_email(self, email: str, password: str, device: str, address: str) -> Secrets:
        """Sign a device in by e-mail and password."""
        login = await self.check_password(email, password, address)
        return await self._open(login.customer_id, device, address, login=login)

    async def check_password(self, email: str, password: str, address: str) -> OpenedLogin:
        """Return the login whose password this is. Wrong ones are counted."""
        email = email.strip().lower()
        if len(email) > MAX_EMAIL or len(password) > MAX_PASSWORD:
            raise wrong()
        turn = self._turns.setdefault(email, asyncio.Lock())
        async with turn:
            return await self._compare(email, password, web_caller(address).cli or "")

    async def _compare(self, email: str, password: str, address: str) -> OpenedLogin:
        now_ms = self._now_ms()
        row, is_known = await self._look_up(email, address)
        # A digest: what somebody takes for an address may be anything, such as a password.
        limits = limits_of_login(hashlib.sha256(email.encode()).hexdigest()[:32], address)
        kinds = {one.name: kind for kind, one in limits.all.items()}
        standings: dict[Subject, Standing] = {
            kinds[name]: Standing(failed_ms, clear_ms)
            for name, failed_ms, clear_ms in await self._store.look_up(_STANDINGS, *kinds)
        }
        verdict = limits.judge(standings, now_ms)
        may = verdict.known_may if is_known else not verdict.wait_ms
        if not may:
            if any(one.failed_ms > now_ms for one in standings.values()):
                await set_back(self._store, [*kinds], now_ms)
            raise LockedOut(verdict.wait_ms)
        kept = None if row is None else row.password_hash
        if not await self._passwords.matches(password, kept) or row is None:
            await count_failure(self._store, verdict.counted, now_ms)
            raise wrong()
        if row.status != "active":
            raise Forbidden("sign_in.barred", "the account is barred: ask who gave it to you")
        if needs_new_hash(row.password_hash):
            newer = await self._passwords.hash(password)
            same = (customer_logins.c.id == row.id) & (customer_logins.c.password_hash == row.password_hash)
            async with self._store.writing() as connection:
                await connection.execute(update(customer_logins).where(same).values(password_hash=newer))
        return OpenedLogin(row.id, row.customer_id, row.password_set_ms)

    async def _look_up(self, email: str, address: str) -> tuple[Any, bool]:
        """The login (None: there is none), and whether it was opened from this address before."""
        query = (
            select(
                customer_logins.c.id,
                customer_logins.c.customer_id,
                customer_logins.c.password_hash,
                customer_logins.c.password_set_ms,
                customers.c.status,
            )
            .join(customers, customers.c.id == customer_logins.c.customer_id)
            .where(customer_logins.c.email == email)
        )
        async with self._store.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
            if row is None:
                return None, False
            opened = select(customer_tokens.c.address).where(customer_tokens.c.login_id == row.id)
            known = {
                web_caller(one).cli
                for (one,) in await connection.execute(opened.distinct())
                if one is not None
            }
        return row, address in known

    async def _open(
        self,
        customer_id: int,
        device: str,
        address: str,
        *,
        login: OpenedLogin | None = None,
        card_id: str | None = None,
    ) -> Secrets:
        principal = replace(customer_principal(customer_id, "sign-in"), address=address or None)
        async with acting(self._store, principal, self._country, self._now_ms()) as actor:
            if login is not None:
                await _refuse_changed(actor, login)
            login_id = None if login is None else login.id
            secrets = await open_device(
                actor, customer_id, device, address, login_id=login_id, card_id=card_id
            )
            facts = {"device": device, "login": login_id, "card": card_id}
            await note(actor, Verb.SIGN_IN, f"customer {customer_id}", None, facts)
        return secrets


async def _refuse_changed(actor: Actor, login: OpenedLogin) -> None:
    """Raise `Forbidden` where the password was changed since it was compared: its devices were ended then.

    The lock keeps whoever changes it waiting, who then ends this device too.
    """
    found = await _SET.run(actor.connection, id=login.id)
    if [row[0] for row in found] != [login.password_set_ms]:
        raise wrong()


def refused_card(refusal: Refusal) -> Refused:
    """Return the error of a card that opens nothing. Only who has its PIN learns why."""
    match refusal.why:
        case Why.LOCKED | Why.NEEDS_ID:
            return LockedOut(refusal.wait_ms)
        case Why.DISABLED | Why.EXPIRED | Why.USED_ELSEWHERE | Why.USED:
            return Forbidden(
                "sign_in.card_opens_nothing",
                f"this card opens no account ({refusal.why.value.replace('_', ' ')})",
                why=refusal.why.value,
            )
        case Why.CUSTOMER_NOT_ACTIVE:
            return Forbidden("sign_in.barred", "the account is barred: ask who gave it to you")
        case _:
            return wrong()


def wrong() -> Forbidden:
    """Return the one error of whatever does not fit: who exists is nobody's business."""
    return Forbidden(
        "sign_in.refused", "this is not the card's ID with its PIN, or the e-mail with its password"
    )
