"""Customers' credit over HTTP: accounts, movements, payments, transfers and refunds."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.directory_changes import lock_directory
from ringflow.actor import Actor
from ringflow.forms.account import (
    AccountForm,
    HoldForm,
    LimitsForm,
    MovementForm,
    account_form,
    hold_form,
    limits_form,
    movement_form,
)
from ringflow.forms.statement import StatementForm, statement_form
from ringflow.ledger.account import account_of, open_account
from ringflow.ledger.account_list import ACCOUNTS as ACCOUNT_LIST
from ringflow.ledger.account_list import AccountFilter, account_page
from ringflow.ledger.hold import HOLDS, HoldFilter, hold_page
from ringflow.ledger.limit_order import LimitOrder, set_limits
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
from ringflow.ledger.statement import check_explained, statement_of
from ringflow.rights import Right
from ringflow.store.pages import Page, PageRequest
from ringflow.web.api.period import milliseconds
from ringflow.web.rest.conditions import IfMatch
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input, Patch, unchanged
from ringflow.web.rest.services import Services

ACCOUNTS = Resource("ledger", "/accounts", "Customers' credit.")
HELD = Resource("ledger", "/holds", "Credit that is set aside for calls in progress.")
MOVED = Resource("ledger", "/movements", "Movements of money between accounts.")


LONGEST_STATEMENT = 10_000
"""As many movements a statement has at most here: it is put together in memory, beside the calls."""


class AccountQuery(Input):
    """Which accounts."""

    currency: str | None = None


class LimitPatch(Patch):
    """What is to be changed of a customer's limits: the fields that are there."""

    debit_limit: str = unchanged()
    """0: prepaid; above: an overdraft; below: what is kept back. Decimal text in the customer's currency."""
    daily_limit: str | None = unchanged()
    """What calls may cost in one UTC day; null: no limit."""


class StatementQuery(Input):
    """Of which period."""

    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    """The first moment after."""


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


@ACCOUNTS.get(Right.MONEY_READ, listing=ACCOUNT_LIST)
async def list_accounts(
    connection: AsyncConnection, services: Services, query: AccountQuery, asked: PageRequest
) -> Page[AccountForm]:
    """List customers' accounts. One is opened by the first payment, limit or call of its customer."""
    page = await account_page(connection, AccountFilter(query.currency), asked, services.now_ms())
    return page.map(account_form)


@ACCOUNTS.get(Right.MONEY_READ, "/{customer}")
async def show_account(connection: AsyncConnection, services: Services, customer: int) -> AccountForm:
    """Return a customer's credit."""
    return account_form(await account_of(connection, customer, services.now_ms()))


@ACCOUNTS.get(Right.MONEY_READ, "/{customer}/limits", tagged=True)
async def show_limits(connection: AsyncConnection, services: Services, customer: int) -> LimitsForm:
    """Return a customer's limits: how far its credit may fall, and what its calls may cost in a day."""
    return limits_form(await account_of(connection, customer, services.now_ms()))


@ACCOUNTS.patch(Right.MONEY_MOVE, "/{customer}/limits")
async def alter_limits(actor: Actor, customer: int, match: IfMatch, body: LimitPatch) -> LimitsForm:
    """Change the limits that the body has. Calls in progress go on with what they hold."""
    await open_account(actor.connection, customer, actor.now_ms)
    await lock_directory(actor)
    match.require(limits_form(await account_of(actor.connection, customer, actor.now_ms)))
    changes = body.changes()
    daily = changes.get("daily_limit")
    no_daily = "daily_limit" in changes and daily is None
    await set_limits(actor, customer, LimitOrder(changes.get("debit_limit"), daily, no_daily))
    return limits_form(await account_of(actor.connection, customer, actor.now_ms))


@ACCOUNTS.get(Right.MONEY_READ, "/{customer}/statement")
async def show_statement(connection: AsyncConnection, customer: int, query: StatementQuery) -> StatementForm:
    """Return each movement of a customer's credit in a period, with the balance before it and after it."""
    since_ms, until_ms = milliseconds(query.since), milliseconds(query.until)
    statement = await statement_of(connection, customer, since_ms, until_ms, LONGEST_STATEMENT)
    check_explained(statement)
    return statement_form(statement, since_ms, until_ms)


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
