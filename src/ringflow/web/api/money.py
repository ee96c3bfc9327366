"""Customers' credit over HTTP: accounts, movements, payments, transfers and refunds."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import customers
from ringflow.actor import Actor
from ringflow.forms.account import (
    AccountForm,
    HoldForm,
    MovementForm,
    account_form,
    hold_form,
    movement_form,
)
from ringflow.ledger.account import Account, read_account
from ringflow.ledger.hold import HOLDS, HoldFilter, hold_page
from ringflow.ledger.movement import MOVEMENTS, Kind, MovementFilter, movement_page
from ringflow.ledger.payment_orders import (
    Order,
    PaymentOrder,
    RefundOrder,
    TransferOrder,
    move,
    movement_key,
)
from ringflow.ledger.payments import Purpose
from ringflow.rights import Right
from ringflow.store.pages import Page, PageRequest
from ringflow.web.api.period import milliseconds
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.reading import Input
from ringflow.web.rest.services import Services

ACCOUNTS = Resource("ledger", "/accounts", "Customers' credit.")
HELD = Resource("ledger", "/holds", "Credit that is set aside for calls in progress.")
MOVED = Resource("ledger", "/movements", "Movements of money between accounts.")


class MovementQuery(Input):
    """Which movements."""

    customer: int | None = None
    kind: Kind | None = None
    operator: str | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    """The first moment after."""
    q: str | None = None
    """A part of the reason."""


class HoldQuery(Input):
    """Which holds."""

    customer: int | None = None
    server: str | None = None
    q: str | None = None
    """How the leg's ID begins."""


class Moved(Input):
    """What every movement has."""

    reason: str
    """Why, for the books."""
    key: str | None = None
    """The movement's own key: with the same one it is made once, whoever asks. Else it gets a new one."""


class Payment(Moved):
    """Credit for a customer, or less of it."""

    kind: Literal[Kind.PAY_IN, Kind.PAY_OUT, Kind.ADJUSTMENT]
    customer: int
    amount: str
    """Decimal text in the customer's currency. That of an adjustment may be below zero."""


class Transfer(Moved):
    """Credit from one customer to another of the same currency."""

    customer: int
    to: int
    amount: str


class Refund(Moved):
    """What a leg was charged, or a part of it, given back."""

    leg_id: str
    amount: str | None = None
    """null: all that is left."""


@ACCOUNTS.get(Right.MONEY_READ, "/{customer}")
async def show_account(connection: AsyncConnection, services: Services, customer: int) -> AccountForm:
    """Return a customer's credit."""
    account = await read_account(connection, customer, services.now_ms())
    if account is None:
        currency = (await customers.show(connection, customer)).currency
        account = Account(customer, currency, 0, 0, 0, None, 0, 0)
    return account_form(account)


@HELD.get(Right.MONEY_READ, listing=HOLDS)
async def list_holds(connection: AsyncConnection, query: HoldQuery, asked: PageRequest) -> Page[HoldForm]:
    """List the holds that have not ended."""
    wanted = HoldFilter(query.customer, query.server, query.q)
    return (await hold_page(connection, wanted, asked)).map(hold_form)


@MOVED.get(Right.MONEY_READ, listing=MOVEMENTS)
async def list_movements(
    connection: AsyncConnection, query: MovementQuery, asked: PageRequest
) -> Page[MovementForm]:
    """List movements, the newest first."""
    wanted = MovementFilter(
        query.customer,
        query.kind,
        query.operator,
        milliseconds(query.since),
        milliseconds(query.until),
        query.q,
    )
    return (await movement_page(connection, wanted, asked)).map(movement_form)


@MOVED.post(Right.MONEY_MOVE, ":pay")
async def pay(actor: Actor, body: Payment) -> MovementForm:
    """Pay in, pay out, or correct."""
    return await _moved(actor, PaymentOrder(body.kind, body.customer, body.amount), body)


@MOVED.post(Right.MONEY_MOVE, ":transfer")
async def transfer(actor: Actor, body: Transfer) -> MovementForm:
    """Move credit from one customer to another."""
    return await _moved(actor, TransferOrder(body.customer, body.to, body.amount), body)


@MOVED.post(Right.MONEY_MOVE, ":refund")
async def refund(actor: Actor, body: Refund) -> MovementForm:
    """Give back what a leg was charged, or a part of it."""
    return await _moved(actor, RefundOrder(body.leg_id, body.amount), body)


async def _moved(actor: Actor, order: Order, body: Moved) -> MovementForm:
    purpose = Purpose(movement_key(body.key, "api"), body.reason)
    return movement_form(await move(actor, order, purpose))
