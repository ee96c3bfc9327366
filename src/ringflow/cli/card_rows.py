"""Cards, batches and vouchers as commands print them: amounts as text, times in words.

`expires` is the last day on which they are good, as `--expires` takes it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ringflow.accounts.cards.batch import Batch
from ringflow.accounts.cards.card import Card
from ringflow.accounts.vouchers.voucher import WHOLE_MILLIONTHS, Voucher
from ringflow.cli.acting import last_day, second
from ringflow.moments import Second
from ringflow.money import format_amount


@dataclass(frozen=True, slots=True)
class CardRow:
    """A card; `customer` is its template."""

    id: str
    status: str
    customer: int
    credit: str
    currency: str
    batch: str
    expires: str | None
    redeemed_by: int | None
    redeemed_as: str | None
    redeemed_at: Second | None
    created_at: Second | None
    archived_at: Second | None


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A batch of cards. `ready` None: it is being made, or its making was killed."""

    name: str
    customer: int
    count: int
    credit: str
    currency: str
    pin_length: int
    pin_only: bool
    top_up: str
    expires: str | None
    operator: str
    created_at: Second | None
    ready_at: Second | None


@dataclass(frozen=True, slots=True)
class VoucherRow:
    """A voucher. `gives`: `5.00`, `+5.00` on a payment, or `x1.1` of it."""

    id: int
    batch: str
    status: str
    gives: str
    currency: str
    minimum: str
    expires: str | None
    redeemed_by: int | None
    redeemed_at: Second | None
    given: str | None
    created_at: Second | None
    operator: str


def card_row(card: Card) -> CardRow:
    """The card in words."""
    return CardRow(
        id=card.id,
        status=card.status,
        customer=card.customer_id,
        credit=format_amount(card.credit_micros, card.currency),
        currency=card.currency,
        batch=card.batch,
        expires=last_day(card.expires_ms),
        redeemed_by=card.redeemed_by,
        redeemed_as=card.redeemed_as,
        redeemed_at=second(card.redeemed_ms),
        created_at=second(card.created_ms),
        archived_at=second(card.archived_ms),
    )


def batch_row(batch: Batch) -> BatchRow:
    """The batch in words."""
    return BatchRow(
        name=batch.name,
        customer=batch.customer_id,
        count=batch.count,
        credit=format_amount(batch.credit_micros, batch.currency),
        currency=batch.currency,
        pin_length=batch.pin_length,
        pin_only=bool(batch.pin_only),
        top_up=batch.top_up,
        expires=last_day(batch.expires_ms),
        operator=batch.operator,
        created_at=second(batch.created_ms),
        ready_at=second(batch.ready_ms),
    )


def voucher_row(voucher: Voucher) -> VoucherRow:
    """The voucher in words."""
    given = voucher.redeemed_micros
    return VoucherRow(
        id=voucher.id,
        batch=voucher.batch,
        status=voucher.status,
        gives=_gives(voucher),
        currency=voucher.currency,
        minimum=format_amount(voucher.minimum_micros, voucher.currency),
        expires=last_day(voucher.expires_ms),
        redeemed_by=voucher.redeemed_by,
        redeemed_at=second(voucher.redeemed_ms),
        given=None if given is None else format_amount(given, voucher.currency),
        created_at=second(voucher.created_ms),
        operator=voucher.operator,
    )


def _gives(voucher: Voucher) -> str:
    if voucher.multiplier_millionths is not None:
        whole, rest = divmod(voucher.multiplier_millionths, WHOLE_MILLIONTHS)
        return f"x{whole}.{rest:06d}".rstrip("0").rstrip(".")
    amount = format_amount(voucher.value_micros or 0, voucher.currency)
    return f"+{amount}" if voucher.needs_payment else amount
