"""Why a card or a voucher is not taken: for callers a word that a flow can act on, for operators a line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ringflow.errors import Conflict, Field


class Why(StrEnum):
    """`mistyped` was never looked up; `unknown` and `wrong_pin` should sound alike to a caller.

    `needs_id`: after too many wrong PINs without an ID, a PIN alone opens only cards that the telephone has
    opened before; with the card's ID it opens any.
    """

    MISTYPED = "mistyped"
    UNKNOWN = "unknown"
    WRONG_PIN = "wrong_pin"
    WRONG_CODE = "wrong_code"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105 -- a word, not a secret
    LOCKED = "locked"
    NEEDS_ID = "needs_id"
    DISABLED = "disabled"
    EXPIRED = "expired"
    USED = "used"
    USED_ELSEWHERE = "used_elsewhere"
    OTHER_CUSTOMER = "other_customer"
    OTHER_CURRENCY = "other_currency"
    SAME_ACCOUNT = "same_account"
    NOT_ENOUGH = "not_enough"
    NEEDS_PAYMENT = "needs_payment"
    BELOW_MINIMUM = "below_minimum"
    CUSTOMER_NOT_ACTIVE = "customer_not_active"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A caller is refused. `wait_ms`: after how long the same try is compared again, locked or `needs_id`."""

    why: Why
    wait_ms: int = 0


class CardRefused(Conflict):
    """A card or voucher cannot be used so: `why` for programs, the text for people. No money moved."""

    def __init__(self, why: Why, code: str, text: str, **fields: Field) -> None:
        self.why = why
        super().__init__(code, text, (), **fields)
