"""What operators, payments and cards do to a customer's credit: movements, within the caller's transaction.

Every function opens the account if need be, and posts once for each key: `movement.post` says what it raises.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ringflow.actor import Actor, Opener
from ringflow.errors import Conflict, Field, Refused, Unknown
from ringflow.ledger.account import House, house_id, open_account
from ringflow.ledger.credit import UNBORROWED
from ringflow.ledger.movement import Kind, Movement, NotEnough, Posted, find_movement, post
from ringflow.ledger.transaction import transact
from ringflow.money import Money
from ringflow.store import StoreGone, StoreLocked
from ringflow.store.statement import Statement

OWN_KEYS = ("card:", "leg:", "telephone:", "voucher:")
"""How the keys of movements begin that cards, calls, callers and vouchers make by themselves."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """Why money is moved, for the books. `key`: the same key twice moves it once."""

    key: str
    reason: str


class OutcomeUnknown(StoreGone):
    """The database was lost in the moment of a commit: a movement was made, or not."""

    code = "movement.outcome_unknown"

    def __init__(self, why: str, key: str) -> None:
        self._key = key
        super().__init__(f"{why}; whether the movement was made is not known")

    @property
    def fields(self) -> Mapping[str, Field]:
        """The idempotency key, with which the movement is made once however often it is tried."""
        return {"key": self._key}


Posting: TypeAlias = Callable[[Actor], Awaitable[Posted]]
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


# Both rows, in the order in which every movement takes them: see `movement.post`.
_LOCKED_UNBORROWED = Statement(
    f"SELECT a.id, {UNBORROWED} FROM ledger_accounts AS a WHERE a.id IN (:one, :other) "  # noqa: S608
    "ORDER BY a.id DESC {lock}",
    one="bigint",
    other="bigint",
)


def check_key(key: str) -> str:
    """A key that somebody chose. Raises `Refused` for an empty one, and for one of `OWN_KEYS`.

    Who took a card's key before the card did would keep it from ever being redeemed.
    """
    if not key.strip():
        raise Refused("key.empty", "a key has characters; leave it out for a new one")
    if key.startswith(OWN_KEYS):
        raise Refused(
            "key.reserved",
            f"keys that begin with {', '.join(OWN_KEYS)} are Ringflow's own; choose another",
            prefixes=OWN_KEYS,
        )
    return key


async def post_once(
    opener: Opener,
    work: Posting,
    key: str,
) -> Posted:
    """Have one movement posted in a transaction of its own, and again where its answer was lost.

    `opener` begins a transaction in which somebody acts. Raises `OutcomeUnknown`, which names the key, where
    nobody knows whether the movement was made.
    """
    try:
        return await transact(opener, work)
    except StoreLocked:
        raise
    except StoreGone:
        try:
            return await transact(opener, work)
        except StoreGone as error:
            raise OutcomeUnknown(str(error), key) from error


async def pay_in(actor: Actor, customer_id: int, micros: int, purpose: Purpose) -> Posted:
    """A payment came in: the customer's credit rises."""
    _refuse_negative(micros)
    return await _with_house(actor, Kind.PAY_IN, House.CASH, customer_id, micros, purpose)


async def pay_out(actor: Actor, customer_id: int, micros: int, purpose: Purpose) -> Posted:
    """Pay money back to a customer: its credit falls, but not below its limit."""
    _refuse_negative(micros)
    return await _with_house(actor, Kind.PAY_OUT, House.CASH, customer_id, -micros, purpose)


async def adjust(actor: Actor, customer_id: int, micros: int, purpose: Purpose) -> Posted:
    """Correct a customer's credit, up or (at most to its limit) down."""
    return await _with_house(actor, Kind.ADJUSTMENT, House.ADJUSTMENTS, customer_id, micros, purpose)


async def credit_card(actor: Actor, customer_id: int, micros: int, purpose: Purpose) -> Posted:
    """Give a card's or voucher's value to a customer."""
    _refuse_negative(micros)
    return await _with_house(actor, Kind.CARD, House.CARDS, customer_id, micros, purpose)


async def transfer(
    actor: Actor, from_customer_id: int, to_customer_id: int, micros: int, purpose: Purpose
) -> Posted:
    """Move credit between two customers of one currency."""
    if from_customer_id == to_customer_id:
        raise Refused("transfer.one_customer", "a transfer needs two customers")
    currency = await open_account(actor.connection, from_customer_id, actor.now_ms)
    other = await open_account(actor.connection, to_customer_id, actor.now_ms)
    if currency != other:
        raise Conflict(
            "currency.differs",
            f"customer {from_customer_id} has {currency} and customer {to_customer_id} has {other}: "
            "a transfer stays within one currency",
            currency=currency,
            other=other,
        )
    movement = _movement(actor, Kind.TRANSFER, from_customer_id, to_customer_id, currency, micros, purpose)
    return await post(actor, movement)


async def transfer_unborrowed(
    actor: Actor, from_customer_id: int, to_customer_id: int, micros: int, purpose: Purpose
) -> Posted:
    """The same as `transfer`, of what the first customer paid for: nothing of its overdraft is moved."""
    for customer_id in (from_customer_id, to_customer_id):
        await open_account(actor.connection, customer_id, actor.now_ms)
    rows = await _LOCKED_UNBORROWED.run(actor.connection, one=from_customer_id, other=to_customer_id)
    (left,) = (micros for one, micros in map(tuple, rows) if one == from_customer_id)
    # Whoever asks a second time with the same key is given the first movement, whatever is left now.
    if left < micros and await find_movement(actor.connection, purpose.key) is None:
        currency = await open_account(actor.connection, from_customer_id, actor.now_ms)
        raise NotEnough(
            "credit.not_enough",
            f"customer {from_customer_id} has {Money(left, currency)} to move, "
            f"and {Money(micros, currency)} is wanted",
            customer=from_customer_id,
            available=str(Money(left, currency)),
            wanted=str(Money(micros, currency)),
        )
    return await transfer(actor, from_customer_id, to_customer_id, micros, purpose)


async def refund(actor: Actor, leg_id: str, micros: int | None, purpose: Purpose) -> Posted:
    """Give back what a leg was charged, or a part of it; never more in all than the charge.

    `micros` None: all that is left of it; a second time with the same key then gives the first back.
    """
    found = await _LEFT.run(actor.connection, leg_id=leg_id)
    if not found:
        raise Unknown("leg.uncharged", f"leg {leg_id} was never charged", leg=leg_id)
    customer_id, left, currency = tuple(found[0])
    first = await find_movement(actor.connection, purpose.key)
    if micros is None:
        micros = first.movement.micros if first else left
    movement = Movement(
        key=purpose.key,
        kind=Kind.REFUND,
        debit_id=house_id(House.REVENUE, currency),
        credit_id=customer_id,
        currency=currency,
        micros=micros,
        reason=purpose.reason,
        operator=actor.principal.name,
        leg_id=leg_id,
    )
    if first is not None:
        return await post(actor, movement)
    # Where another server posted the same key meanwhile, the savepoint takes back what was noted on the leg.
    async with actor.connection.begin_nested() as savepoint:
        if micros <= 0 or not await _REFUND.run(actor.connection, leg_id=leg_id, micros=micros):
            raise NotEnough(
                "refund.too_large",
                f"leg {leg_id} has {Money(left, currency)} of its charge left to give back",
                leg=leg_id,
                left=str(Money(left, currency)),
            )
        posted = await post(actor, movement)
        if posted.again:
            await savepoint.rollback()
    return posted


def _refuse_negative(micros: int) -> None:
    if micros <= 0:
        raise Refused("amount.not_positive", "an amount is more than zero")


async def _with_house(
    actor: Actor, kind: Kind, house: House, customer_id: int, micros: int, purpose: Purpose
) -> Posted:
    """Between a customer and the house: to the customer, or from it where `micros` is below zero."""
    currency = await open_account(actor.connection, customer_id, actor.now_ms)
    ends = (house_id(house, currency), customer_id)
    debit_id, credit_id = ends if micros > 0 else ends[::-1]
    movement = _movement(actor, kind, debit_id, credit_id, currency, abs(micros), purpose)
    return await post(actor, movement)


def _movement(
    actor: Actor, kind: Kind, debit_id: int, credit_id: int, currency: str, micros: int, purpose: Purpose
) -> Movement:
    return Movement(
        purpose.key, kind, debit_id, credit_id, currency, micros, purpose.reason, actor.principal.name
    )
