"""A bank for tests: customers with credit and a ledger, on each database; its books are proved at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from itertools import count

import pytest
from tests.paying_customers import add_customer, as_ann

from ringflow.actor import Actor
from ringflow.ledger.account import Account
from ringflow.ledger.check import check_books
from ringflow.ledger.ledger import Ledger
from ringflow.ledger.payments import Purpose
from ringflow.store import Store

UNIT = 1_000_000


class Bank:
    """`now_ms` is the time by which everything happens; tests move it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now_ms = 1_750_000_000_000
        self.ledger = self.server("one")
        self._keys = count(1)

    def server(self, name: str) -> Ledger:
        return Ledger(self.store, name, lambda: self.now_ms)

    def purpose(self, key: str | None = None, reason: str = "a test") -> Purpose:
        return Purpose(key or f"key {next(self._keys)}", reason)

    def acting(self) -> AbstractAsyncContextManager[Actor]:
        """A transaction of the operator ann."""
        return as_ann(self.store, self.now_ms)

    async def customer(self, customer_id: int, units: int = 0, currency: str = "USD") -> int:
        async with self.acting() as ann:
            return await add_customer(ann, customer_id, units * UNIT, currency=currency)

    async def account(self, customer_id: int) -> Account:
        account = await self.ledger.account(customer_id)
        assert account is not None
        return account


@pytest.fixture
async def bank(store: Store) -> AsyncIterator[Bank]:
    opened = Bank(store)
    yield opened
    await opened.ledger.close()
    assert await check_books(store, opened.now_ms) == []
