"""Accounts of the ledger: one for each customer, and the house's own, one of each kind per currency.

A balance is what the house owes: a customer's balance is its credit, and the house's cash goes below zero by
what customers paid in. All balances of one currency add up to zero.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.errors import Conflict, Unknown
from ringflow.ledger.credit import SPENDABLE, SPENT_TODAY, utc_day
from ringflow.money import check_currency
from ringflow.store import DirectConnection
from ringflow.store.statement import Statement


class House(StrEnum):
    """The house's accounts. The order is part of their ids: new ones go to the end."""

    CASH = "cash"
    """Against which customers' payments are booked, in and out."""
    REVENUE = "revenue"
    """What calls were charged."""
    CARDS = "cards"
    """Against which the value of cards and vouchers is booked."""
    ADJUSTMENTS = "adjustments"
    """Corrections by operators."""


_HOUSE_KINDS = 16


def house_id(house: House, currency: str) -> int:
    """The id of a house account: below zero, computed, so that no look-up is needed on the call path."""
    number = 0
    for letter in check_currency(currency):
        number = number * 26 + ord(letter) - ord("A")
    return -1 - (number * _HOUSE_KINDS + list(House).index(house))


def house_id_sql(house: House, currency: str) -> str:
    """What `house_id` returns, in PostgreSQL's words, for a column of currencies."""
    letters = [f"ascii(substr({currency}, {place}, 1)) - {ord('A')}" for place in (1, 2, 3)]
    number = f"((({letters[0]}) * 26 + {letters[1]}) * 26 + {letters[2]})"
    return f"-1 - ({number} * {_HOUSE_KINDS} + {list(House).index(house)})"


def account_name(account_id: int) -> str:
    """What people call an account: `customer 42`, or the kind of a house account, such as `cash`."""
    if account_id > 0:
        return f"customer {account_id}"
    return list(House)[(-1 - account_id) % _HOUSE_KINDS].value


@dataclass(frozen=True, slots=True)
class Account:
    """A customer's account as it stands. `available_micros`: what calls can spend (`credit.SPENDABLE`).

    `debit_limit_micros`: 0 for prepaid, above for an overdraft, below for a reserve that is kept back.
    `daily_limit_micros`: what calls may cost in one UTC day; None: no limit. `active`: whether its customer
    is; for others nothing more is held.
    """

    customer_id: int
    currency: str
    balance_micros: int
    held_micros: int
    debit_limit_micros: int
    daily_limit_micros: int | None
    spent_today_micros: int
    available_micros: int
    active: bool = True

    @property
    def unborrowed_micros(self) -> int:
        """What is not held and not an overdraft (`credit.UNBORROWED`); it may be below zero."""
        return self.balance_micros - self.held_micros + min(self.debit_limit_micros, 0)


_READ = Statement(
    "SELECT a.id, a.currency, a.balance_micros, a.held_micros, a.debit_limit_micros, a.daily_limit_micros, "  # noqa: S608
    f"{SPENT_TODAY}, {SPENDABLE}, c.status = 'active' FROM ledger_accounts AS a "
    "JOIN customers AS c ON c.id = a.customer_id WHERE a.customer_id = :customer_id",
    customer_id="bigint",
    day="bigint",
)
_CURRENCY = Statement("SELECT currency FROM customers WHERE id = :customer_id", customer_id="bigint")
_OPEN = Statement(
    "INSERT INTO ledger_accounts (id, customer_id, house, currency, balance_micros, held_micros, "
    "debit_limit_micros, spent_micros, spent_day, created_ms) "
    "SELECT v.id, v.customer_id, v.house, v.currency, 0, 0, 0, 0, 0, :now_ms FROM {rows} "
    "WHERE true ON CONFLICT DO NOTHING",
    rows={"id": "bigint", "customer_id": "bigint", "house": "text", "currency": "text"},
    now_ms="bigint",
)
_CLOSE = Statement(
    "DELETE FROM ledger_accounts WHERE customer_id = :customer_id AND balance_micros = 0 "
    "AND NOT EXISTS (SELECT 1 FROM ledger_holds WHERE account_id = :customer_id) "
    "AND NOT EXISTS (SELECT 1 FROM ledger_movements WHERE debit_id = :customer_id) "
    "AND NOT EXISTS (SELECT 1 FROM ledger_movements WHERE credit_id = :customer_id)",
    customer_id="bigint",
)


async def open_account(connection: AsyncConnection | DirectConnection, customer_id: int, now_ms: int) -> str:
    """Open the customer's account, and the house's of its currency, unless open; return the currency.

    Raises `Refused` when there is no such customer, `AmountError` when its currency is none of ISO 4217.
    """
    currency = check_currency(await currency_of(connection, customer_id))
    rows: list[dict[str, object]] = [{"id": customer_id, "customer_id": customer_id, "currency": currency}]
    rows += [{"id": house_id(house, currency), "house": house.value, "currency": currency} for house in House]
    await _OPEN.run(connection, rows, now_ms=now_ms)
    return currency


async def close_account(connection: AsyncConnection, customer_id: int) -> None:
    """Remove an account that has never been used. Raises `Refused` when it has a history, which stays."""
    await _CLOSE.run(connection, customer_id=customer_id)
    if await _READ.run(connection, customer_id=customer_id, day=0):
        raise Conflict(
            "customer.has_history",
            f"customer {customer_id} has movements of money; set its status to inactive instead",
            customer=customer_id,
        )


async def account_of(connection: AsyncConnection, customer_id: int, now_ms: int) -> Account:
    """Return the customer's account; one that was not opened yet as it would be. Raises `Unknown`."""
    account = await read_account(connection, customer_id, now_ms)
    if account is not None:
        return account
    return Account(customer_id, await currency_of(connection, customer_id), 0, 0, 0, None, 0, 0)


async def currency_of(connection: AsyncConnection | DirectConnection, customer_id: int) -> str:
    """Return a customer's currency. Raises `Unknown`."""
    found = await _CURRENCY.run(connection, customer_id=customer_id)
    if not found:
        raise Unknown("customer.unknown", f"customer {customer_id} does not exist", customer=customer_id)
    return str(found[0][0])


async def read_account(connection: AsyncConnection, customer_id: int, now_ms: int) -> Account | None:
    """The customer's account, or None where none was opened yet."""
    found = await _READ.run(connection, customer_id=customer_id, day=utc_day(now_ms))
    if not found:
        return None
    account = Account(*tuple(found[0]))
    # SQLite has no booleans.
    return replace(account, active=bool(account.active))
