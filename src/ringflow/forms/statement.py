"""The form of a customer's statement."""

from __future__ import annotations

from dataclasses import dataclass

from ringflow.ledger.account import account_name
from ringflow.ledger.statement import AccountStatement, Entry
from ringflow.moments import Second, second
from ringflow.money import format_amount


@dataclass(frozen=True, slots=True)
class StatementEntryForm:
    """A movement on a statement: `amount` is below zero where the balance fell to `balance`."""

    booked_at: Second | None
    movement: int
    kind: str
    amount: str
    balance: str
    other_account: str
    leg_id: str | None
    reason: str
    operator: str
    currency: str


@dataclass(frozen=True, slots=True)
class StatementForm:
    """The movements of a customer's credit in a period, between the balance before it and after it."""

    customer: int
    currency: str
    since_at: Second | None
    until_at: Second | None
    opening: str
    movements: tuple[StatementEntryForm, ...]
    closing: str


def statement_entry_form(entry: Entry, currency: str) -> StatementEntryForm:
    """Return a movement as it stands on a statement."""
    return StatementEntryForm(
        booked_at=second(entry.created_ms),
        movement=entry.id,
        kind=entry.kind.value,
        amount=format_amount(entry.micros, currency),
        balance=format_amount(entry.balance_micros, currency),
        other_account=account_name(entry.other_id),
        leg_id=entry.leg_id,
        reason=entry.reason,
        operator=entry.operator,
        currency=currency,
    )


def statement_form(statement: AccountStatement, since_ms: int | None, until_ms: int | None) -> StatementForm:
    """Return the statement of a period."""
    currency = statement.currency
    return StatementForm(
        customer=statement.customer_id,
        currency=currency,
        since_at=second(since_ms),
        until_at=second(until_ms),
        opening=format_amount(statement.opening_micros, currency),
        movements=tuple(statement_entry_form(entry, currency) for entry in statement.entries),
        closing=format_amount(statement.closing_micros, currency),
    )
