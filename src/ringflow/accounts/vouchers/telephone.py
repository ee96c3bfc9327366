"""Vouchers as customers use them: by codes. Wrong ones are held against the account to be credited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from weakref import WeakValueDictionary

import structlog
from sqlalchemy import Text, bindparam, select

from ringflow.accounts.cards.refusal import CardRefused, Refusal, Why
from ringflow.accounts.failures import count_failure, set_back
from ringflow.accounts.lockout import Caller, Standing, Subject, limits_of_voucher
from ringflow.accounts.peppers import Peppers
from ringflow.accounts.vouchers.redemption import Redeemed, redeem
from ringflow.actor import CALLER, Actor, Transaction, acting
from ringflow.store import LookUp, Store
from ringflow.store.card_tables import lockouts

log = structlog.get_logger("ringflow.accounts")

_STANDING = LookUp(
    select(lockouts.c.failed_ms, lockouts.c.clear_ms).where(
        lockouts.c.subject == bindparam("subject", type_=Text)
    ),
    ["subject"],
)


class Vouchers:
    """`now_ms`: milliseconds since 1970. Methods raise `StoreGone`.

    On one server the codes of one customer are taken one after the other: calls at the same instant get no
    more guesses than calls in turn.
    """

    def __init__(self, store: Store, peppers: Peppers, country: str, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._country = country
        self._peppers = peppers
        self._now_ms = now_ms
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def use(self, peppers: Peppers) -> None:
        """Compare codes under these peppers from now on."""
        self._peppers = peppers

    async def redeem(
        self, code: str, customer_id: int, caller: Caller, transaction: Transaction[Redeemed] | None = None
    ) -> Redeemed | Refusal:
        """Give a voucher's value to the customer who calls. One that goes with a payment is refused.

        Whatever callers key is safe to pass; nothing of it is logged. `transaction` carries the change out;
        None: the caller does.
        """
        turn = self._turns.setdefault(customer_id, asyncio.Lock())
        async with turn:
            found = await self._redeem(code, customer_id, transaction)
        if isinstance(found, Refusal) and found.why is Why.LOCKED:
            # Unlike who guesses PINs, this one is known: the operator can bar the account.
            log.warning(
                "a customer keys wrong voucher codes",
                customer=customer_id,
                trunk=caller.trunk,
                cli=caller.cli,
            )
        return found

    async def _redeem(
        self, code: str, customer_id: int, transaction: Transaction[Redeemed] | None
    ) -> Redeemed | Refusal:
        now_ms = self._now_ms()
        limits = limits_of_voucher(customer_id)
        (name,) = [one.name for one in limits.all.values()]
        rows = await self._store.look_up(_STANDING, name)
        standings: dict[Subject, Standing] = {"customer": Standing(*rows[0])} if rows else {}
        verdict = limits.judge(standings, now_ms)
        if verdict.wait_ms:
            if any(one.failed_ms > now_ms for one in standings.values()):
                await set_back(self._store, [name], now_ms)
            return Refusal(Why.LOCKED, verdict.wait_ms)

        async def change(actor: Actor) -> Redeemed:
            return await redeem(actor, code, customer_id, self._peppers)

        try:
            if transaction is not None:
                return await transaction(change)
            async with acting(self._store, CALLER, self._country, now_ms) as actor:
                return await change(actor)
        except CardRefused as error:
            refusal = Refusal(error.why)
        if refusal.why is Why.UNKNOWN:
            await count_failure(self._store, verdict.counted, now_ms)
        return refusal
