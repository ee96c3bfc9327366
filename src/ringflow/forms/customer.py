"""The form of a customer: in a list with its balance, by itself with what belongs to it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar

from ringflow.accounts.customer_overview import CustomerOverview
from ringflow.accounts.customers import Customer
from ringflow.money import format_amount


@dataclass(frozen=True, slots=True)
class CustomerForm:
    """A customer in a list."""

    id: int
    name: str
    status: str
    currency: str
    balance: str
    channels: int | None
    caller_id: str | None
    language: str | None
    source: str


@dataclass(frozen=True, slots=True)
class CustomerDetailForm:
    """A customer by itself. Of `clis`, `dids` and `cards` the first are listed, and all are counted."""

    VOLATILE: ClassVar = frozenset({"balance", "held", "available"})
    """What calls change, and nobody edits."""

    id: int
    name: str
    status: str
    currency: str
    channels: int | None
    caller_id: str | None
    language: str | None
    source: str
    balance: str
    held: str
    available: str
    debit_limit: str
    daily_limit: str | None
    service_password: bool
    cli_count: int
    clis: tuple[str, ...]
    shared_clis: tuple[str, ...]
    did_count: int
    dids: tuple[str, ...]
    card_count: int
    cards: tuple[str, ...]
    template_cards: dict[str, int]


def customer_form(customer: Customer, balance_micros: int) -> CustomerForm:
    """Return a customer as it stands in a list."""
    own = {field.name: getattr(customer, field.name) for field in fields(customer)}
    return CustomerForm(**own, balance=format_amount(balance_micros, customer.currency))


def customer_detail_form(found: CustomerOverview) -> CustomerDetailForm:
    """Return a customer with its credit and what belongs to it."""
    customer, account = found.customer, found.account
    currency = customer.currency
    own = {field.name: getattr(customer, field.name) for field in fields(customer)}
    daily = account.daily_limit_micros if account else None
    return CustomerDetailForm(
        **own,
        balance=format_amount(account.balance_micros if account else 0, currency),
        held=format_amount(account.held_micros if account else 0, currency),
        available=format_amount(account.available_micros if account else 0, currency),
        debit_limit=format_amount(account.debit_limit_micros if account else 0, currency),
        daily_limit=None if daily is None else format_amount(daily, currency),
        service_password=found.service_password,
        cli_count=found.cli_count,
        clis=tuple(cli.number or f"pattern {cli.pattern}" for cli in found.clis),
        shared_clis=tuple(found.shared_clis),
        did_count=found.did_count,
        dids=tuple(did.number for did in found.dids),
        card_count=found.card_count,
        cards=tuple(found.cards),
        template_cards=found.template_cards,
    )
