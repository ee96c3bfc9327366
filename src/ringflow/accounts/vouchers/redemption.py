"""Redeeming a voucher: it becomes used and gives its credit, once, in one transaction with the payment.

A value is credit by itself. A multiplier or an addition goes with a payment, which is booked here too, so
that the one never comes without the other.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import customers
from ringflow.accounts.cards.refusal import CardRefused, Why
from ringflow.accounts.check_digit import has_check_digit
from ringflow.accounts.customers import Customer
from ringflow.accounts.peppers import Peppers
from ringflow.accounts.vouchers.generation import CODE_DIGITS, code_message
from ringflow.accounts.vouchers.voucher import COLUMNS, Voucher, show_voucher
from ringflow.audit import Act, note
from ringflow.ledger.payments import Order, credit_card, pay_in
from ringflow.money import Money
from ringflow.store.card_tables import vouchers
from ringflow.store.statement import Statement

_TAKE = Statement(
    "UPDATE vouchers SET status = 'used', redeemed_by = :customer_id, redeemed_ms = :now_ms, "
    "redeemed_micros = :micros WHERE id = :voucher_id AND status = 'available' "
    "AND (expires_ms IS NULL OR expires_ms > :now_ms) RETURNING id",
    customer_id="bigint",
    now_ms="bigint",
    micros="bigint",
    voucher_id="bigint",
)


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What a voucher gave, and the payment that it went with, in micro-units."""

    voucher: Voucher
    customer_id: int
    payment_micros: int

    @property
    def given_micros(self) -> int:
        """The voucher's own part."""
        return self.voucher.redeemed_micros or 0


async def redeem(
    act: Act, code: str, customer_id: int, peppers: Peppers, payment_micros: int = 0
) -> Redeemed:
    """Give a voucher's credit, and a payment if it goes with one, to a customer.

    Raises `CardRefused`: mistyped, unknown, used, disabled, expired, another currency, no payment where one
    is needed, one that is not, or one below the minimum activation.
    """
    voucher = await find_by_code(act.connection, code, peppers)
    customer = await customers.show(act.connection, customer_id)
    _refuse_unfit(voucher, customer, act.now_ms)
    given = _given(voucher, payment_micros)
    taken = await _TAKE.run(
        act.connection,
        None,
        customer_id=customer_id,
        now_ms=act.now_ms,
        micros=given,
        voucher_id=voucher.id,
    )
    if not taken:
        raise _refused(Why.USED, voucher, "is used")
    name, key = f"voucher {voucher.id}", f"voucher:{voucher.id}"
    if payment_micros:
        order = Order(f"{key}:payment", f"payment with {name}", act.operator, act.now_ms)
        await pay_in(act.connection, customer_id, payment_micros, order)
    await credit_card(act.connection, customer_id, given, Order(key, name, act.operator, act.now_ms))
    after = await show_voucher(act.connection, voucher.id)
    await note(act, "redeem", name, asdict(voucher), asdict(after))
    return Redeemed(after, customer_id, payment_micros)


async def find_by_code(connection: AsyncConnection, code: str, peppers: Peppers) -> Voucher:
    """The voucher of a code. Raises `CardRefused`: mistyped, unknown; neither says the code."""
    if not has_check_digit(code, CODE_DIGITS):
        raise CardRefused(
            Why.MISTYPED, f"this is no voucher's code: it has {CODE_DIGITS} digits, the last of which checks"
        )
    digests = peppers.digests(code_message(code))
    row = (
        await connection.execute(select(*COLUMNS).where(vouchers.c.code_digest.in_(digests)))
    ).one_or_none()
    if row is None:
        raise CardRefused(Why.UNKNOWN, "there is no voucher with this code")
    return Voucher(*row)


def _refuse_unfit(voucher: Voucher, customer: Customer, now_ms: int) -> None:
    if voucher.status == "used":
        raise _refused(Why.USED, voucher, "is used")
    if voucher.status == "disabled":
        raise _refused(Why.DISABLED, voucher, "is disabled")
    if voucher.expires_ms is not None and voucher.expires_ms <= now_ms:
        raise _refused(Why.EXPIRED, voucher, "has expired")
    if voucher.currency != customer.currency:
        text = f"is in {voucher.currency}, and customer {customer.id} has {customer.currency}"
        raise _refused(Why.OTHER_CURRENCY, voucher, text)


def _given(voucher: Voucher, payment_micros: int) -> int:
    minimum = Money(voucher.minimum_micros, voucher.currency)
    if payment_micros < 0 or (payment_micros and not voucher.needs_payment):
        raise _refused(Why.NEEDS_PAYMENT, voucher, "is credit by itself; pay in the payment on its own")
    if voucher.needs_payment and not payment_micros:
        raise _refused(Why.NEEDS_PAYMENT, voucher, f"goes with a payment of at least {minimum}")
    if payment_micros < voucher.minimum_micros:
        raise _refused(Why.BELOW_MINIMUM, voucher, f"goes with a payment of at least {minimum}")
    given = voucher.gives_micros(payment_micros)
    if not given:
        raise _refused(Why.BELOW_MINIMUM, voucher, "adds nothing to so small a payment")
    return given


def _refused(why: Why, voucher: Voucher, text: str) -> CardRefused:
    return CardRefused(why, f"voucher {voucher.id} {text}")
