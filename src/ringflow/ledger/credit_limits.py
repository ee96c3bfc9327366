"""How far below zero a customer may go, or what it must keep, and what its calls may cost in a day.

The audit log has every change.
"""

from __future__ import annotations

from ringflow.actor import Actor
from ringflow.audit import Verb, note
from ringflow.errors import Conflict, Refused
from ringflow.ledger.account import Account, open_account, read_account
from ringflow.ledger.credit import UNHELD
from ringflow.money import MAX_AMOUNT_MICROS, Money, format_amount
from ringflow.store.statement import Statement

_SET_DEBIT = Statement(
    "UPDATE ledger_accounts AS a SET debit_limit_micros = :micros WHERE a.customer_id = :customer_id "  # noqa: S608
    f"AND ({UNHELD} >= 0 OR {UNHELD} + :micros >= 0) RETURNING id",
    customer_id="bigint",
    micros="bigint",
)
_SET_DAILY = Statement(
    "UPDATE ledger_accounts SET daily_limit_micros = :micros WHERE customer_id = :customer_id",
    customer_id="bigint",
    micros="bigint",
)


async def set_debit_limit(actor: Actor, customer_id: int, micros: int) -> tuple[Account, Account]:
    """0: prepaid; above: overdraft; below: a reserve that is kept back. Return the account before and after.

    Raises `Refused` for an overdraft smaller than what is used of it: the books never show an account that is
    below its limit. (To stop the customer's calls at once, set its status.)
    """
    before = await _account(actor, customer_id, micros)
    if not await _SET_DEBIT.run(actor.connection, customer_id=customer_id, micros=micros):
        used = Money(before.held_micros - before.balance_micros, before.currency)
        raise Conflict(
            "limit.used",
            f"customer {customer_id} uses {used} of its overdraft; the limit cannot be lower",
            customer=customer_id,
            used=str(used),
        )
    return before, await _noted(actor, before)


async def set_daily_limit(actor: Actor, customer_id: int, micros: int | None) -> tuple[Account, Account]:
    """What calls may cost in one UTC day; None: no limit. Return the account before and after.

    Below what is spent or held today it stops new calls; those in progress go on with what they hold.
    """
    if micros is not None and micros < 0:
        raise Refused("amount.negative", "a daily limit is not below zero")
    before = await _account(actor, customer_id, micros or 0)
    await _SET_DAILY.run(actor.connection, customer_id=customer_id, micros=micros)
    return before, await _noted(actor, before)


async def _account(actor: Actor, customer_id: int, micros: int) -> Account:
    currency = await open_account(actor.connection, customer_id, actor.now_ms)
    if abs(micros) > MAX_AMOUNT_MICROS:
        raise Refused(
            "amount.out_of_range",
            f"a limit is at most {Money(MAX_AMOUNT_MICROS, currency)}",
            low="0",
            high=str(Money(MAX_AMOUNT_MICROS, currency)),
        )
    return await _read(actor, customer_id)


async def _noted(actor: Actor, before: Account) -> Account:
    after = await _read(actor, before.customer_id)
    if _facts(after) != _facts(before):
        await note(actor, Verb.LIMIT, f"customer {before.customer_id}", _facts(before), _facts(after))
    return after


async def _read(actor: Actor, customer_id: int) -> Account:
    account = await read_account(actor.connection, customer_id, actor.now_ms)
    assert account is not None, "it was opened before its limit is set"
    return account


def _facts(account: Account) -> dict[str, str | None]:
    currency, daily = account.currency, account.daily_limit_micros
    return {
        "debit_limit": format_amount(account.debit_limit_micros, currency),
        "daily_limit": None if daily is None else format_amount(daily, currency),
        "currency": currency,
    }
