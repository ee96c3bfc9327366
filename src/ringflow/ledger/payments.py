"""What operators, payments and cards do to a customer's credit: movements, within the caller's transaction.

Every function opens the account if need be, and posts once for each key: `movement.post` says what it raises.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.errors import Refused
from ringflow.ledger.account import House, house_id, open_account
from ringflow.ledger.movement import Kind, Movement, NotEnough, Posted, find_movement, post
from ringflow.ledger.transaction import transact
from ringflow.money import Money
from ringflow.store import Store, StoreGone, StoreLocked
from ringflow.store.statement import Statement

OWN_KEYS = ("card:", "leg:", "voucher:")
"""How the keys of movements begin that cards, calls and vouchers make by themselves."""


@dataclass(frozen=True, slots=True)
class Order:
    """Who has money moved, why and when. `key`: the same key twice moves it once."""

    key: str
    reason: str
    operator: str
    now_ms: int


Posting: TypeAlias = Callable[[AsyncConnection, Order], Awaitable[Posted]]
"""Posts one movement within a transaction."""

_REFUND = Statement(
    "UPDATE ledger_holds SET refunded_micros = refunded_micros + :micros WHERE leg_id = :leg_id "
    "AND charged_micros - refunded_micros >= :micros RETURNING leg_id",
    leg_id="text",
    micros="bigint",
)
_LEFT = Statement(
    "SELECT h.account_id, h.charged_micros - h.refunded_micros, a.currency "
    "FROM ledger_holds AS h JOIN ledger_accounts AS a ON a.id = h.account_id WHERE h.leg_id = :leg_id",
    leg_id="text",
)


def check_key(key: str) -> str:
    """A key that somebody chose. Raises `Refused` for an empty one, and for one of `OWN_KEYS`.

    Who took a card's key before the card did would keep it from ever being redeemed.
    """
    if not key.strip():
        raise Refused("a key has characters; leave it out for a new one")
    if key.startswith(OWN_KEYS):
        raise Refused(f"keys that begin with {', '.join(OWN_KEYS)} are Ringflow's own; choose another")
    return key


async def post_once(store: Store, work: Posting, order: Order) -> Posted:
    """Have one movement posted in a transaction of its own, and again where its answer was lost.

    Raises `StoreGone`, which names the key where nobody knows whether the movement was made.
    """
    try:
        return await transact(store.writing, lambda connection: work(connection, order))
    except StoreLocked:
        raise
    except StoreGone:
        try:
            return await transact(store.writing, lambda connection: work(connection, order))
        except StoreGone as error:
            unknown = f"whether the movement was made is not known; do it again with --key {order.key}"
            raise StoreGone(f"{error}; {unknown}, which makes it once") from error


async def pay_in(connection: AsyncConnection, customer_id: int, micros: int, order: Order) -> Posted:
    """A payment came in: the customer's credit rises."""
    _refuse_negative(micros)
    return await _with_house(connection, Kind.PAY_IN, House.CASH, customer_id, micros, order)


async def pay_out(connection: AsyncConnection, customer_id: int, micros: int, order: Order) -> Posted:
    """A payment goes back: the customer's credit falls, at most to its limit."""
    _refuse_negative(micros)
    return await _with_house(connection, Kind.PAY_OUT, House.CASH, customer_id, -micros, order)


async def adjust(connection: AsyncConnection, customer_id: int, micros: int, order: Order) -> Posted:
    """Correct a customer's credit, up or (at most to its limit) down."""
    return await _with_house(connection, Kind.ADJUSTMENT, House.ADJUSTMENTS, customer_id, micros, order)


async def credit_card(connection: AsyncConnection, customer_id: int, micros: int, order: Order) -> Posted:
    """Give a card's or voucher's value to a customer."""
    _refuse_negative(micros)
    return await _with_house(connection, Kind.CARD, House.CARDS, customer_id, micros, order)


async def transfer(
    connection: AsyncConnection, from_customer_id: int, to_customer_id: int, micros: int, order: Order
) -> Posted:
    """Move credit between two customers of one currency."""
    if from_customer_id == to_customer_id:
        raise Refused("a transfer needs two customers")
    currency = await open_account(connection, from_customer_id, order.now_ms)
    other = await open_account(connection, to_customer_id, order.now_ms)
    if currency != other:
        raise Refused(
            f"customer {from_customer_id} has {currency} and customer {to_customer_id} has {other}: "
            "a transfer stays within one currency"
        )
    movement = _movement(Kind.TRANSFER, from_customer_id, to_customer_id, currency, micros, order)
    return await post(connection, movement, order.now_ms)


async def refund(connection: AsyncConnection, leg_id: str, micros: int | None, order: Order) -> Posted:
    """Give back what a leg was charged, or a part of it; never more in all than the charge.

    `micros` None: all that is left of it; a second time with the same key then gives the first back.
    """
    found = await _LEFT.run(connection, leg_id=leg_id)
    if not found:
        raise Refused(f"leg {leg_id} was never charged")
    customer_id, left, currency = tuple(found[0])
    first = await find_movement(connection, order.key)
    if micros is None:
        micros = first.movement.micros if first else left
    movement = Movement(
        key=order.key,
        kind=Kind.REFUND,
        debit_id=house_id(House.REVENUE, currency),
        credit_id=customer_id,
        currency=currency,
        micros=micros,
        reason=order.reason,
        operator=order.operator,
        leg_id=leg_id,
    )
    if first is not None:
        return await post(connection, movement, order.now_ms)
    # Where another server posted the same key meanwhile, the savepoint takes back what was noted on the leg.
    async with connection.begin_nested() as savepoint:
        if micros <= 0 or not await _REFUND.run(connection, leg_id=leg_id, micros=micros):
            raise NotEnough(f"leg {leg_id} has {Money(left, currency)} of its charge left to give back")
        posted = await post(connection, movement, order.now_ms)
        if posted.again:
            await savepoint.rollback()
    return posted


def _refuse_negative(micros: int) -> None:
    if micros <= 0:
        raise Refused("an amount is more than zero")


async def _with_house(
    connection: AsyncConnection, kind: Kind, house: House, customer_id: int, micros: int, order: Order
) -> Posted:
    """Between a customer and the house: to the customer, or from it where `micros` is below zero."""
    currency = await open_account(connection, customer_id, order.now_ms)
    ends = (house_id(house, currency), customer_id)
    debit_id, credit_id = ends if micros > 0 else ends[::-1]
    movement = _movement(kind, debit_id, credit_id, currency, abs(micros), order)
    return await post(connection, movement, order.now_ms)


def _movement(
    kind: Kind, debit_id: int, credit_id: int, currency: str, micros: int, order: Order
) -> Movement:
    return Movement(order.key, kind, debit_id, credit_id, currency, micros, order.reason, order.operator)
