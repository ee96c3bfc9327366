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
from ringflow.actor import Actor
from ringflow.audit import Verb, note
from ringflow.ledger.payments import Purpose, credit_card, pay_in
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
    actor: Actor, code: str, customer_id: int, peppers: Peppers, payment_micros: int = 0
) -> Redeemed:
    """Give a voucher's credit, and a payment if it goes with one, to a customer.

    Raises `CardRefused`: mistyped, unknown, used, disabled, expired, another currency, no payment where one
    is needed, one that is not, or one below the minimum activation.
    """
    voucher = await find_by_code(actor.connection, code, peppers)
    customer = await customers.show(actor.connection, customer_id)
    _refuse_unfit(voucher, customer, actor.now_ms)
    given = _given(voucher, payment_micros)
    taken = await _TAKE.run(
        actor.connection,
        None,
        customer_id=customer_id,
        now_ms=actor.now_ms,
        micros=given,
        voucher_id=voucher.id,
    )
    if not taken:
        raise _used(voucher)
    name, key = f"voucher {voucher.id}", f"voucher:{voucher.id}"
    if payment_micros:
        await pay_in(actor, customer_id, payment_micros, Purpose(f"{key}:payment", f"payment with {name}"))
    await credit_card(actor, customer_id, given, Purpose(key, name))
    after = await show_voucher(actor.connection, voucher.id)
    await note(actor, Verb.REDEEM, name, asdict(voucher), asdict(after))
    return Redeemed(after, customer_id, payment_micros)


async def find_by_code(connection: AsyncConnection, code: str, peppers: Peppers) -> Voucher:
    """The voucher of a code. Raises `CardRefused`: mistyped, unknown; neither says the code."""
    if not has_check_digit(code, CODE_DIGITS):
        raise CardRefused(
            Why.MISTYPED,
            "voucher.no_code",
            f"this is no voucher's code: it has {CODE_DIGITS} digits, the last of which checks",
            digits=CODE_DIGITS,
        )
    digests = peppers.digests(code_message(code))
    row = (
        await connection.execute(select(*COLUMNS).where(vouchers.c.code_digest.in_(digests)))
    ).one_or_none()
    if row is None:
        raise CardRefused(Why.UNKNOWN, "voucher.unknown_code", "there is no voucher with this code")
    return Voucher(*row)


def _refuse_unfit(voucher: Voucher, customer: Customer, now_ms: int) -> None:
    which = f"voucher {voucher.id}"
    if voucher.status == "used":
        raise _used(voucher)
    if voucher.status == "disabled":
        raise CardRefused(Why.DISABLED, "voucher.disabled", f"{which} is disabled", voucher=voucher.id)
    if voucher.expires_ms is not None and voucher.expires_ms <= now_ms:
        raise CardRefused(Why.EXPIRED, "voucher.expired", f"{which} has expired", voucher=voucher.id)
    if voucher.currency != customer.currency:
        raise CardRefused(
            Why.OTHER_CURRENCY,
            "currency.differs",
            f"{which} is in {voucher.currency}, and customer {customer.id} has {customer.currency}",
            currency=voucher.currency,
            other=customer.currency,
        )


def _given(voucher: Voucher, payment_micros: int) -> int:
    which, minimum = f"voucher {voucher.id}", Money(voucher.minimum_micros, voucher.currency)
    if payment_micros < 0 or (payment_micros and not voucher.needs_payment):
        raise CardRefused(
            Why.NEEDS_PAYMENT,
            "voucher.takes_no_payment",
            f"{which} is credit by itself; pay in the payment on its own",
            voucher=voucher.id,
        )
    if payment_micros < voucher.minimum_micros or (voucher.needs_payment and not payment_micros):
        raise CardRefused(
            Why.BELOW_MINIMUM if payment_micros else Why.NEEDS_PAYMENT,
            "voucher.needs_payment",
            f"{which} goes with a payment of at least {minimum}",
            voucher=voucher.id,
            minimum=str(minimum),
        )
    given = voucher.gives_micros(payment_micros)
    if not given:
        raise CardRefused(
            Why.BELOW_MINIMUM,
            "voucher.adds_nothing",
            f"{which} adds nothing to so small a payment",
            voucher=voucher.id,
        )
    return given


def _used(voucher: Voucher) -> CardRefused:
    return CardRefused(Why.USED, "voucher.used", f"voucher {voucher.id} is used", voucher=voucher.id)
