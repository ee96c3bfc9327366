"""Credit that callers move between their own accounts: the one that pays for the call, and a card's."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import customers
from ringflow.accounts.cards.card import Card
from ringflow.accounts.cards.redemption import may_top_up
from ringflow.accounts.cards.refusal import CardRefused, Why
from ringflow.accounts.customers import Customer
from ringflow.actor import Actor
from ringflow.ledger.account import read_account
from ringflow.ledger.movement import Posted
from ringflow.ledger.payments import Purpose, transfer_unborrowed


@dataclass(frozen=True, slots=True)
class CreditTransfer:
    """Credit goes from one customer to another. `card`: the card by which the caller has the other account.

    `key` is of this transfer alone: however often it is tried, the credit moves once.
    """

    card: Card
    from_id: int
    to_id: int
    micros: int
    key: str


async def move_credit(actor: Actor, moved: CreditTransfer) -> Posted:
    """Move it. Raises `CardRefused` as `check_transfer` does, and `NotEnough`."""
    await check_transfer(actor.connection, moved.card, moved.from_id, moved.to_id)
    purpose = Purpose(moved.key, f"moved by telephone with card {moved.card.id}")
    return await transfer_unborrowed(actor, moved.from_id, moved.to_id, moved.micros, purpose)


async def check_transfer(connection: AsyncConnection, card: Card, from_id: int, to_id: int) -> None:
    """Raise `CardRefused` where credit cannot go from one to the other.

    They are one account, of two currencies, or made from different templates, or one of them is barred.
    """
    if from_id == to_id:
        raise CardRefused(
            Why.SAME_ACCOUNT, "transfer.one_customer", f"card {card.id} has the account that pays already"
        )
    pair = [await customers.show(connection, one) for one in (from_id, to_id)]
    for one in pair:
        if one.status != "active":
            raise CardRefused(
                Why.CUSTOMER_NOT_ACTIVE,
                "customer.not_active",
                f"customer {one.id} is {one.status}",
                customer=one.id,
                status=one.status,
            )
    _refuse_two_currencies(*pair)
    other_id = to_id if card.redeemed_by == from_id else from_id
    if not await may_top_up(connection, card, other_id):
        raise CardRefused(
            Why.OTHER_CUSTOMER,
            "card.other_customer",
            f"card {card.id} is of customer {card.customer_id}, and credit goes only between accounts made "
            "from it",
            card=card.id,
            customer=card.customer_id,
        )


async def movable_micros(connection: AsyncConnection, customer_id: int, now_ms: int) -> int:
    """How much a caller can move out of an account now; 0 where there is nothing."""
    account = await read_account(connection, customer_id, now_ms)
    return max(0, account.unborrowed_micros) if account is not None else 0


def _refuse_two_currencies(one: Customer, other: Customer) -> None:
    if one.currency != other.currency:
        raise CardRefused(
            Why.OTHER_CURRENCY,
            "currency.differs",
            f"customer {one.id} has {one.currency} and customer {other.id} has {other.currency}",
            currency=one.currency,
            other=other.currency,
        )
