"""Codes of shared numbers and service passwords as callers key them, compared under the lock-out's limits.

What may be tried is decided before anything is compared. On one server the tries against one limit are taken
one after the other, however many calls make them at once.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from typing import TypeVar
from weakref import WeakValueDictionary

from sqlalchemy import Text, bindparam, func, select
from sqlalchemy.exc import IntegrityError

from ringflow.accounts.cards.pin import is_pin
from ringflow.accounts.cards.refusal import Refusal, Why
from ringflow.accounts.cli_codes import code_message, is_code
from ringflow.accounts.customers import COLUMNS as CUSTOMER_COLUMNS
from ringflow.accounts.customers import Customer
from ringflow.accounts.failures import count_failure, set_back
from ringflow.accounts.lockout import (
    Limits,
    Standing,
    Verdict,
    limits_of_code,
    limits_of_member,
    limits_of_password,
)
from ringflow.accounts.peppers import Peppers
from ringflow.accounts.service_passwords import password_message
from ringflow.store import LookUp, Store
from ringflow.store.caller_tables import cli_codes, service_passwords
from ringflow.store.card_tables import lockouts
from ringflow.store.statement import Statement
from ringflow.store.tables import customers

Found = TypeVar("Found")

_STANDINGS = LookUp(
    select(lockouts.c.subject, lockouts.c.failed_ms, lockouts.c.clear_ms).where(
        lockouts.c.subject.in_([bindparam("first", type_=Text), bindparam("second", type_=Text)])
    ),
    ["first", "second"],
)
_SHARED = LookUp(
    select(func.min(cli_codes.c.id)).where(cli_codes.c.number == bindparam("number", type_=Text)), ["number"]
)
# Guarded by the digest that was compared: a code that was rotated meanwhile must not come back.
_RENEW_CODE = Statement(
    "UPDATE cli_codes SET code_digest = :digest, pepper = :pepper WHERE id = :id AND code_digest = :before",
    digest="text",
    pepper="text",
    id="bigint",
    before="text",
)
_RENEW_PASSWORD = Statement(
    "UPDATE service_passwords SET password_digest = :digest, pepper = :pepper "
    "WHERE customer_id = :id AND password_digest = :before",
    digest="text",
    pepper="text",
    id="bigint",
    before="text",
)


async def is_shared(store: Store, number: str) -> bool:
    """Whether customers have codes at this number, given in the form that identifies."""
    ((first,),) = await store.look_up(_SHARED, number)
    return first is not None


class CallerSecrets:
    """`now_ms`: milliseconds since 1970. Whatever callers key is safe to pass. Methods raise `StoreGone`."""

    def __init__(self, store: Store, peppers: Peppers, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._peppers = peppers
        self._now_ms = now_ms
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def use(self, peppers: Peppers) -> None:
        """Compare under these peppers from now on."""
        self._peppers = peppers

    async def open_code(self, number: str, code: str, customer_id: int | None) -> Customer | Refusal:
        """The customer whose code at a shared number this is.

        Without `customer_id` a guess hits any customer of the number, so after too many wrong ones the answer
        is `NEEDS_ID`: the caller names the account too, and is held to that account's own limit.
        """
        if not is_code(code):
            return Refusal(Why.MISTYPED)
        if customer_id is None:
            limits, locked = limits_of_code(number), Why.NEEDS_ID
        else:
            limits, locked = limits_of_member(number, customer_id, len(code)), Why.LOCKED

        async def find() -> Customer | None:
            return await self._find_code(number, code, customer_id)

        found = await self._compared(limits, find, Refusal(Why.WRONG_CODE), locked)
        if isinstance(found, Customer) and found.status != "active":
            return Refusal(Why.CUSTOMER_NOT_ACTIVE)
        return found

    async def check_password(self, customer_id: int, password: str) -> Refusal | None:
        """Why this is not the customer's service password; None: it is."""
        if not is_pin(password):
            return Refusal(Why.MISTYPED)

        async def find() -> bool | None:
            return await self._is_password(customer_id, password) or None

        limits = limits_of_password(customer_id, len(password))
        found = await self._compared(limits, find, Refusal(Why.WRONG_PASSWORD), Why.LOCKED)
        return found if isinstance(found, Refusal) else None

    async def _compared(
        self, limits: Limits, find: Callable[[], Awaitable[Found | None]], wrong: Refusal, locked: Why
    ) -> Found | Refusal:
        names = [one.name for one in limits.all.values()]
        # The last is the widest: a try at one number counts for all of them too.
        turn = self._turns.setdefault(names[-1], asyncio.Lock())
        async with turn:
            now_ms = self._now_ms()
            verdict = await self._verdict(limits, now_ms)
            if verdict.wait_ms:
                return Refusal(locked, verdict.wait_ms)
            found = await find()
            if found is None:
                await count_failure(self._store, verdict.counted, now_ms)
                return wrong
            return found

    async def _verdict(self, limits: Limits, now_ms: int) -> Verdict:
        kinds = {one.name: kind for kind, one in limits.all.items()}
        first, second = [*kinds, ""][:2]
        rows = await self._store.look_up(_STANDINGS, first, second)
        standings = {kinds[row[0]]: Standing(row[1], row[2]) for row in rows}
        verdict = limits.judge(standings, now_ms)
        if verdict.wait_ms and any(one.failed_ms > now_ms for one in standings.values()):
            await set_back(self._store, [*kinds], now_ms)
        return verdict

    async def _find_code(self, number: str, code: str, customer_id: int | None) -> Customer | None:
        message = code_message(number, code)
        query = (
            select(cli_codes.c.id, cli_codes.c.code_digest, *CUSTOMER_COLUMNS)
            .join(customers, customers.c.id == cli_codes.c.customer_id)
            .where(cli_codes.c.number == number, cli_codes.c.code_digest.in_(self._peppers.digests(message)))
        )
        async with self._store.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None or customer_id not in (None, row[2]):
            return None
        await self._renew(_RENEW_CODE, row[0], row[1], message)
        return Customer(*row[2:])

    async def _is_password(self, customer_id: int, password: str) -> bool:
        query = select(service_passwords.c.password_digest, service_passwords.c.pepper).where(
            service_passwords.c.customer_id == customer_id
        )
        async with self._store.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
        pepper = self._peppers.version(row[1]) if row is not None else None
        if row is None or pepper is None:
            return False
        message = password_message(customer_id, password)
        if not hmac.compare_digest(pepper.digest(message), row[0]):
            return False
        await self._renew(_RENEW_PASSWORD, customer_id, row[0], message)
        return True

    async def _renew(self, statement: Statement, identifier: int, before: str, message: str) -> None:
        """Keep the digest under the newest pepper from now on."""
        digest = self._peppers.newest.digest(message)
        if digest == before:
            return
        given = {"digest": digest, "pepper": self._peppers.newest.version, "id": identifier, "before": before}
        try:
            async with self._store.writing() as connection:
                await statement.run(connection, None, **given)
        except IntegrityError:
            # Another customer of the number was given the same code in this very moment.
            return
