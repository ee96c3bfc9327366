"""How an operator signs in: name, password, and the code of the second factor where there is one.

What may be tried is decided before the password is compared, by the budgets of `accounts.lockout`. A wrong
try takes the same look-ups, one hash and the same writes, and gets the same answer, whether there is such an
operator or not. On one server the tries of one name from one place are taken one after the other.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn
from weakref import WeakValueDictionary

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import roles
from ringflow.accounts.access import devices, second_factor, sessions
from ringflow.accounts.access.sessions import Session, SessionRules
from ringflow.accounts.access.totp_secret import ReadPeppers
from ringflow.accounts.failures import count_failure, judge
from ringflow.accounts.lockout import (
    HOUR_MS,
    Budget,
    Limit,
    Limits,
    Verdict,
    address_name,
    limits_of_second_factor,
    limits_of_session,
    limits_of_sign_in,
)
from ringflow.accounts.passwords import Passwords, needs_new_hash
from ringflow.actor import Principal, PrincipalKind, acting
from ringflow.audit import Verb, note
from ringflow.errors import Forbidden, Refused
from ringflow.store import Store
from ringflow.store.operator_tables import operators

NOTED = Budget(at_once=100, each_ms=HOUR_MS // 30)
"""How many failed sign-ins are on record: the audit log keeps everything for ever."""
_NOTED = Limits({"system": Limit("failed sign-ins on record", NOTED)})
_NOBODYS_ID = 0
"""No operator has this number."""

SIGN_IN = Principal(PrincipalKind.SYSTEM, "sign-in")
"""Who notes that somebody failed to sign in."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody gives who wants to sign in, and from where: `agent` is what the browser calls itself.

    `device` is the browser's cookie of earlier sign-ins, as it was sent.
    """

    name: str
    password: str
    code: str | None = None
    address: str = ""
    agent: str = ""
    device: str | None = None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that was begun. `text` and `device` are what the browser's cookies hold from now on."""

    session: Session
    text: str
    device: str


class SignIn:
    """Lets operators in. `now_ms` is since 1970; `peppers` are those of their authenticators' secrets.

    Methods raise `StoreGone`, and `StartError` where a pepper is missing.
    """

    def __init__(
        self,
        store: Store,
        country: str,
        rules: SessionRules,
        now_ms: Callable[[], int],
        peppers: ReadPeppers,
        passwords: Passwords | None = None,
    ) -> None:
        self.rules = rules
        self.peppers = peppers
        self.passwords = passwords or Passwords()
        # Strangers can fill their queue; whoever comes from a known device does not wait in it.
        self._of_strangers = Passwords(at_once=1)
        self._store = store
        self._country = country
        self._now_ms = now_ms
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def sign_in(self, attempt: Attempt) -> SignedIn:
        """Begin a session.

        Raises `Forbidden` in the same words for an unknown name, a wrong password, an operator who is
        disabled and one without a password; `login.code_needed` and `login.code_refused` where the password
        is right and the second factor missing or wrong; and `login.locked`.
        """
        digest = devices.digest_of_device(attempt.device)
        row = await self._operator(attempt.name)
        async with self._store.reading() as connection:
            # Asked whether or not there is such an operator: it takes the same time.
            of = _NOBODYS_ID if row is None else row.id
            known = await devices.is_known(connection, of, digest or "")
        device = digest if known else None
        place = device or address_name(attempt.address)
        turn = self._turns.setdefault((attempt.name, place), asyncio.Lock())
        async with turn:
            return await self._compared(attempt, row, device)

    async def confirm_password(self, principal: Principal, password: str) -> None:
        """Have somebody who has signed in give their password once more.

        Raises `Forbidden` without a session, and `Refused`: it is wrong, or too many were.
        """
        limits = limits_of_session(sessions.own_session(principal))
        turn = self._turns.setdefault((principal.name, str(principal.credential_id)), asyncio.Lock())
        async with turn:
            now_ms = self._now_ms()
            verdict = await judge(self._store, limits, now_ms)
            if verdict.wait_ms:
                raise _locked(verdict)
            row = await self._operator(principal.name)
            if not await self.passwords.matches(password, None if row is None else row.password_hash):
                await count_failure(self._store, verdict.counted, now_ms)
                raise Refused("password.wrong", "this is not your password", ("password",))

    async def _compared(self, attempt: Attempt, row: Row[Any] | None, device: str | None) -> SignedIn:
        verdict = await self._admitted(limits_of_sign_in(attempt.name, attempt.address, device))
        kept = None if row is None or not row.enabled else row.password_hash
        passwords = self.passwords if device is not None else self._of_strangers
        if not await passwords.matches(attempt.password, kept) or row is None:
            await self._fail(attempt, row, verdict)
        if row.second_factor_ms is None:
            return await self._begin(attempt, row, verdict)
        if attempt.code is None:
            raise Forbidden(
                "login.code_needed", "this operator has a second factor; give the code that it shows too"
            )
        return await self._begin(
            attempt, row, await self._admitted(limits_of_second_factor(attempt.name, device))
        )

    async def _admitted(self, limits: Limits) -> Verdict:
        """Return what a failure is held against. Raises `Refused` where nothing may be tried."""
        verdict = await judge(self._store, limits, self._now_ms())
        if verdict.wait_ms and not (limits.own is not None and verdict.known_may):
            raise _locked(verdict)
        return verdict

    async def _begin(self, attempt: Attempt, row: Row[Any], verdict: Verdict) -> SignedIn:
        """Begin the session of an operator whose password is right, if the code of the second factor is."""
        now_ms = self._now_ms()
        newer = await self.passwords.hash(attempt.password) if needs_new_hash(row.password_hash) else None
        async with self._store.reading() as connection:
            rights = (await roles.show(connection, row.role)).rights
        who = Principal(PrincipalKind.OPERATOR, row.name, rights, address=attempt.address)
        signed_in = None
        async with acting(self._store, who, self._country, now_ms) as actor:
            again = select(*_COLUMNS).where(operators.c.id == row.id).with_for_update()
            # Of what was read before, something may have changed while the password was compared.
            same = (await actor.connection.execute(again)).one_or_none() == row
            if same and await self._code_is_good(actor.connection, row, attempt):
                begun, text = await sessions.begin(actor, row.id, attempt.agent, attempt.address, self.rules)
                device = await devices.remember(actor.connection, row.id, attempt.device, now_ms)
                if newer is not None:
                    changed = operators.update().where(operators.c.id == row.id)
                    await actor.connection.execute(changed.values(password_hash=newer))
                facts = {"session": begun.id, "device": begun.device}
                await note(actor, Verb.SIGN_IN, f"operator {row.name}", None, facts)
                signed_in = SignedIn(begun, text, device)
        if signed_in is None:
            await self._fail(attempt, row, verdict, code=same)
        return signed_in

    async def _fail(
        self, attempt: Attempt, row: Row[Any] | None, verdict: Verdict, code: bool = False
    ) -> NoReturn:
        """Count a failure, note it while there is room, and raise what the sender is told."""
        now_ms = self._now_ms()
        await count_failure(self._store, verdict.counted, now_ms)
        if await may_note_failure(self._store, now_ms):
            who = Principal(SIGN_IN.kind, SIGN_IN.name, address=attempt.address)
            async with acting(self._store, who, self._country, now_ms) as actor:
                # What was typed for a name may be a password.
                subject = "an unknown operator" if row is None else f"operator {row.name}"
                await note(actor, Verb.SIGN_IN_FAILED, subject, None, {"device": attempt.agent})
        if code:
            raise Forbidden("login.code_refused", "the code is wrong, or it was used already")
        raise Forbidden("login.refused", "the name or the password is wrong, or the operator is disabled")

    async def _code_is_good(self, connection: AsyncConnection, row: Row[Any], attempt: Attempt) -> bool:
        if row.second_factor_ms is None:
            return True
        return await second_factor.use_code(
            connection, row.id, row.totp_secret, attempt.code or "", self._now_ms(), self.peppers
        )

    async def _operator(self, name: str) -> Row[Any] | None:
        async with self._store.reading() as connection:
            query = select(*_COLUMNS).where(operators.c.name == name)
            return (await connection.execute(query)).one_or_none()


_COLUMNS = tuple(
    operators.c[name]
    for name in ("id", "name", "role", "enabled", "password_hash", "second_factor_ms", "totp_secret")
)


async def may_note_failure(store: Store, now_ms: int) -> bool:
    """Return whether there is room to note one more failed sign-in, and take it."""
    noted = await judge(store, _NOTED, now_ms)
    if noted.wait_ms:
        return False
    await count_failure(store, noted.counted, now_ms)
    return True


def _locked(verdict: Verdict) -> Refused:
    wait_s = math.ceil(verdict.wait_ms / 1000)
    text = f"too many tries have failed; try again in {wait_s} s"
    return Refused("login.locked", text, retry_after_s=wait_s)
