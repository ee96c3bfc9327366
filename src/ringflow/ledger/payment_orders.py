"""Payments as somebody asks for them: with amounts as text, and each made once for its key."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ringflow.actor import Actor, Opener
from ringflow.errors import Unknown
from ringflow.ledger.account import open_account
from ringflow.ledger.hold import find_hold
from ringflow.ledger.movement import Kind, Posted
from ringflow.ledger.payments import (
    Purpose,
    adjust,
    check_key,
    pay_in,
    pay_out,
    post_once,
    refund,
    transfer,
)
from ringflow.money import parse_amount

REFUND_DECIMALS = 6
"""A leg is charged in parts of a cent, so such a part can be given back."""

_MOVES = {Kind.PAY_IN: pay_in, Kind.PAY_OUT: pay_out, Kind.ADJUSTMENT: adjust}


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """Credit for a customer, or less of it. The amount of an adjustment may be below zero."""

    kind: Literal[Kind.PAY_IN, Kind.PAY_OUT, Kind.ADJUSTMENT]
    customer_id: int
    amount: str


@dataclass(frozen=True, slots=True)
class TransferOrder:
    """Credit from one customer to another, in the currency of the first."""

    customer_id: int
    to_id: int
    amount: str


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """What a leg was charged, or a part of it, given back. `amount` None: all that is left."""

    leg_id: str
    amount: str | None


Order: TypeAlias = PaymentOrder | TransferOrder | RefundOrder


def movement_key(given: str | None, prefix: str) -> str:
    """The key under which a movement is made once: the one that was given, or a new one.

    `prefix` says who makes the new one. Raises `Refused` for a key that only Ringflow itself may use.
    """
    return f"{prefix}:{uuid.uuid4()}" if given is None else check_key(given)


async def carry_out(opener: Opener, order: Order, purpose: Purpose) -> Posted:
    """Make the movement in a transaction of its own.

    Raises `Refused`, or `OutcomeUnknown` where the database was lost before it answered.
    """
    return await post_once(opener, lambda actor: move(actor, order, purpose), purpose.key)


async def move(actor: Actor, order: Order, purpose: Purpose) -> Posted:
    """Make the movement, in the transaction in which somebody acts. Raises `Refused`."""
    match order:
        case PaymentOrder(kind, customer_id, text):
            micros = await read_amount(actor, customer_id, text, signed=kind is Kind.ADJUSTMENT)
            return await _MOVES[kind](actor, customer_id, micros, purpose)
        case TransferOrder(customer_id, to_id, text):
            micros = await read_amount(actor, customer_id, text)
            return await transfer(actor, customer_id, to_id, micros, purpose)
        case RefundOrder(leg_id, amount):
            part = None if amount is None else await _part_of_leg(actor, leg_id, amount)
            return await refund(actor, leg_id, part, purpose)


async def _part_of_leg(actor: Actor, leg_id: str, amount: str) -> int:
    hold = await find_hold(actor.connection, leg_id)
    if hold is None:
        raise Unknown("leg.unknown", f"there is no leg {leg_id}", leg=leg_id)
    return await read_amount(actor, hold.customer_id, amount, decimals=REFUND_DECIMALS)


async def read_amount(
    actor: Actor,
    customer_id: int,
    text: str,
    *,
    signed: bool = False,
    decimals: int | None = None,
    at: str = "amount",
) -> int:
    """The amount in micro-units of the customer's currency. Raises `Refused`; `at`: the field that it is."""
    currency = await open_account(actor.connection, customer_id, actor.now_ms)
    return parse_amount(text, currency, signed=signed, decimals=decimals, at=(at,))
