"""How long a page of each list takes in a database of many rows: the first one, and one in the middle."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Select, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow import audit
from ringflow.accounts import clis, customer_overview, dids
from ringflow.accounts.cards import card
from ringflow.accounts.vouchers import voucher
from ringflow.bench.list_answers import ANSWERS, AnswerFigures, measure_answers
from ringflow.ledger import movement
from ringflow.ledger.account import House, house_id
from ringflow.ledger.rates import card as rate_card
from ringflow.money import Rounding
from ringflow.records import queries
from ringflow.store import Store
from ringflow.store.pages import Listing, Page, PageRequest

PAGE = 100
ROUNDS = 5
BEGAN_MS = 1_750_000_000_000
CASH, REVENUE = house_id(House.CASH, "USD"), house_id(House.REVENUE, "USD")

Read = Callable[[AsyncConnection, PageRequest], Awaitable[Page[Any]]]

# `n.i` counts from 1 to `{rows}`. The statements have no text of anybody else's in them.
_FILL = """
INSERT INTO customers (id, name, status, currency, channels, caller_id, source, created_ms, updated_ms)
SELECT n.i, 'Customer ' || (n.i * 7919 % {rows}), 'active', 'USD', NULL, NULL, 'operator', {now}, {now}
FROM {series};

INSERT INTO clis (customer_id, number, pattern, notes, source, created_ms, updated_ms)
SELECT 1 + n.i % {rows}, '4419' || (10000000 + n.i), NULL, '', 'operator', {now}, {now} FROM {series};

INSERT INTO dids (number, app, identify, customer_id, enabled, reject_code, source, created_ms, updated_ms)
SELECT '1800' || (10000000 + n.i), 'app' || (n.i % 50), 'cli', 1 + n.i % {rows}, {true}, 403, 'operator',
       {now}, {now}
FROM {series};

INSERT INTO card_batches (name, customer_id, credit_micros, currency, count, status, pin_length, pin_only,
                          top_up, operator, created_ms, ready_ms)
SELECT 'batch ' || n.i, 1, 5000000, 'USD', 1, 'available', 6, {false}, 'same', 'ann', {now}, {now}
FROM {hundred};

INSERT INTO cards (id, batch_id, customer_id, credit_micros, currency, status, pepper, expires_ms, created_ms,
                   redeemed_by, redeemed_as, redeemed_ms)
SELECT CAST(100000000000 + n.i * 7 AS TEXT), 1 + n.i * 100 / ({rows} + 1), 1 + n.i % 10, 5000000, 'USD',
       CASE WHEN n.i % 5 = 0 THEN 'used' ELSE 'available' END, 'v1',
       CASE WHEN n.i % 3 = 0 THEN NULL ELSE {now} + n.i % 400 * 86400000 END, {now},
       CASE WHEN n.i % 5 = 0 THEN 1 + n.i % {rows} END, CASE WHEN n.i % 5 = 0 THEN 'account' END,
       CASE WHEN n.i % 5 = 0 THEN {now} + n.i END
FROM {series};

INSERT INTO vouchers (batch, code_digest, pepper, kind, value_micros, currency, minimum_micros, status,
                      operator, created_ms)
SELECT 'batch ' || (n.i * 100 / ({rows} + 1)), 'd' || n.i, 'v1', 'value', 5000000, 'USD', 0, 'available',
       'ann', {now}
FROM {series};

INSERT INTO ledger_accounts (id, customer_id, house, currency, balance_micros, held_micros,
                             debit_limit_micros, spent_micros, spent_day, created_ms)
SELECT n.i, n.i, NULL, 'USD', 0, 0, 0, 0, 0, {now} FROM {series};

INSERT INTO ledger_accounts (id, customer_id, house, currency, balance_micros, held_micros,
                             debit_limit_micros, spent_micros, spent_day, created_ms)
VALUES ({cash}, NULL, 'cash', 'USD', 0, 0, 0, 0, 0, {now}),
       ({revenue}, NULL, 'revenue', 'USD', 0, 0, 0, 0, 0, {now});

INSERT INTO ledger_movements (key, kind, debit_id, credit_id, currency, micros, reason, operator, created_ms)
SELECT 'k' || n.i, CASE WHEN n.i % 10 = 0 THEN 'pay_in' ELSE 'charge' END,
       CASE WHEN n.i % 10 = 0 THEN {cash} ELSE 1 + n.i % 1000 END,
       CASE WHEN n.i % 10 = 0 THEN 1 + n.i % 1000 ELSE {revenue} END,
       'USD', 1000000, 'reason', '', {now} + n.i
FROM {series};

INSERT INTO call_records (call_id, server, started_ms, duration_ms, did, cli, app, customer_id, card_id,
                          outcome, reason)
SELECT 'c' || n.i, 'here', {now} + n.i, 60000, '1800' || (10000000 + n.i % 500),
       '4419' || (10000000 + n.i % 5000), 'app', 1 + n.i % 1000, NULL, 'completed', ''
FROM {series};

INSERT INTO call_legs (call_id, position, dialled, trunk, status)
SELECT 'c' || n.i, 1, '447' || (100000000 + n.i), 'carrier', 'answered' FROM {series};

INSERT INTO audit_log (at_ms, operator, verb, subject)
SELECT {now} + n.i, 'op' || (n.i % 20), 'set', 'customer ' || (n.i % 10000) FROM {series};

INSERT INTO rate_cards (id, name, currency, decimals, rounding, is_default, revision)
VALUES (1, 'retail', 'USD', 4, 'up', {false}, 1);

INSERT INTO rates (card_id, prefix, price_micros, connection_micros, minimum_s, increment_s, grace_s, from_ms,
                   destination)
SELECT 1, CAST(1000000 + n.i AS TEXT), 10000, 0, 1, 1, 0, 0, 'Place ' || (n.i % 500) FROM {series}
"""


@dataclass(frozen=True, slots=True)
class ListFigures:
    """A list by a sort, or with a filter: how long a page took at its beginning and in its middle."""

    name: str
    what: str
    first_ms: float
    middle_ms: float | None


@dataclass(frozen=True, slots=True)
class _Measured:
    listing: Listing
    what: str
    read: Read
    sort: str
    has_middle: bool = True


async def measure_lists(
    rows: int, database_url: str | None, times: int = ANSWERS
) -> tuple[list[ListFigures], list[AnswerFigures]]:
    """Fill a database, which must be empty, and read pages of its lists. None: a new SQLite file.

    Returns what the reading takes, and what the answers of the API do, each asked for so many `times`.
    """
    with TemporaryDirectory() as folder:
        store = await Store.open(database_url or f"sqlite:///{Path(folder)}/lists.db")
        try:
            await store.migrate()
            await _fill(store, rows)
            async with store.reading() as connection:
                read = [await _measure(connection, one, rows) for one in _measured()]
            filled = frozenset(one.name for one in read)
            return read, await measure_answers(store, rows, filled, times)
        finally:
            await store.close()


async def _fill(store: Store, rows: int) -> None:
    is_sqlite = store.dialect == "sqlite"

    numbers = (
        "(WITH RECURSIVE n(i) AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
        "SELECT i FROM n) AS n"
        if is_sqlite
        else "generate_series(CAST(1 AS BIGINT), {count}) AS n(i)"
    )
    words = {
        "rows": rows,
        "now": BEGAN_MS,
        "cash": CASH,
        "revenue": REVENUE,
        "series": numbers.format(count=rows),
        "hundred": numbers.format(count=100),
        "true": "1" if is_sqlite else "true",
        "false": "0" if is_sqlite else "false",
    }
    for statement in _FILL.format(**words).split(";\n"):
        async with store.writing() as connection:
            await connection.execute(text(statement))
    if not is_sqlite:
        async with store.writing() as connection:
            # Otherwise done by the server itself, some time later.
            await connection.execute(text("ANALYZE"))


def _measured() -> Iterator[_Measured]:
    def customers(**wanted: Any) -> Read:
        return lambda c, asked: customer_overview.customer_page(
            c, customer_overview.CustomerFilter(**wanted), asked
        )

    def of_clis(**wanted: Any) -> Read:
        return lambda c, asked: clis.page(c, clis.CliFilter(**wanted), asked)

    def of_dids(**wanted: Any) -> Read:
        return lambda c, asked: dids.page(c, dids.DidFilter(**wanted), asked)

    def cards(**wanted: Any) -> Read:
        return lambda c, asked: card.card_page(c, card.Filter(**wanted), asked)

    def vouchers(**wanted: Any) -> Read:
        return lambda c, asked: voucher.voucher_page(c, voucher.VoucherFilter(**wanted), asked)

    def movements(**wanted: Any) -> Read:
        return lambda c, asked: movement.movement_page(c, movement.MovementFilter(**wanted), asked)

    def calls(**wanted: Any) -> Read:
        return lambda c, asked: queries.call_page(c, queries.Filter(**wanted), asked)

    def entries(**wanted: Any) -> Read:
        return lambda c, asked: audit.entry_page(c, audit.EntryFilter(**wanted), asked)

    async def rates(connection: AsyncConnection, asked: PageRequest) -> Page[Any]:
        # Its rates are not counted, as a look-up of the card would.
        retail = rate_card.RateCard(1, "retail", "USD", 4, Rounding.UP, is_default=False, revision=1)
        return await rate_card.rate_page(connection, retail, rate_card.RateFilter(), asked)

    of: dict[Listing, Callable[..., Read]] = {
        customer_overview.CUSTOMERS: customers,
        clis.CLIS: of_clis,
        dids.DIDS: of_dids,
        card.CARDS: cards,
        voucher.VOUCHERS: vouchers,
        rate_card.RATES: lambda: rates,
        movement.MOVEMENTS: movements,
        queries.CALLS: calls,
        audit.ENTRIES: entries,
    }
    for listing, read in of.items():
        for sort in listing.sorts:
            yield _Measured(listing, f"by {sort}", read(), sort)
    for listing, what, wanted in (
        (customer_overview.CUSTOMERS, "search, in one name of ten", {"search": "omer 9"}),
        (customer_overview.CUSTOMERS, "search, in no name", {"search": "nobody"}),
        (card.CARDS, "of a batch", {"batch": "batch 50"}),
        (card.CARDS, "of a status that none has", {"status": "disabled"}),
        (movement.MOVEMENTS, "of a customer, one of a thousand", {"customer_id": 500}),
        (queries.CALLS, "of a customer, one of a thousand", {"customer": 500}),
        (queries.CALLS, "of a CLI", {"cli": "441910000500"}),
        (queries.CALLS, "to a number that was dialled once", {"number": "447100500000"}),
        (audit.ENTRIES, "of an operator, one of twenty", {"operator": "op7"}),
        (audit.ENTRIES, "of a subject", {"subject": "customer 5000"}),
        (audit.ENTRIES, "of a kind of subjects, which all are", {"subject": "customer"}),
    ):
        yield _Measured(listing, what, of[listing](**wanted), listing.first, has_middle=False)


async def _measure(connection: AsyncConnection, one: _Measured, rows: int) -> ListFigures:
    first_ms = await _time(connection, one, None)
    if not one.has_middle:
        return ListFigures(one.listing.name, one.what, first_ms, None)
    columns = one.listing.sorts[one.sort]
    query: Select[Any] = select(*columns).order_by(*columns).offset(rows // 2).limit(1)
    values = (await connection.execute(query)).one()
    middle_ms = await _time(connection, one, one.listing.cursor(one.sort, list(values)))
    return ListFigures(one.listing.name, one.what, first_ms, middle_ms)


async def _time(connection: AsyncConnection, one: _Measured, after: str | None) -> float:
    took = []
    for _ in range(ROUNDS):
        began_s = time.perf_counter()
        await one.read(connection, PageRequest(PAGE, after, one.sort))
        took.append(1000 * (time.perf_counter() - began_s))
    return median(took)
