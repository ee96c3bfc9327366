"""Customers with what belongs to them: balance, CLIs, DIDs and cards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Text, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import clis, customers, dids
from ringflow.accounts.clis import Cli
from ringflow.accounts.customers import COLUMNS, Customer
from ringflow.accounts.dids import Did
from ringflow.accounts.directory_changes import Source
from ringflow.accounts.service_passwords import find_password
from ringflow.config import CustomerStatus
from ringflow.ledger.account import Account, read_account
from ringflow.store.caller_tables import cli_codes
from ringflow.store.card_tables import cards
from ringflow.store.conditions import contains
from ringflow.store.ledger_tables import ledger_accounts
from ringflow.store.page_filters import Filters
from ringflow.store.pages import Listing, Page, PageRequest
from ringflow.store.tables import clis as clis_table
from ringflow.store.tables import customers as customers_table
from ringflow.store.tables import dids as dids_table

MAX_LISTED = 100
"""How many of a customer's CLIs, DIDs and cards are listed with it."""


@dataclass(frozen=True, slots=True)
class CustomerOverview:
    """A customer, its account (None before its first payment), and the first of what belongs to it.

    `cards`: the IDs of those whose credit became the customer's. `shared_clis`: the numbers at which it has a
    code. `template_cards`: how many cards of each
    status were made with the customer as their template.
    """

    customer: Customer
    account: Account | None
    clis: Sequence[Cli]
    cli_count: int
    dids: Sequence[Did]
    did_count: int
    cards: Sequence[str]
    card_count: int
    template_cards: dict[str, int]
    service_password: bool
    shared_clis: Sequence[str]


CUSTOMERS = Listing(
    "customers",
    {
        "id": (customers_table.c.id,),
        "name": (func.lower(customers_table.c.name, type_=Text()), customers_table.c.id),
    },
    first="id",
)


@dataclass(frozen=True, slots=True)
class CustomerFilter:
    """Which customers: those that fit all given. `search`: an id, or a part of a name in any capitals."""

    search: str | None = None
    status: CustomerStatus | None = None
    currency: str | None = None
    source: Source | None = None


async def customer_page(
    connection: AsyncConnection, wanted: CustomerFilter, asked: PageRequest
) -> Page[tuple[Customer, int]]:
    """Read a page of customers, each with its balance in micro-units."""
    # Not joined: PostgreSQL would read the accounts from the first one on to a page in the middle.
    own = ledger_accounts.c.customer_id == customers_table.c.id
    balance = select(ledger_accounts.c.balance_micros).where(own).scalar_subquery()
    query = select(*COLUMNS, func.coalesce(balance, 0))
    return await CUSTOMERS.page(
        connection, query, asked, lambda row: (Customer(*row[:-1]), int(row[-1])), _filters(wanted)
    )


def fitting(wanted: CustomerFilter) -> list[ColumnElement[bool]]:
    """Return the conditions of the customers that fit."""
    return _filters(wanted).conditions()


def _filters(wanted: CustomerFilter) -> Filters:
    columns = customers_table.c
    own = (
        (columns.status, wanted.status),
        (columns.source, wanted.source),
        (columns.currency, wanted.currency),
    )
    tried: list[ColumnElement[bool]] = []
    if wanted.search is not None:
        named = contains(columns.name, wanted.search)
        tried.append(or_(columns.id == int(wanted.search), named) if _is_id(wanted.search) else named)
    return Filters(own, tried)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


async def overview(connection: AsyncConnection, customer_id: int, now_ms: int) -> CustomerOverview:
    """A customer and what belongs to it. Raises `Refused` when there is none."""
    customer = await customers.show(connection, customer_id)
    counts = await connection.execute(
        select(
            select(func.count()).where(clis_table.c.customer_id == customer_id).scalar_subquery(),
            select(func.count()).where(dids_table.c.customer_id == customer_id).scalar_subquery(),
            select(func.count()).where(cards.c.redeemed_by == customer_id).scalar_subquery(),
        )
    )
    cli_count, did_count, card_count = counts.one()
    codes = select(cli_codes.c.number).where(cli_codes.c.customer_id == customer_id)
    shared = codes.order_by(cli_codes.c.id).limit(MAX_LISTED)
    redeemed = select(cards.c.id).where(cards.c.redeemed_by == customer_id).order_by(cards.c.id)
    of_status = (
        select(cards.c.status, func.count())
        .where(cards.c.customer_id == customer_id)
        .group_by(cards.c.status)
        .order_by(cards.c.status)
    )
    return CustomerOverview(
        customer=customer,
        account=await read_account(connection, customer_id, now_ms),
        clis=await clis.every(connection, customer_id=customer_id, limit=MAX_LISTED),
        cli_count=cli_count,
        dids=await dids.every(connection, customer_id=customer_id, limit=MAX_LISTED),
        did_count=did_count,
        cards=(await connection.execute(redeemed.limit(MAX_LISTED))).scalars().all(),
        card_count=card_count,
        shared_clis=(await connection.execute(shared)).scalars().all(),
        service_password=await find_password(connection, customer_id) is not None,
        template_cards={row[0]: row[1] for row in await connection.execute(of_status)},
    )
