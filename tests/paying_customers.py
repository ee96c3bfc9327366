"""A customer with credit and a rate: what nearly every test of money begins with.

The operator `ann` does it all, in one transaction: `async with as_ann(store, now_ms) as ann: ...`.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from itertools import count
from typing import Any

from ringflow.actor import Actor, acting, shell_operator
from ringflow.ledger.payments import Purpose, pay_in
from ringflow.ledger.rates.card import Rate, RateCard, assign_trunk, create_card
from ringflow.money import MAX_AMOUNT_MICROS
from ringflow.store import Store
from ringflow.store.ledger_tables import rates
from ringflow.store.tables import customers

UNIT = 1_000_000

_keys = count(1)


def as_ann(store: Store, now_ms: int | None = None) -> AbstractAsyncContextManager[Actor]:
    """A transaction of the operator ann, now or at that time."""
    return acting(store, shell_operator("ann"), "US", *([] if now_ms is None else [now_ms]))


async def add_customer(ann: Actor, customer_id: int, credit_micros: int = 0, **fields: Any) -> int:
    """Add an active customer with USD, if nothing else is said, and with so much credit; return its ID."""
    row = {"name": "", "status": "active", "currency": "USD", "source": "operator"}
    times = {"created_ms": 0, "updated_ms": 0}
    await ann.connection.execute(customers.insert().values(id=customer_id, **row | times | fields))
    await give_credit(ann, customer_id, credit_micros)
    return customer_id


async def give_credit(ann: Actor, customer_id: int, micros: int) -> None:
    """Pay in, in as many payments as it takes."""
    for paid in range(0, micros, MAX_AMOUNT_MICROS):
        payment = min(micros - paid, MAX_AMOUNT_MICROS)
        await pay_in(ann, customer_id, payment, Purpose(f"credit {next(_keys)}", "a test"))


def rate(price_micros: int, prefix: str = "44", *, increment_s: int = 1) -> Rate:
    """A price for a minute, charged by the second if nothing else is said; the minimum is one increment."""
    return Rate(prefix, price_micros, 0, increment_s, increment_s, 0, 0, None)


async def add_card(
    ann: Actor,
    *rows: Rate,
    name: str = "tested",
    currency: str = "USD",
    default: bool | None = None,
    trunk: str | None = None,
) -> RateCard:
    """Add a rate card: what the trunk costs, otherwise what all customers pay unless `default` is False."""
    is_default = trunk is None if default is None else default
    card = await create_card(ann, name, currency, default=is_default)
    if rows:
        await ann.connection.execute(rates.insert(), [{"card_id": card.id, **asdict(row)} for row in rows])
    if trunk is not None:
        await assign_trunk(ann, trunk, card)
    return card
