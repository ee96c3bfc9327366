"""What `cxRest` reads: each resource with the right that it takes and the fields by which rows are found."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import cast, get_args

from pydantic import JsonValue
from sqlalchemy import select

from ringflow.accounts import clis, customers, dids
from ringflow.accounts.cards.card import Filter as CardFilter
from ringflow.accounts.cards.card import Status, card_page, find_card
from ringflow.accounts.clis import CliFilter
from ringflow.accounts.customer_overview import CustomerFilter, customer_page
from ringflow.accounts.dids import DidFilter
from ringflow.config import CustomerStatus
from ringflow.ledger.account import account_of
from ringflow.ledger.movement import Kind
from ringflow.ledger.statement import statement_of
from ringflow.rights import Right
from ringflow.scripts.rest_fields import (
    CUSTOMER,
    Asked,
    balance_row,
    card_row,
    cdr_row,
    cli_row,
    customer_row,
    did_row,
    needed,
    number_in,
    payment_row,
)
from ringflow.store import Store
from ringflow.store.record_tables import call_records

MAX_MOVEMENTS = 10_000
"""Of a customer with more, `payment` is read by its dates only."""
STATUSES = get_args(CustomerStatus)
_PAYMENTS = (Kind.PAY_IN, Kind.PAY_OUT, Kind.ADJUSTMENT)


@dataclass(frozen=True, slots=True)
class Reading:
    """From which database a script reads, in which country, and when."""

    store: Store
    country: str
    now_ms: int


Read = Callable[[Reading, Asked], Awaitable[JsonValue]]


async def _cli(reading: Reading, asked: Asked) -> JsonValue:
    """A number is found as it identifies callers: however it is written, and never as a row's ID."""
    asked.check_fields("cli", "number", "id", "is_pattern", "s", "_limit", *CUSTOMER)
    customer_id, written = asked.customer_id, asked.text("cli", "number")
    wanted = asked.key or asked.text("id")
    if wanted is not None:
        async with reading.store.reading() as connection:
            found = await clis.find(connection, wanted, reading.country)
    elif written is not None:
        found = await clis.find_written(reading.store, written, reading.country)
    else:
        fitting = CliFilter(customer_id, asked.flag("is_pattern"), search=asked.text("s"))
        async with reading.store.reading() as connection:
            return [cli_row(one) for one in (await clis.page(connection, fitting, asked.page)).items]
    return [cli_row(found)] if found is not None and customer_id in (None, found.customer_id) else []


async def _customer(reading: Reading, asked: Asked) -> JsonValue:
    asked.check_fields("id", "name", "status", "currency", "s", "_limit", *CUSTOMER)
    async with reading.store.reading() as connection:
        if asked.key is not None:
            return customer_row(await customers.show(connection, number_in(asked.key)))
        number = asked.number("id", *CUSTOMER)
        if number is not None:
            found = await customers.find(connection, number)
            return [customer_row(found)] if found is not None else []
        name, status = asked.text("name"), asked.one_of("status", STATUSES)
        search = asked.text("s") or name
        fitting = CustomerFilter(search, cast("CustomerStatus | None", status), asked.text("currency"))
        page = await customer_page(connection, fitting, asked.page)
        return [customer_row(one) for one, _ in page.items if name in (None, one.name)]


async def _did(reading: Reading, asked: Asked) -> JsonValue:
    asked.check_fields("did", "number", "id", "app", "destination", "enabled", "s", "_limit", *CUSTOMER)
    async with reading.store.reading() as connection:
        wanted = asked.key or asked.text("did", "number", "id")
        if wanted is not None:
            found = await dids.find(connection, wanted, reading.country)
            return [did_row(found)] if found is not None else []
        fitting = DidFilter(
            asked.customer_id, asked.text("app", "destination"), asked.flag("enabled"), search=asked.text("s")
        )
        return [did_row(one) for one in (await dids.page(connection, fitting, asked.page)).items]


async def _card(reading: Reading, asked: Asked) -> JsonValue:
    asked.check_fields("id", "status", "batch", "template_id", "s", "_limit", *CUSTOMER)
    async with reading.store.reading() as connection:
        wanted = asked.key or asked.text("id")
        if wanted is not None:
            found = await find_card(connection, wanted)
            return [card_row(found)] if found is not None else []
        fitting = CardFilter(
            cast("Status | None", asked.one_of("status", get_args(Status))),
            asked.text("batch"),
            asked.number("template_id"),
            asked.customer_id,
            search=asked.text("s"),
        )
        return [card_row(one) for one in (await card_page(connection, fitting, asked.page)).items]


async def _balance(reading: Reading, asked: Asked) -> JsonValue:
    asked.check_fields("id", *CUSTOMER)
    async with reading.store.reading() as connection:
        number = number_in(asked.key) if asked.key is not None else asked.number("id", *CUSTOMER)
        return balance_row(await account_of(connection, needed(number, "company_id"), reading.now_ms))


async def _payment(reading: Reading, asked: Asked) -> JsonValue:
    """Payments and corrections of a customer, the latest first."""
    asked.check_fields("from", "until", "_limit", *CUSTOMER)
    async with reading.store.reading() as connection:
        number = needed(asked.customer_id, "company_id")
        since_ms, until_ms = asked.number("from"), asked.number("until")
        found = await statement_of(connection, number, since_ms, until_ms, MAX_MOVEMENTS)
        rows: list[JsonValue] = [
            payment_row(one, number) for one in reversed(found.entries) if one.kind in _PAYMENTS
        ]
        return rows[: asked.page.limit]


async def _cdr(reading: Reading, asked: Asked) -> JsonValue:
    """Records of calls, the latest first. `from` and `until`: milliseconds since 1970."""
    asked.check_fields("id", "callid", "did", "cli", "card_id", "from", "until", "_limit", *CUSTOMER)
    async with reading.store.reading() as connection:
        columns = call_records.c
        query = select(call_records).order_by(columns.started_ms.desc(), columns.call_id.desc())
        wanted = {
            "call_id": asked.key or asked.text("id", "callid"),
            "did": asked.text("did"),
            "cli": asked.text("cli"),
            "card_id": asked.text("card_id"),
            "customer_id": asked.customer_id,
        }
        for name, value in wanted.items():
            if value is not None:
                query = query.where(columns[name] == value)
        if (since_ms := asked.number("from")) is not None:
            query = query.where(columns.started_ms >= since_ms)
        if (until_ms := asked.number("until")) is not None:
            query = query.where(columns.started_ms < until_ms)
        rows = (await connection.execute(query.limit(asked.page.limit))).mappings()
        return [cdr_row(row) for row in rows]


READS: Mapping[str, tuple[Right, Read]] = {
    "cli": (Right.CUSTOMERS_READ, _cli),
    "customer": (Right.CUSTOMERS_READ, _customer),
    "card": (Right.CARDS_READ, _card),
    "did": (Right.DIDS_READ, _did),
    "cdr": (Right.CALLS_READ, _cdr),
    "balance": (Right.MONEY_READ, _balance),
    "payment": (Right.MONEY_READ, _payment),
}
"""By its name. What is not found is an empty list, except behind a slash."""
