"""Customers' accounts as a list, each as `account.read_account` returns it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.ledger.account import Account
from ringflow.ledger.credit import SPENDABLE, SPENT_TODAY, utc_day
from ringflow.store.ledger_tables import ledger_accounts
from ringflow.store.page_filters import Filters
from ringflow.store.pages import Listing, Page, PageRequest
from ringflow.store.tables import customers

_A = ledger_accounts.alias("a")
ACCOUNTS = Listing("accounts", {"customer": (_A.c.id,)}, first="customer")


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """Which accounts: those that fit all given."""

    currency: str | None = None


async def account_page(
    connection: AsyncConnection, wanted: AccountFilter, asked: PageRequest, now_ms: int
) -> Page[Account]:
    """Read a page of customers' accounts. One is opened with a customer's first payment, limit or call."""
    day = f"CAST({utc_day(now_ms)} AS BIGINT)"
    spent: ColumnElement[int] = literal_column(SPENT_TODAY.replace(":day", day))
    available: ColumnElement[int] = literal_column(SPENDABLE.replace(":day", day))
    columns = (
        *(_A.c.id, _A.c.currency, _A.c.balance_micros, _A.c.held_micros),
        *(_A.c.debit_limit_micros, _A.c.daily_limit_micros),
        *(spent.label("spent_today"), available.label("available"), customers.c.status),
    )
    # A customer's account has the customer's own number, and the house's have numbers below zero.
    query = select(*columns).join_from(_A, customers, customers.c.id == _A.c.id).where(_A.c.id > 0)
    filters = Filters([(_A.c.currency, wanted.currency)])
    return await ACCOUNTS.page(connection, query, asked, _account, filters)


def _account(row: Sequence[Any]) -> Account:
    values: list[Any] = [*row[:-1], row[-1] == "active"]
    return Account(*values)
