"""The forms of a customer's account, of movements of money, and of holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ringflow.ledger.account import Account, account_name
from ringflow.ledger.check import Finding
from ringflow.ledger.hold import Hold
from ringflow.ledger.movement import Posted
from ringflow.moments import Moment, Second, second
from ringflow.money import format_amount


@dataclass(frozen=True, slots=True)
class AccountForm:
    """A customer's account, with amounts in its currency."""

    customer: int
    currency: str
    balance: str
    held: str
    available: str
    debit_limit: str
    daily_limit: str | None
    spent_today: str


@dataclass(frozen=True, slots=True)
class LimitsForm:
    """How far a customer's credit may fall, and what its calls may cost in a UTC day."""

    customer: int
    currency: str
    debit_limit: str
    daily_limit: str | None


@dataclass(frozen=True, slots=True)
class MovementForm:
    """A movement of money from one account to another. `again`: it was in the books already."""

    id: int
    kind: str
    amount: str
    currency: str
    debit_account: str
    credit_account: str
    leg_id: str | None
    reason: str
    operator: str
    key: str
    booked_at: Second | None
    again: bool


@dataclass(frozen=True, slots=True)
class HoldForm:
    """Credit that is set aside for a leg. `currency` is null where the leg is not rated here."""

    leg_id: str
    customer: int
    held: str
    currency: str | None
    server: str
    asterisk: str | None
    opened_at: Second | None
    expires_at: Second | None


@dataclass(frozen=True, slots=True)
class BooksFindingForm:
    """Something that is wrong with the books."""

    what: str
    where: str
    expected: int
    found: int


@dataclass(frozen=True, slots=True)
class BooksForm:
    """Whether the books are right, and up to when they go."""

    ok: bool
    until_at: Moment | None
    findings: tuple[BooksFindingForm, ...]


def books_form(findings: Sequence[Finding], until_ms: int | None) -> BooksForm:
    """Return what a check of the books found."""
    found = tuple(BooksFindingForm(one.what, one.where, one.expected, one.found) for one in findings)
    return BooksForm(not found, None if until_ms is None else Moment(until_ms), found)


def account_form(account: Account) -> AccountForm:
    """Return an account as it is shown."""
    currency = account.currency
    daily = account.daily_limit_micros
    return AccountForm(
        customer=account.customer_id,
        currency=currency,
        balance=format_amount(account.balance_micros, currency),
        held=format_amount(account.held_micros, currency),
        available=format_amount(account.available_micros, currency),
        debit_limit=format_amount(account.debit_limit_micros, currency),
        daily_limit=None if daily is None else format_amount(daily, currency),
        spent_today=format_amount(account.spent_today_micros, currency),
    )


def limits_form(account: Account) -> LimitsForm:
    """Return the limits of an account."""
    shown = account_form(account)
    return LimitsForm(shown.customer, shown.currency, shown.debit_limit, shown.daily_limit)


def movement_form(posted: Posted) -> MovementForm:
    """Return a movement as it is shown."""
    movement = posted.movement
    return MovementForm(
        id=posted.id,
        kind=movement.kind.value,
        amount=format_amount(movement.micros, movement.currency),
        currency=movement.currency,
        debit_account=account_name(movement.debit_id),
        credit_account=account_name(movement.credit_id),
        leg_id=movement.leg_id,
        reason=movement.reason,
        operator=movement.operator,
        key=movement.key,
        booked_at=second(posted.created_ms),
        again=posted.again,
    )


def hold_form(hold: Hold) -> HoldForm:
    """Return a hold as it is shown; one that is not rated here sets nothing aside, in no currency."""
    currency = hold.terms.currency if hold.terms is not None else None
    return HoldForm(
        leg_id=hold.leg_id,
        customer=hold.customer_id,
        held=format_amount(hold.micros, currency or ""),
        currency=currency,
        server=hold.server,
        asterisk=hold.asterisk or None,
        opened_at=second(hold.opened_ms),
        expires_at=second(hold.expires_ms),
    )
