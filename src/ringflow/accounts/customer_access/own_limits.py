"""Limits that customers lower themselves. Raising them again is for operators."""

from __future__ import annotations

from ringflow.actor import Actor
from ringflow.errors import Conflict
from ringflow.ledger.account import open_account, read_account
from ringflow.ledger.credit_limits import set_daily_limit, set_debit_limit
from ringflow.money import Money, parse_amount


async def lower_limits(actor: Actor, customer_id: int, daily: str | None, debit: str | None) -> None:
    """Lower the daily limit and the overdraft; None: it stays. Raises `Refused` for higher ones."""
    if daily is None and debit is None:
        return
    currency = await open_account(actor.connection, customer_id, actor.now_ms)
    account = await read_account(actor.connection, customer_id, actor.now_ms)
    assert account is not None, "it was opened just now"
    if daily is not None:
        micros = parse_amount(daily, currency, at=("daily_limit",))
        there = account.daily_limit_micros
        if micros < 0 or (there is not None and micros > there):
            raise _higher("daily_limit", there if there is not None else micros, currency)
        await set_daily_limit(actor, customer_id, micros)
    if debit is not None:
        micros = parse_amount(debit, currency, at=("debit_limit",))
        if micros < min(0, account.debit_limit_micros) or micros > account.debit_limit_micros:
            raise _higher("debit_limit", account.debit_limit_micros, currency)
        await set_debit_limit(actor, customer_id, micros)


def _higher(field: str, most_micros: int, currency: str) -> Conflict:
    most = Money(max(0, most_micros), currency)
    return Conflict(
        "limit.only_lower",
        f"{field} can only be lowered, from 0 to {most}; for more ask who gave you the account",
        (field,),
        field=field,
        most=str(most),
    )
