"""What one statement of PostgreSQL's carries out, and what it leaves to the steps."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

import pytest
from sqlalchemy import select, text
from structlog.testing import capture_logs
from tests.ledger.conftest import Bank

from ringflow.actor import acting, shell_operator
from ringflow.ledger.account import House, house_id, house_id_sql
from ringflow.ledger.batch import Answer, Request, run_batch, run_batch_statement
from ringflow.ledger.check import check_books
from ringflow.ledger.credit_limits import set_daily_limit
from ringflow.ledger.hold import Hold, HoldState, LegTaken, NoCredit
from ringflow.ledger.hold_requests import HoldRequest
from ringflow.ledger.settlement import Settlement, SettleRequest
from ringflow.money import CURRENCY_DIGITS
from ringflow.store import DirectConnection, Store
from ringflow.store.ledger_tables import ledger_accounts, ledger_holds, ledger_movements

UNIT = 1_000_000

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.parametrize("database_url", ["postgresql"], indirect=True),
]


class WatchedStore(Store):
    """Knows how many batches went step by step."""

    in_steps = 0

    def writing_directly(self) -> AbstractAsyncContextManager[DirectConnection]:
        self.in_steps += 1
        return super().writing_directly()


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = await WatchedStore.open(database_url)
    yield opened
    await opened.close()


def in_steps(bank: Bank) -> int:
    return cast(WatchedStore, bank.store).in_steps


async def test_holds_and_settlements_of_many_are_one_statement(bank: Bank) -> None:
    for customer in (41, 42):
        await bank.customer(customer, 5)
    await bank.customer(43, 7, "EUR")
    before = await asyncio.gather(*[bank.ledger.hold(f"{who} before", who, 2 * UNIT) for who in (41, 42, 43)])
    assert all(isinstance(hold, Hold) for hold in before)
    settled = [bank.ledger.settle(f"{who} before", UNIT) for who in (42, 43)]
    # 42 has 3 of its 5 free, and 4 only with what the settlement gives back.
    made = [bank.ledger.hold("42 now", 42, 4 * UNIT), bank.ledger.hold("41 now", 41, 3 * UNIT)]
    answers = await asyncio.gather(*made, bank.ledger.release("41 before"), *settled)
    assert [one.micros for one in answers[:2] if isinstance(one, Hold)] == [4 * UNIT, 3 * UNIT]
    assert [one.charged_micros for one in answers[2:] if isinstance(one, Settlement)] == [0, UNIT, UNIT]
    accounts = [await bank.account(who) for who in (41, 42, 43)]
    assert [one.balance_micros // UNIT for one in accounts] == [5, 4, 6]
    assert [one.held_micros // UNIT for one in accounts] == [3, 4, 0]
    assert [one.spent_today_micros // UNIT for one in accounts] == [0, 1, 1]
    assert in_steps(bank) == 0


async def test_what_one_statement_cannot_do_is_done_in_steps_and_the_rest_at_once(bank: Bank) -> None:
    for customer in (41, 42):
        await bank.customer(customer, 5)
    await asyncio.gather(*[bank.ledger.hold(leg, 41, UNIT) for leg in ("short", "long", "over")])
    await bank.ledger.settle("over", UNIT)
    assert in_steps(bank) == 0
    answers = await asyncio.gather(
        bank.ledger.settle("short", UNIT),
        bank.ledger.settle("long", 2 * UNIT),
        bank.ledger.settle("over", 3 * UNIT),
        bank.ledger.hold("over", 42, UNIT),
        bank.ledger.hold("too much", 42, 6 * UNIT),
        bank.ledger.hold("partly", 42, 6 * UNIT, least_micros=1),
        return_exceptions=True,
    )
    assert in_steps(bank) > 0
    *settled, taken, refused, partly = answers
    assert [one.charged_micros // UNIT for one in settled if isinstance(one, Settlement)] == [1, 2, 1]
    assert isinstance(taken, LegTaken)
    assert refused == NoCredit(42, 5 * UNIT)
    assert isinstance(partly, Hold)
    assert partly.micros == 5 * UNIT


async def test_the_daily_limit_counts_what_is_held_and_what_was_charged(bank: Bank) -> None:
    await bank.customer(42, 50)
    async with acting(bank.store, shell_operator("ann"), "US", bank.now_ms) as actor:
        await set_daily_limit(actor, 42, 10 * UNIT)
    await bank.ledger.hold("a", 42, 6 * UNIT)
    both = [bank.ledger.settle("a", 5 * UNIT), bank.ledger.hold("b", 42, 5 * UNIT)]
    await asyncio.gather(*both)
    assert in_steps(bank) == 0
    assert await bank.ledger.hold("c", 42, 1) == NoCredit(42, 0)
    await bank.ledger.settle("b", 5 * UNIT)
    bank.now_ms += 86_400_000
    assert isinstance(await bank.ledger.hold("d", 42, 5 * UNIT), Hold)
    assert (await bank.account(42)).spent_today_micros == 0


async def test_two_servers_that_settle_the_same_legs_in_another_order_charge_each_once(bank: Bank) -> None:
    customers = range(1, 21)
    for customer in customers:
        await bank.customer(customer, 5)
    other = bank.server("two")
    for _ in range(5):
        await asyncio.gather(*[bank.ledger.hold(f"{who}", who, UNIT) for who in customers])
        ends = [bank.ledger.settle(f"{who}", UNIT) for who in customers]
        ends += [other.settle(f"{who}", UNIT // 2) for who in reversed(customers)]
        done = await asyncio.gather(*ends)
        first, second = done[: len(customers)], done[len(customers) :]
        assert first == list(reversed(second))
        assert await check_books(bank.store, bank.now_ms) == []
        customers = range(customers.start + 20, customers.stop + 20)
        for customer in customers:
            await bank.customer(customer, 5)


async def test_the_database_computes_the_same_ids_of_house_accounts(store: Store) -> None:
    async with store.reading() as connection:
        for house in House:
            query = text(
                f"SELECT currency, {house_id_sql(house, 'currency')} "
                "FROM unnest(CAST(:currencies AS text[])) AS currency"
            )
            rows = await connection.execute(query, {"currencies": list(CURRENCY_DIGITS)})
            assert {row[0]: row[1] for row in rows} == {one: house_id(house, one) for one in CURRENCY_DIGITS}


async def test_one_that_breaks_the_statement_does_not_fail_the_others(bank: Bank) -> None:
    await bank.customer(42, 5)
    asked = [bank.ledger.hold(leg, 42, UNIT) for leg in ("one", "no text\0", "other")]
    with capture_logs() as logs:
        one, broken, other = await asyncio.gather(*asked, return_exceptions=True)
    assert [(line["log_level"], line["wrong"]) for line in logs] == [("warning", ["leg:no text\0"])]
    assert isinstance(one, Hold)
    assert isinstance(other, Hold)
    assert "Unicode" in str(broken)
    assert (await bank.account(42)).held_micros == 2 * UNIT
    await asyncio.gather(bank.ledger.release("one"), bank.ledger.release("other"))


async def test_no_warning_is_given_where_nothing_was_wrong_with_any_request(bank: Bank) -> None:
    await bank.customer(42, 5)
    refuse = (
        "CREATE FUNCTION refuse_one_statement() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF "
        "current_query() LIKE '%MATERIALIZED%' THEN RAISE EXCEPTION 'not in one'; END IF; RETURN NEW; END $$"
    )
    trigger = (
        "CREATE TRIGGER refuse_one_statement BEFORE INSERT ON ledger_holds "
        "FOR EACH ROW EXECUTE FUNCTION refuse_one_statement()"
    )
    async with bank.store.writing() as connection:
        for statement in (refuse, trigger):
            await connection.execute(text(statement))
    with capture_logs() as logs:
        assert isinstance(await bank.ledger.hold("leg", 42, UNIT), Hold)
    assert [(line["log_level"], line["event"]) for line in logs] == [("info", "ledger batch done in steps")]
    assert "not in one" in logs[0]["detail"]
    await bank.ledger.release("leg")


class Undone(Exception):
    """Takes back what was tried."""


async def test_one_statement_does_to_the_books_what_the_steps_do(bank: Bank) -> None:
    chance, in_one = random.Random(7), 0
    for customer in (41, 42):
        await bank.customer(customer, 9)
    async with bank.acting() as actor:
        await set_daily_limit(actor, 42, 8 * UNIT)
    await asyncio.gather(
        *[bank.ledger.hold(leg, who, 2 * UNIT) for leg, who in (("a", 41), ("b", 42), ("c", 42))]
    )
    await bank.ledger.hold("d", 42, UNIT)
    await bank.ledger.settle("d", UNIT)
    for _ in range(200):
        legs = chance.sample(("a", "b", "c", "x", "y", "z"), chance.randint(1, 6))
        batch = [a_request(chance, leg) for leg in legs]
        answers, books = await tried(bank, batch, run_batch_statement)
        if len(answers) == len(batch):
            in_one += 1
            assert (answers, books) == await tried(bank, batch, run_batch), batch
    assert in_one > 50
    await asyncio.gather(*[bank.ledger.release(leg) for leg in "abc"])


def a_request(chance: random.Random, leg: str) -> Request:
    if leg in "abc":
        ended = chance.random() < 0.3
        return (
            SettleRequest(leg, 0, HoldState.RELEASED)
            if ended
            else SettleRequest(leg, chance.randint(0, 3) * UNIT)
        )
    micros = chance.randint(0, 4) * UNIT
    return HoldRequest(
        leg, chance.choice((41, 42)), micros, micros, "one", "", 2_000_000_000_000, "here", "token"
    )


async def tried(bank: Bank, batch: list[Request], carry_out: Any) -> tuple[dict[str, Answer], list[Any]]:
    """What a batch is answered and what the tables have then; all of it is taken back."""
    books: list[Any] = []
    try:
        async with bank.store.writing() as connection:
            answers = await carry_out(connection, batch, bank.now_ms)
            for table in (ledger_accounts, ledger_holds, ledger_movements):
                kept = [column for column in table.c if column.name != "id" or table is ledger_accounts]
                rows = (await connection.execute(select(*kept))).all()
                books.append(sorted(map(str, rows)))
            raise Undone
    except Undone:
        return answers, books
