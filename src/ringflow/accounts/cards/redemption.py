"""Redeeming: an available card becomes used and gives its credit away, once, whoever else tries.

The card, the customer and the movement are written in one transaction. The card is taken by one UPDATE that
asks for `available`, and the movement has the card's ID as its key: two guards, each enough by itself.
"""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import customers
from ringflow.accounts.cards.card import Card, RedeemedAs, show_card
from ringflow.accounts.cards.refusal import CardRefused, Why
from ringflow.accounts.cards.template import make_customer
from ringflow.accounts.customers import Customer
from ringflow.accounts.directory_changes import lock_directory
from ringflow.actor import Actor
from ringflow.audit import Verb, note
from ringflow.ledger.account import open_account
from ringflow.ledger.payments import Purpose, credit_card
from ringflow.plain_text import plain
from ringflow.store.card_tables import card_batches, cards
from ringflow.store.statement import Statement

_TAKE = Statement(
    "UPDATE cards SET status = 'used', redeemed_by = :customer_id, redeemed_as = :redeemed_as, "
    "redeemed_ms = :now_ms WHERE id = :card_id AND status = 'available' AND archived_ms IS NULL "
    "AND (expires_ms IS NULL OR expires_ms > :now_ms) RETURNING id",
    customer_id="bigint",
    redeemed_as="text",
    now_ms="bigint",
    card_id="text",
)

_LOCK = Statement("SELECT id FROM cards WHERE id = :card_id {lock}", card_id="text")


async def redeem(actor: Actor, card_id: str) -> Customer:
    """Make the card's own customer and give it the card's credit.

    Raises `CardRefused`: used, disabled, expired, archived.
    """
    await lock_directory(actor)
    card = await _locked(actor.connection, card_id)
    _refuse_unfit(card, actor.now_ms)
    customer = await make_customer(actor, card.customer_id, card_id)
    await _give(actor, card, customer, "account")
    return customer


async def top_up(actor: Actor, card_id: str, customer_id: int) -> Card:
    """Give the card's credit to a customer that is there already; returns the card as it was.

    Raises `CardRefused`: used, disabled, expired, archived, another currency, a template that is not the
    customer's, where the batch asks for that.
    """
    await lock_directory(actor)
    card = await _locked(actor.connection, card_id)
    _refuse_unfit(card, actor.now_ms)
    customer = await customers.show(actor.connection, customer_id)
    if customer.currency != card.currency:
        raise CardRefused(
            Why.OTHER_CURRENCY,
            "currency.differs",
            f"card {card_id} is in {card.currency}, and customer {customer_id} has {customer.currency}",
            currency=card.currency,
            other=customer.currency,
        )
    if not await may_top_up(actor.connection, card, customer_id):
        raise CardRefused(
            Why.OTHER_CUSTOMER,
            "card.other_customer",
            f"card {card_id} is of customer {card.customer_id}, and tops up only accounts made from it",
            card=card_id,
            customer=card.customer_id,
        )
    await _give(actor, card, customer, "top_up")
    return card


async def _locked(connection: AsyncConnection, card_id: str) -> Card:
    """The card as it stays until the commit: its credit and its template are not changed meanwhile."""
    await _LOCK.run(connection, None, card_id=card_id)
    return await show_card(connection, card_id)


async def _give(actor: Actor, card: Card, customer: Customer, redeemed_as: RedeemedAs) -> None:
    connection, now_ms = actor.connection, actor.now_ms
    taken = await _TAKE.run(
        connection, None, customer_id=customer.id, redeemed_as=redeemed_as, now_ms=now_ms, card_id=card.id
    )
    if not taken:
        raise _used(card.id)
    if card.credit_micros:
        purpose = Purpose(f"card:{card.id}", f"card {card.id}")
        await credit_card(actor, customer.id, card.credit_micros, purpose)
    else:
        await open_account(connection, customer.id, now_ms)
    after = await show_card(connection, card.id)
    await note(actor, Verb.REDEEM, f"card {card.id}", asdict(card), asdict(after))


def _refuse_unfit(card: Card, now_ms: int) -> None:
    if card.archived_ms is not None:
        raise CardRefused(Why.DISABLED, "card.archived", f"card {card.id} is archived", card=card.id)
    if card.redeemed_by is not None:
        raise _used(card.id)
    if card.status == "disabled":
        raise CardRefused(Why.DISABLED, "card.disabled", f"card {card.id} is disabled", card=card.id)
    if card.expired(now_ms):
        raise CardRefused(Why.EXPIRED, "card.expired", f"card {card.id} has expired", card=card.id)


async def may_top_up(connection: AsyncConnection, card: Card, customer_id: int) -> bool:
    """Whether credit may go between the card and a customer.

    That is its template, a customer that was made from it, or anyone where the batch says so.
    """
    if customer_id == card.customer_id:
        return True
    query = select(card_batches.c.top_up).where(card_batches.c.name == card.batch)
    if (await connection.execute(query)).scalar_one() == "anyone":
        return True
    made = select(cards.c.id).where(
        cards.c.redeemed_by == customer_id,
        cards.c.redeemed_as == "account",
        cards.c.customer_id == card.customer_id,
    )
    return (await connection.execute(made.limit(1))).scalar() is not None


def _used(card_id: str) -> CardRefused:
    return CardRefused(
        Why.USED, "card.used", f"card {plain(card_id)} is used: its credit was given already", card=card_id
    )
