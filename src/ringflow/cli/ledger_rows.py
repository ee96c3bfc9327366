"""Accounts, movements and holds as `ringflow ledger` prints them: amounts as text, in their currency."""

from __future__ import annotations

from dataclasses import dataclass

from ringflow.ledger.account import Account
from ringflow.ledger.movement import Posted
from ringflow.money import format_amount


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account as it is printed; amounts in its currency."""

    customer: int
    currency: str
    balance: str
    held: str
    available: str
    debit_limit: str
    daily_limit: str | None
    spent_today: str


@dataclass(frozen=True, slots=True)
class MovementRow:
    """A movement as it is printed. `again`: it was in the books already."""

    id: int
    kind: str
    amount: str
    currency: str
    debit: int
    credit: int
    leg: str | None
    reason: str
    operator: str
    key: str
    created_ms: int
    again: bool


@dataclass(frozen=True, slots=True)
class HoldRow:
    """A hold that stands."""

    leg: str
    customer: int
    micros: int
    server: str
    opened_ms: int
    expires_ms: int


def account_row(account: Account) -> AccountRow:
    """The account with its amounts as text."""
    currency = account.currency
    daily = account.daily_limit_micros
    return AccountRow(
        customer=account.customer_id,
        currency=currency,
        balance=format_amount(account.balance_micros, currency),
        held=format_amount(account.held_micros, currency),
        available=format_amount(account.available_micros, currency),
        debit_limit=format_amount(account.debit_limit_micros, currency),
        daily_limit=None if daily is None else format_amount(daily, currency),
        spent_today=format_amount(account.spent_today_micros, currency),
    )


def movement_row(posted: Posted) -> MovementRow:
    """The movement with its amount as text."""
    movement = posted.movement
    return MovementRow(
        id=posted.id,
        kind=movement.kind.value,
        amount=format_amount(movement.micros, movement.currency),
        currency=movement.currency,
        debit=movement.debit_id,
        credit=movement.credit_id,
        leg=movement.leg_id,
        reason=movement.reason,
        operator=movement.operator,
        key=movement.key,
        created_ms=posted.created_ms,
        again=posted.again,
    )
