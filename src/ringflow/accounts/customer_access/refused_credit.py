"""Why a card or a voucher is not redeemed for a customer, in words that tell of nobody else."""

from __future__ import annotations

from ringflow.accounts.cards.refusal import Refusal, Why
from ringflow.errors import Conflict, Refused

_TEXTS = {
    Why.DISABLED: "it is disabled",
    Why.EXPIRED: "it has expired",
    Why.USED: "its credit was given already",
    Why.USED_ELSEWHERE: "its credit was given already",
    Why.OTHER_CUSTOMER: "it is not for this account",
    Why.OTHER_CURRENCY: "it is in another currency than this account",
    Why.NEEDS_PAYMENT: "it goes with a payment, which cannot be made here",
    Why.BELOW_MINIMUM: "it goes with a payment, which cannot be made here",
    Why.CUSTOMER_NOT_ACTIVE: "the account is barred",
}


def refused_credit(refusal: Refusal) -> Refused:
    """Return the error. What is unknown is like a wrong PIN: which cards exist is nobody's business."""
    if refusal.why in (Why.LOCKED, Why.NEEDS_ID):
        retry_after_s = -(-refusal.wait_ms // 1000)
        return Refused(
            "redeem.locked",
            f"too many wrong tries: wait {retry_after_s} s before the next one",
            (),
            retry_after_s=retry_after_s,
        )
    if refusal.why in _TEXTS:
        return Conflict("redeem.refused", f"no credit: {_TEXTS[refusal.why]}", why=refusal.why.value)
    return Refused("redeem.wrong", "there is no such code, or no such card with this PIN")
