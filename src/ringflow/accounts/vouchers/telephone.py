"""Vouchers as callers use them: a code keyed in, whose guessing is slowed down as a PIN's is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from weakref import WeakValueDictionary

from sqlalchemy import Text, bindparam, literal_column, select

from ringflow.accounts.cards.authentication import BY_CALLER
from ringflow.accounts.cards.refusal import CardRefused, Refusal, Why
from ringflow.accounts.failures import count_failure, set_back
from ringflow.accounts.lockout import Caller, Standing, Subject, counted, longest_wait_ms
from ringflow.accounts.peppers import Peppers
from ringflow.accounts.vouchers.redemption import Redeemed, redeem
from ringflow.audit import Act
from ringflow.store import LookUp, Store
from ringflow.store.card_tables import card_sources, lockouts

_KINDS: tuple[Subject, ...] = ("cli", "trunk")


def _standings() -> LookUp:
    source = card_sources.c.source == bindparam("source", type_=Text)
    against = [lockouts.alias(f"against_{kind}") for kind in _KINDS]
    row = select(literal_column("1").label("one")).subquery("one")
    tables = row.outerjoin(against[0], against[0].c.subject == bindparam("cli", type_=Text))
    tables = tables.outerjoin(against[1], against[1].c.subject == bindparam("trunk", type_=Text))
    times = [column for one in against for column in (one.c.failed_ms, one.c.clear_ms)]
    trusted = select(card_sources.c.card_id).where(source).exists()
    return LookUp(select(trusted, *times).select_from(tables), ["source", *_KINDS])


_STANDINGS = _standings()


class Vouchers:
    """`now_ms`: milliseconds since 1970. Methods raise `StoreGone`.

    On one server the codes of an incoming trunk are taken one after the other: calls at the same instant get
    no more guesses than calls in turn.
    """

    def __init__(self, store: Store, peppers: Peppers, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._peppers = peppers
        self._now_ms = now_ms
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def redeem(self, code: str, customer_id: int, caller: Caller) -> Redeemed | Refusal:
        """Give a voucher's value to the customer who calls. One that goes with a payment is refused.

        Whatever callers key is safe to pass; nothing of it is logged.
        """
        turn = self._turns.setdefault(caller.trunk, asyncio.Lock())
        async with turn:
            return await self._redeem(code, customer_id, caller)

    async def _redeem(self, code: str, customer_id: int, caller: Caller) -> Redeemed | Refusal:
        now_ms = self._now_ms()
        subjects = caller.subjects(None)
        values = [subjects.get(kind) for kind in _KINDS]
        ((trusted, *times),) = await self._store.look_up(_STANDINGS, caller.source, *values)
        found = {
            kind: Standing(times[2 * number], times[2 * number + 1])
            for number, kind in enumerate(_KINDS)
            if times[2 * number] is not None
        }
        if wait_ms := longest_wait_ms(found, False, bool(trusted), now_ms):
            if any(one.failed_ms > now_ms for one in found.values()):
                await set_back(self._store, subjects.values(), now_ms)
            return Refusal(Why.LOCKED, wait_ms)
        try:
            async with self._store.writing() as connection:
                return await redeem(Act(connection, BY_CALLER, now_ms), code, customer_id, self._peppers)
        except CardRefused as error:
            refusal = Refusal(error.why)
        if refusal.why is Why.UNKNOWN:
            kinds = counted(caller, False, bool(trusted), None)
            await count_failure(self._store, {kind: subjects[kind] for kind in kinds}, now_ms)
        return refusal
