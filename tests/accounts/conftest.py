"""A mint for tests: a template, a pepper and cards, on each database; its books are proved at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from tests.paying_customers import add_customer, as_ann

from ringflow.accounts.cards import redemption
from ringflow.accounts.cards.authentication import Cards
from ringflow.accounts.cards.batch import Batch
from ringflow.accounts.cards.card import Card, Filter, card_page, show_card
from ringflow.accounts.cards.generation import Plan, Secret, generate, open_batch
from ringflow.accounts.customers import Customer
from ringflow.accounts.lockout import Caller
from ringflow.accounts.peppers import Peppers, parse_peppers
from ringflow.actor import Actor, acting, shell_operator
from ringflow.ledger.account import read_account
from ringflow.ledger.check import check_books
from ringflow.money import MICROS_PER_UNIT
from ringflow.store import Store
from ringflow.store.pages import PageRequest

TEMPLATE = 7
COUNTRY = "US"
PEPPER = "v1:a pepper for tests only".replace(" ", "-")
HOME = Caller("carrier", "441910000001")


class Mint:
    """`now_ms` is the time by which everything happens; tests move it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now_ms = 1_750_000_000_000
        self.peppers = parse_peppers(PEPPER, "the pepper")
        self.cards = self.desk()

    def desk(self, peppers: Peppers | None = None, store: Store | None = None) -> Cards:
        return Cards(store or self.store, peppers or self.peppers, COUNTRY, lambda: self.now_ms)

    async def customer(self, customer_id: int, **fields: Any) -> int:
        async with as_ann(self.store, self.now_ms) as ann:
            return await add_customer(ann, customer_id, **fields)

    async def make(self, name: str = "spring", units: int = 5, **fields: Any) -> list[Secret]:
        """A batch of cards of the template, ready; gives their IDs and PINs."""
        made: list[Secret] = []
        fields = {"customer_id": TEMPLATE} | fields
        plan = Plan(name, credit_micros=units * MICROS_PER_UNIT, **fields)
        batch = await generate(self.acting, plan, self.peppers, made.extend)
        await self.open(batch)
        return made

    async def open(self, batch: Batch) -> None:
        async with self.acting() as actor:
            await open_batch(actor, batch)

    async def card(self, card_id: str) -> Card:
        async with self.store.reading() as connection:
            return await show_card(connection, card_id)

    async def listed(self, sort: str | None = None, **wanted: Any) -> list[Card]:
        """The cards that fit a `Filter` of these fields."""
        async with self.store.reading() as connection:
            return list((await card_page(connection, Filter(**wanted), PageRequest(1000, sort=sort))).items)

    async def credit(self, customer_id: int) -> int | None:
        """The customer's balance in micro-units, or None where it has no account."""
        async with self.store.reading() as connection:
            account = await read_account(connection, customer_id, self.now_ms)
        return account.balance_micros if account else None

    async def redeem(self, card_id: str) -> Customer:
        async with self.acting() as actor:
            return await redemption.redeem(actor, card_id)

    async def top_up(self, card_id: str, customer_id: int) -> Card:
        async with self.acting() as actor:
            return await redemption.top_up(actor, card_id, customer_id)

    def acting(self) -> AbstractAsyncContextManager[Actor]:
        """A transaction of the operator ann."""
        return acting(self.store, shell_operator("ann"), COUNTRY, self.now_ms)


@pytest.fixture
async def mint(store: Store) -> AsyncIterator[Mint]:
    opened = Mint(store)
    await opened.customer(TEMPLATE, channels=3, caller_id="18005550100", language="es", status="inactive")
    yield opened
    assert await check_books(store, opened.now_ms) == []
