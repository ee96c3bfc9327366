"""A customer's limits as somebody asks for them: with amounts as text, all of them or none."""

from __future__ import annotations

from dataclasses import dataclass

from ringflow.actor import Actor
from ringflow.ledger.account import Account, read_account
from ringflow.ledger.credit_limits import set_daily_limit, set_debit_limit
from ringflow.ledger.payment_orders import read_amount


@dataclass(frozen=True, slots=True)
class LimitOrder:
    """What the limits are to be, in the customer's currency; None: that one stays.

    `no_daily`: calls may cost as much as there is in a day.
    """

    debit: str | None = None
    daily: str | None = None
    no_daily: bool = False


async def set_limits(actor: Actor, customer_id: int, order: LimitOrder) -> Account | None:
    """Set a customer's limits; return its account, or None where nothing is set and it has none.

    Raises `Refused`.
    """
    if order.debit is not None:
        debit_micros = await read_amount(actor, customer_id, order.debit, signed=True, at="debit_limit")
        await set_debit_limit(actor, customer_id, debit_micros)
    if order.no_daily:
        await set_daily_limit(actor, customer_id, None)
    elif order.daily is not None:
        daily_micros = await read_amount(actor, customer_id, order.daily, at="daily_limit")
        await set_daily_limit(actor, customer_id, daily_micros)
    return await read_account(actor.connection, customer_id, actor.now_ms)
