"""The forms of codes at shared CLIs and of service passwords. What callers key is only in the new ones."""

from __future__ import annotations

from dataclasses import dataclass

from ringflow.accounts.cli_codes import CliCode
from ringflow.accounts.service_passwords import ServicePassword
from ringflow.moments import Second, second


@dataclass(frozen=True, slots=True)
class CliCodeForm:
    """A customer's code at a calling number that others have too, without the code."""

    id: int
    number: str
    customer: int
    digits: int
    notes: str
    set_at: Second | None


@dataclass(frozen=True, slots=True)
class NewCliCodeForm:
    """A code that was just made, which is never shown again."""

    id: int
    number: str
    customer: int
    code: str
    notes: str


@dataclass(frozen=True, slots=True)
class NewServicePasswordForm:
    """A service password that was just made, which is never shown again."""

    customer: int
    password: str
    set_at: Second | None


def cli_code_form(code: CliCode) -> CliCodeForm:
    """Return a code as it is shown: without its digits."""
    return CliCodeForm(code.id, code.number, code.customer_id, code.digits, code.notes, second(code.set_ms))


def new_cli_code_form(code: CliCode, secret: str) -> NewCliCodeForm:
    """Return a code that was just made."""
    return NewCliCodeForm(code.id, code.number, code.customer_id, secret, code.notes)


def new_service_password_form(made: ServicePassword, secret: str) -> NewServicePasswordForm:
    """Return a password that was just made."""
    return NewServicePasswordForm(made.customer_id, secret, second(made.set_ms))
