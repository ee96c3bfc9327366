"""How far below zero a customer may go, or what it must keep, and what its calls may cost in a day."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.errors import Refused
from ringflow.ledger.account import Account, open_account, read_account
from ringflow.ledger.statement import Statement
from ringflow.money import MAX_AMOUNT_MICROS, Money

_SET_DEBIT = Statement(
    "UPDATE ledger_accounts SET debit_limit_micros = :micros WHERE customer_id = :customer_id "
    "AND (balance_micros - held_micros >= 0 OR balance_micros - held_micros + :micros >= 0) RETURNING id",
    customer_id="bigint",
    micros="bigint",
)
_SET_DAILY = Statement(
    "UPDATE ledger_accounts SET daily_limit_micros = :micros WHERE customer_id = :customer_id",
    customer_id="bigint",
    micros="bigint",
)


async def set_debit_limit(
    connection: AsyncConnection, customer_id: int, micros: int, now_ms: int
) -> tuple[Account, Account]:
    """0: prepaid; above: overdraft; below: a reserve that is kept back. Gives the account before and after.

    Raises `Refused` for an overdraft smaller than what is used of it: the books never show an account that is
    below its limit. (To stop the customer's calls at once, set its status.)
    """
    before = await _account(connection, customer_id, micros, now_ms)
    if not await _SET_DEBIT.run(connection, customer_id=customer_id, micros=micros):
        used = Money(before.held_micros - before.balance_micros, before.currency)
        raise Refused(f"customer {customer_id} uses {used} of its overdraft; the limit cannot be lower")
    return before, await _account(connection, customer_id, micros, now_ms)


async def set_daily_limit(
    connection: AsyncConnection, customer_id: int, micros: int | None, now_ms: int
) -> tuple[Account, Account]:
    """What calls may cost in one UTC day; None: no limit. Gives the account before and after.

    Below what is spent or held today it stops new calls; those in progress go on with what they hold.
    """
    if micros is not None and micros < 0:
        raise Refused("a daily limit is not below zero")
    before = await _account(connection, customer_id, micros or 0, now_ms)
    await _SET_DAILY.run(connection, customer_id=customer_id, micros=micros)
    return before, await _account(connection, customer_id, micros or 0, now_ms)


async def _account(connection: AsyncConnection, customer_id: int, micros: int, now_ms: int) -> Account:
    currency = await open_account(connection, customer_id, now_ms)
    if abs(micros) > MAX_AMOUNT_MICROS:
        raise Refused(f"a limit is at most {Money(MAX_AMOUNT_MICROS, currency)}")
    account = await read_account(connection, customer_id, now_ms)
    assert account is not None, "it was opened above"
    return account
