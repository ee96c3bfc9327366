"""Accounts, movements and holds as `ringflow ledger` prints them: amounts as text, in their currency."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo

from ringflow.cli.acting import second
from ringflow.ledger.account import Account, account_name
from ringflow.ledger.hold import Hold
from ringflow.ledger.movement import Posted
from ringflow.moments import Second, iso_in
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
    """A movement as it is printed. `debit` gave and `credit` got; `again`: it was in the books already."""

    id: int
    kind: str
    amount: str
    currency: str
    debit: str
    credit: str
    leg: str | None
    reason: str
    operator: str
    key: str
    created_at: Second | None
    again: bool


@dataclass(frozen=True, slots=True)
class HoldRow:
    """A hold that stands, with its amount in the customer's currency."""

    leg: str
    customer: int
    held: str
    currency: str | None
    server: str
    asterisk: str | None
    opened_at: Second | None
    expires_at: Second | None


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
        debit=account_name(movement.debit_id),
        credit=account_name(movement.credit_id),
        leg=movement.leg_id,
        reason=movement.reason,
        operator=movement.operator,
        key=movement.key,
        created_at=second(posted.created_ms),
        again=posted.again,
    )


def hold_row(hold: Hold) -> HoldRow:
    """The hold with its amount as text; one that is not rated here sets nothing aside, in no currency."""
    currency = hold.terms.currency if hold.terms is not None else None
    return HoldRow(
        leg=hold.leg_id,
        customer=hold.customer_id,
        held=format_amount(hold.micros, currency or ""),
        currency=currency,
        server=hold.server,
        asterisk=hold.asterisk or None,
        opened_at=second(hold.opened_ms),
        expires_at=second(hold.expires_ms),
    )


def verdict(findings: int, until_ms: int | None, zone: tzinfo) -> str:
    """Whether the books are right, and up to when they go: what came later is not in them."""
    said = f"{findings} findings: the books are wrong" if findings else "the books are right"
    if until_ms is None:
        return f"{said}; there is no movement in them"
    return f"{said}, up to {iso_in(until_ms, zone)} (the last movement)"
