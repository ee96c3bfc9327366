"""The form of a voucher. Its code is not in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo

from ringflow.accounts.vouchers.voucher import WHOLE_MILLIONTHS, Voucher
from ringflow.moments import Second, last_day, second
from ringflow.money import format_amount


@dataclass(frozen=True, slots=True)
class VoucherForm:
    """A voucher. It gives its `value`, that on top of a payment, or a multiple of a payment: see `kind`."""

    id: int
    batch: str
    status: str
    kind: str
    value: str | None
    multiplier: str | None
    currency: str
    minimum: str
    expires: str | None
    redeemed_by: int | None
    redeemed_at: Second | None
    given: str | None
    created_at: Second | None
    operator: str


def voucher_form(voucher: Voucher, zone: tzinfo) -> VoucherForm:
    """Return a voucher as it is shown to an operator in this time zone, in which its last day is."""
    value, given = voucher.value_micros, voucher.redeemed_micros
    return VoucherForm(
        id=voucher.id,
        batch=voucher.batch,
        status=voucher.status,
        kind=voucher.kind,
        value=None if value is None else format_amount(value, voucher.currency),
        multiplier=multiplier_text(voucher.multiplier_millionths),
        currency=voucher.currency,
        minimum=format_amount(voucher.minimum_micros, voucher.currency),
        expires=last_day(voucher.expires_ms, zone),
        redeemed_by=voucher.redeemed_by,
        redeemed_at=second(voucher.redeemed_ms),
        given=None if given is None else format_amount(given, voucher.currency),
        created_at=second(voucher.created_ms),
        operator=voucher.operator,
    )


def multiplier_text(millionths: int | None) -> str | None:
    """Return a multiplier as text: 1.1 adds 10 %."""
    if millionths is None:
        return None
    whole, rest = divmod(millionths, WHOLE_MILLIONTHS)
    return f"{whole}.{rest:06d}".rstrip("0").rstrip(".")
