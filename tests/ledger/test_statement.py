"""A customer's statement: its sums are those of the ledger, whatever was booked and whenever."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from itertools import accumulate, pairwise

import pytest
from sqlalchemy import text

from ringflow.actor import Actor
from ringflow.errors import Refused
from ringflow.ledger.account import House, house_id
from ringflow.ledger.movement import Kind, MovementFilter, Posted, movement_page
from ringflow.ledger.payments import adjust, credit_card, pay_in, pay_out, refund, transfer
from ringflow.ledger.statement import AccountStatement, read_statement
from ringflow.ledger.terms import Terms
from ringflow.money import MAX_AMOUNT_MICROS
from ringflow.store import Store
from ringflow.store.pages import PageRequest

from .conftest import UNIT, Bank

CENT_A_SECOND = Terms("USD", 600_000)
DAY_MS = 86_400_000
CUSTOMERS = (1, 2, 3)


async def statement(
    store: Store, customer: int, since_ms: int | None = None, until_ms: int | None = None
) -> AccountStatement:
    async with store.reading() as connection:
        found = await read_statement(connection, customer, since_ms, until_ms)
    assert found is not None
    return found


async def one_at_random(actor: Actor, bank: Bank, chance: random.Random) -> Posted | None:
    """Book something for somebody, a minute later or, by another server's clock, earlier."""
    bank.now_ms += chance.randint(-30_000, 200_000)
    one, other = chance.sample(CUSTOMERS, 2)
    micros = chance.randint(1, 7 * UNIT)
    actor, purpose = replace(actor, now_ms=bank.now_ms), bank.purpose()
    try:
        match chance.randrange(5):
            case 0:
                return await pay_in(actor, one, micros, purpose)
            case 1:
                return await pay_out(actor, one, micros, purpose)
            case 2:
                return await adjust(actor, one, chance.choice((-1, 1)) * micros, purpose)
            case 3:
                return await transfer(actor, one, other, micros, purpose)
            case _:
                return await credit_card(actor, one, micros, purpose)
    except Refused:
        return None


async def test_opening_and_movements_make_the_closing_balance_of_thousands_at_random(bank: Bank) -> None:
    chance, store = random.Random(20), bank.store
    for customer in CUSTOMERS:
        await bank.customer(customer, 100)
    for block in range(10):
        async with bank.acting() as actor:
            for _ in range(300):
                await one_at_random(actor, bank, chance)
        legs = [f"c{block}.{position}@1" for position in range(1, 31)]
        for leg in legs:
            await bank.ledger.hold(leg, chance.choice(CUSTOMERS), UNIT, least_micros=1, terms=CENT_A_SECOND)
        bank.now_ms += 60_000
        await asyncio.gather(*[bank.ledger.settle_talk(leg, chance.randint(0, 90_000)) for leg in legs[:20]])
        async with bank.acting() as actor:
            for leg in legs[:5]:
                try:
                    await refund(actor, leg, chance.choice((None, 10_000)), bank.purpose())
                except Refused:
                    continue
    for leg in [f"c{block}.{position}@1" for block in range(10) for position in range(21, 31)]:
        await bank.ledger.release(leg)

    seen: set[Kind] = set()
    for customer in CUSTOMERS:
        async with store.reading() as connection:
            of_customer = MovementFilter(customer)
            posted = (await movement_page(connection, of_customer, PageRequest(10_000))).items
        booked = sorted(
            (one.created_ms, one.id, (1 if one.movement.credit_id == customer else -1) * one.movement.micros)
            for one in posted
        )
        assert len(booked) > 500
        seen |= {one.movement.kind for one in posted}
        first_ms, last_ms = booked[0][0], booked[-1][0]
        # Moments at random, and those of movements themselves, which fall into one period each.
        cuts = {chance.randint(first_ms - DAY_MS, last_ms + DAY_MS) for _ in range(6)}
        cuts |= {chance.choice(booked)[0] for _ in range(6)}
        bounds = [None, *sorted(cuts), None]
        carried = 0
        for since_ms, until_ms in pairwise(bounds):
            found = await statement(store, customer, since_ms, until_ms)
            inside = [
                one
                for one in booked
                if (since_ms is None or one[0] >= since_ms) and (until_ms is None or one[0] < until_ms)
            ]
            assert found.opening_micros == carried
            assert [(one.created_ms, one.id, one.micros) for one in found.entries] == inside
            running = list(accumulate((micros for _, _, micros in inside), initial=carried))
            assert [one.balance_micros for one in found.entries] == running[1:]
            carried = running[-1]
            assert found.closing_micros == carried
            assert found.unexplained_micros == 0
        assert carried == (await bank.account(customer)).balance_micros
    assert seen == set(Kind)


async def test_each_movement_says_what_it_was_for(bank: Bank) -> None:
    await bank.customer(1, 5)
    await bank.customer(2)
    await bank.ledger.hold("c.1@1", 1, UNIT, terms=CENT_A_SECOND)
    await bank.ledger.settle_talk("c.1@1", 30_000)
    async with bank.acting() as actor:
        await refund(actor, "c.1@1", 100_000, bank.purpose(reason="bad line"))
        await transfer(actor, 1, 2, UNIT, bank.purpose(reason="moved"))
    found = await statement(bank.store, 1)
    cash, revenue = house_id(House.CASH, "USD"), house_id(House.REVENUE, "USD")
    assert [
        (one.kind, one.micros, one.balance_micros, one.other_id, one.leg_id, one.reason, one.operator)
        for one in found.entries
    ] == [
        (Kind.PAY_IN, 5_000_000, 5_000_000, cash, None, "a test", "ann"),
        (Kind.CHARGE, -300_000, 4_700_000, revenue, "c.1@1", found.entries[1].reason, ""),
        (Kind.REFUND, 100_000, 4_800_000, revenue, "c.1@1", "bad line", "ann"),
        (Kind.TRANSFER, -1_000_000, 3_800_000, 2, None, "moved", "ann"),
    ]
    assert [one.micros for one in (await statement(bank.store, 2)).entries] == [1_000_000]


async def test_what_is_held_is_no_movement(bank: Bank) -> None:
    await bank.customer(1, 5)
    await bank.ledger.hold("c.1@1", 1, UNIT, terms=CENT_A_SECOND)
    found = await statement(bank.store, 1)
    assert (len(found.entries), found.closing_micros, found.unexplained_micros) == (1, 5_000_000, 0)
    await bank.ledger.release("c.1@1")


async def test_a_period_without_movements_opens_and_closes_with_the_same_balance(bank: Bank) -> None:
    await bank.customer(1, 5)
    later = await statement(bank.store, 1, bank.now_ms + 1, bank.now_ms + 2)
    assert (later.opening_micros, later.entries, later.closing_micros) == (5_000_000, (), 5_000_000)
    before = await statement(bank.store, 1, 0, bank.now_ms)
    assert (before.opening_micros, before.entries, before.closing_micros) == (0, (), 0)


async def test_a_customer_who_never_had_a_movement_has_no_account_to_state(bank: Bank) -> None:
    await bank.customer(1)
    async with bank.store.reading() as connection:
        assert await read_statement(connection, 1, None, None) is None


async def test_sums_beyond_64_bits_are_right(bank: Bank) -> None:
    """SQLite's own sum of so many of the largest amounts, all in before any is out, would overflow."""
    await bank.customer(1, 5)
    cash, many = house_id(House.CASH, "USD"), range(10_000)
    insert = text(
        "INSERT INTO ledger_movements "
        "(key, kind, debit_id, credit_id, currency, micros, reason, operator, created_ms) "
        f"VALUES (:key, :kind, :debit, :credit, 'USD', {MAX_AMOUNT_MICROS}, 'r', 'o', {bank.now_ms})"
    )
    async with bank.store.writing() as connection:
        for kind, debit, credit in (("pay_in", cash, 1), ("pay_out", 1, cash)):
            both = {"kind": kind, "debit": debit, "credit": credit}
            await connection.execute(insert, [{"key": f"{kind} {number}", **both} for number in many])
    found = await statement(bank.store, 1, bank.now_ms + 1, None)
    assert (found.opening_micros, found.closing_micros, found.unexplained_micros) == (5_000_000, 5_000_000, 0)


@pytest.mark.parametrize("since_ms", [None, 1_750_000_000_001])
async def test_a_balance_that_its_movements_do_not_make_is_told(store: Store, since_ms: int | None) -> None:
    bank = Bank(store)
    await bank.customer(1, 5)
    async with store.writing() as connection:
        await connection.execute(text("UPDATE ledger_accounts SET balance_micros = 6000000 WHERE id = 1"))
    assert (await statement(store, 1, since_ms)).unexplained_micros == 1_000_000
    await bank.ledger.close()
