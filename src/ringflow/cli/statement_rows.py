"""A customer's statement as `ringflow ledger statement` prints it, and as its CSV file has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, fields
from datetime import tzinfo

from ringflow.forms.statement import StatementEntryForm, statement_entry_form
from ringflow.ledger.statement import AccountStatement
from ringflow.moments import Second
from ringflow.money import Money, format_amount
from ringflow.spreadsheets import csv_cell

CSV_COLUMNS = tuple(field.name for field in fields(StatementEntryForm))


def statement_head(
    statement: AccountStatement, since_ms: int | None, until_ms: int | None, zone: tzinfo
) -> str:
    """Whose statement it is, for which period, and the balance before it."""
    began = "the beginning" if since_ms is None else Second(since_ms).shown_in(zone)
    ended = "now" if until_ms is None else Second(until_ms).shown_in(zone)
    period = f"from {began} until {ended}"
    opening = Money(statement.opening_micros, statement.currency)
    return f"customer {statement.customer_id}, {period}\nopening balance {opening}\n"


def statement_foot(statement: AccountStatement) -> str:
    """The balance after the period, and what came in and went out in it."""
    currency = statement.currency
    rise = sum(entry.micros for entry in statement.entries if entry.micros > 0)
    fall = sum(entry.micros for entry in statement.entries if entry.micros < 0)
    closing = Money(statement.closing_micros, currency)
    return f"\nin {Money(rise, currency)}, out {Money(-fall, currency)}\nclosing balance {closing}"


def csv_lines(
    statement: AccountStatement, since_ms: int | None, until_ms: int | None, zone: tzinfo
) -> Iterator[dict[str, str | int | None]]:
    """A line for each movement between one for the opening and one for the closing balance.

    Times are in the zone, each with its offset.
    """

    def shown(moment_ms: int | None) -> str | None:
        return None if moment_ms is None else Second(moment_ms).shown_in(zone)

    yield _balance_line("opening", shown(since_ms), statement.opening_micros, statement.currency)
    for entry in statement.entries:
        row = statement_entry_form(entry, statement.currency)
        written = {
            "booked_at": shown(entry.created_ms),
            "reason": csv_cell(row.reason),
            "operator": csv_cell(row.operator),
            "leg_id": csv_cell(row.leg_id),
        }
        yield {**asdict(row), **written}
    yield _balance_line("closing", shown(until_ms), statement.closing_micros, statement.currency)


def _balance_line(
    kind: str, booked_at: str | None, micros: int, currency: str
) -> dict[str, str | int | None]:
    balance = format_amount(micros, currency)
    return {"booked_at": booked_at, "kind": kind, "balance": balance, "currency": currency}
