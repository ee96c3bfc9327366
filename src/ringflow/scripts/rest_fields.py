"""Fields of `cxRest`: of requests as they are read, and of rows as scripts see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import JsonValue
from sqlalchemy import RowMapping

from ringflow.accounts.cards.card import Card
from ringflow.accounts.clis import Cli
from ringflow.accounts.customers import Customer
from ringflow.accounts.dids import Did
from ringflow.ledger.account import Account
from ringflow.ledger.statement import Entry
from ringflow.scripts.run import CallRefused, one_line
from ringflow.store.pages import PageRequest
from ringflow.wording import known_words

MAX_ROWS = 500
MAX_DIGITS = 15
MAX_NUMBER = 10**MAX_DIGITS
MICROS = 1_000_000
CUSTOMER = ("company_id", "customer_id", "customer")
"""What the field of a customer may be called."""

Row = Mapping[str, JsonValue]
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a script asks of a resource. `key`: what stood behind its name, as in `customer/42`."""

    resource: str
    key: str | None
    given: Mapping[str, JsonValue]

    def check_fields(self, *known: str) -> None:
        """Raise `CallRefused` for a field that is none of these: nothing is left out unsaid."""
        for name in self.given:
            if name not in known:
                what = f"cxRest: {self.resource} has no field {one_line(name, 50)} here"
                raise CallRefused("script.no_field", f"{what}; {known_words(sorted(known))}")

    def number(self, *names: str) -> int | None:
        """Return a whole number that may be written as text; None where it is missing or empty."""
        name, value = self._first(names)
        if value is None or value == "":
            return None
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < MAX_NUMBER:
            return value
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS:
            return int(value)
        raise CallRefused("script.malformed", f"cxRest: {name} is no number")

    def text(self, *names: str) -> str | None:
        """Return a text, which may be a number; None where it is missing."""
        name, value = self._first(names)
        if value is None:
            return None
        if isinstance(value, str | int | float) and not isinstance(value, bool) and len(str(value)) <= 500:
            return str(value)
        raise CallRefused("script.malformed", f"cxRest: {name} is no text")

    def flag(self, name: str) -> bool | None:
        """Return yes or no, which may be 1, 0 or a text of them; None where it is missing."""
        value = self.given.get(name)
        if value is None:
            return None
        for answer, words in ((True, (True, 1, "1", "true")), (False, (False, 0, "0", "false"))):
            if value in words:
                return answer
        raise CallRefused("script.malformed", f"cxRest: {name} is neither true nor false")

    def one_of(self, name: str, words: tuple[str, ...]) -> str | None:
        """Return one of these words, however it is capitalised; None where it is missing."""
        text = self.text(name)
        if text is None or text.lower() in words:
            return text.lower() if text is not None else None
        raise CallRefused("script.malformed", f"cxRest: {name} is none of {', '.join(words)}")

    @property
    def customer_id(self) -> int | None:
        """The customer that is named, if any."""
        return self.number(*CUSTOMER)

    @property
    def page(self) -> PageRequest:
        """How many rows are wanted."""
        limit = self.number("_limit")
        return PageRequest(max(1, min(MAX_ROWS if limit is None else limit, MAX_ROWS)))

    def _first(self, names: tuple[str, ...]) -> tuple[str, JsonValue]:
        for name in names:
            if name in self.given:
                return name, self.given[name]
        return names[0], None


def needed(value: Value | None, name: str) -> Value:
    """Return a value that has to be there. Raises `CallRefused`."""
    if value is None:
        raise CallRefused("script.malformed", f"cxRest: {name} is missing")
    return value


def number_in(text: str) -> int:
    """Return the number that a row's key is; 0 where it is none, which no row has."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else 0


def cli_row(cli: Cli) -> dict[str, JsonValue]:
    """Return a calling number as scripts read it."""
    return {
        "id": cli.id,
        "cli": cli.number if cli.number is not None else cli.pattern,
        "is_pattern": cli.pattern is not None,
        "company_id": cli.customer_id,
        "customer_id": cli.customer_id,
        "notes": cli.notes,
    }


def customer_row(customer: Customer) -> dict[str, JsonValue]:
    """Return a customer as scripts read it."""
    return {
        "id": customer.id,
        "company_id": customer.id,
        "name": customer.name,
        "status": customer.status,
        "currency": customer.currency,
        "channels": customer.channels,
        "caller_id": customer.caller_id,
        "language": customer.language,
    }


def balance_row(account: Account) -> dict[str, JsonValue]:
    """Return what a customer has as scripts read it, in its currency."""
    return {
        "id": account.customer_id,
        "company_id": account.customer_id,
        "currency": account.currency,
        "credit": account.balance_micros / MICROS,
        "balance": account.balance_micros / MICROS,
        "held": account.held_micros / MICROS,
        "available": account.available_micros / MICROS,
        "debit_limit": account.debit_limit_micros / MICROS,
    }


def did_row(did: Did) -> dict[str, JsonValue]:
    """Return a DID as scripts read it."""
    return {
        "id": did.number,
        "did": did.number,
        "number": did.number,
        "app": did.app,
        "destination": did.app,
        "identify": did.identify,
        "company_id": did.customer_id,
        "customer_id": did.customer_id,
        "enabled": did.enabled,
        "channels": did.channels,
        "script": did.script,
    }


def card_row(card: Card) -> dict[str, JsonValue]:
    """Return a card as scripts read it: never its PIN, which nobody can read."""
    return {
        "id": card.id,
        "status": card.status,
        "company_id": card.redeemed_by,
        "customer_id": card.redeemed_by,
        "template_id": card.customer_id,
        "batch": card.batch,
        "credit": card.credit_micros / MICROS,
        "currency": card.currency,
        "expires_ms": card.expires_ms,
    }


def payment_row(entry: Entry, customer_id: int) -> dict[str, JsonValue]:
    """Return a movement of a customer's money as scripts read it."""
    return {
        "id": entry.id,
        "company_id": customer_id,
        "kind": entry.kind.value,
        "total": entry.micros / MICROS,
        "description": entry.reason,
        "status": "Completed",
        "dt": entry.created_ms // 1000,
    }


def cdr_row(row: RowMapping) -> dict[str, JsonValue]:
    """Return a call's record as scripts read it. `duration` in seconds, `dt` in seconds since 1970."""
    return {
        "id": row["call_id"],
        "callid": row["call_id"],
        "dt": row["started_ms"] // 1000,
        "started_ms": row["started_ms"],
        "duration": row["duration_ms"] / 1000,
        "did": row["did"],
        "cli": row["cli"],
        "app": row["app"],
        "company_id": row["customer_id"],
        "customer_id": row["customer_id"],
        "card_id": row["card_id"],
        "outcome": row["outcome"],
        "reason": row["reason"],
        "release_reason": row["reason"],
    }
