"""What the proof of the books finds where somebody was at them; it fails at no amount that there can be."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text
from tests.ledger.conftest import Bank

from ringflow.ledger.account import House, house_id
from ringflow.ledger.check import check_books
from ringflow.ledger.payments import pay_in, refund, transfer
from ringflow.ledger.terms import Terms
from ringflow.money import MAX_BALANCE_MICROS
from ringflow.store import Store
from ringflow.store.ledger_tables import IMMUTABLE, TRIGGERS

UNIT = 1_000_000
REVENUE, CARDS = house_id(House.REVENUE, "USD"), house_id(House.CARDS, "USD")
HOLD = "UPDATE ledger_holds SET"


async def furnish(bank: Bank) -> None:
    """A leg that was charged 2 and refunded 1, one that was charged beyond its hold, and one that stands."""
    for customer in (41, 42):
        await bank.customer(customer, 9)
    terms = Terms("USD", 60 * UNIT)
    await bank.ledger.hold("talked", 41, 3 * UNIT, terms=terms)
    await bank.ledger.settle("talked", 2 * UNIT)
    await bank.ledger.hold("over", 42, 9 * UNIT, terms=terms)
    await bank.ledger.settle("over", 12 * UNIT)
    await bank.ledger.hold("stands", 41, UNIT, terms=terms)
    async with bank.acting() as actor:
        await refund(actor, "talked", UNIT, bank.purpose())
        await transfer(actor, 41, 42, UNIT, bank.purpose())


@asynccontextmanager
async def changeable(bank: Bank) -> AsyncIterator[None]:
    """The triggers are away for the time of the block, and then there again."""
    dialect = bank.store.dialect
    of_table = " ON ledger_movements" if dialect == "postgresql" else ""
    async with bank.store.writing() as connection:
        for name in TRIGGERS[dialect]:
            await connection.execute(text(f"DROP TRIGGER {name}{of_table}"))
    yield
    async with bank.store.writing() as connection:
        for statement in IMMUTABLE[dialect]:
            await connection.execute(text(statement))


async def spoilt(bank: Bank, *statements: str) -> list[tuple[str, str]]:
    """Where the books are said to be wrong after these statements, and what is; they are taken back then."""
    async with changeable(bank), bank.store.writing() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    return [(one.where, one.what) for one in await check_books(bank.store, bank.now_ms)]


MISTAKES = {
    "a charge that is booked on another account": (
        [f"UPDATE ledger_movements SET credit_id = {CARDS} WHERE leg_id = 'talked' AND kind = 'charge'"],
        "the movement is between the accounts that its kind is for",
    ),
    "a charge that another customer paid": (
        ["UPDATE ledger_movements SET debit_id = 42 WHERE leg_id = 'talked' AND kind = 'charge'"],
        "the charge is paid by the leg's account",
    ),
    "a refund that another customer got": (
        ["UPDATE ledger_movements SET credit_id = 42 WHERE leg_id = 'talked' AND kind = 'refund'"],
        "the refund goes to the leg's account",
    ),
    "a refund from another account of the house": (
        [f"UPDATE ledger_movements SET debit_id = {CARDS} WHERE leg_id = 'talked' AND kind = 'refund'"],
        "the movement is between the accounts that its kind is for",
    ),
    "a refund of no leg": (
        ["UPDATE ledger_movements SET leg_id = 'none' WHERE kind = 'refund'"],
        "the charge or refund has a leg",
    ),
    "a transfer that is called a payment": (
        ["UPDATE ledger_movements SET kind = 'pay_in' WHERE kind = 'transfer'"],
        "the movement is between the accounts that its kind is for",
    ),
    "a movement of no kind": (
        ["UPDATE ledger_movements SET kind = 'present' WHERE kind = 'transfer'"],
        "the movement is between the accounts that its kind is for",
    ),
    "spending that is wrong": (
        ["UPDATE ledger_accounts SET spent_micros = spent_micros - 1 WHERE id = 41"],
        "the account's charges of its last day add up to what it spent",
    ),
    "spending of a day beyond all days": (
        ["UPDATE ledger_accounts SET spent_day = 2000000000 WHERE id = 41"],
        "the account's charges of its last day add up to what it spent",
    ),
    "an uncollected part that no talk leaves": (
        [f"{HOLD} uncollected_micros = uncollected_micros + 1 WHERE leg_id = 'over'"],
        "what the leg was charged and what is uncollected make the price of a talk",
    ),
    "an uncollected part of a leg that its hold paid": (
        [f"{HOLD} uncollected_micros = 1000000 WHERE leg_id = 'talked'"],
        "nothing is uncollected of a leg that was charged less than was held",
    ),
    "a hold for ever": (
        [f"{HOLD} expires_ms = 977616000000000000 WHERE leg_id = 'stands'"],
        "the hold expires after it began, within a week (ms since 1970)",
    ),
    "a hold that ended before it began": (
        [f"{HOLD} expires_ms = opened_ms - 1 WHERE leg_id = 'stands'"],
        "the hold expires after it began, within a week (ms since 1970)",
    ),
    "terms that cannot be read": (
        [f"{HOLD} terms = 'no terms' WHERE leg_id = 'stands'"],
        "the leg's terms can be read",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
async def test_the_proof_finds(mistake: str, store: Store) -> None:
    bank = Bank(store)
    await furnish(bank)
    assert await check_books(store, bank.now_ms) == []
    statements, what = MISTAKES[mistake]
    assert what in [found for _, found in await spoilt(bank, *statements)]


async def test_the_proof_finds_triggers_that_are_missing_or_switched_off(store: Store) -> None:
    bank = Bank(store)
    what = "the trigger that keeps movements from being changed is there"
    wanted = [(f"trigger {name}", what) for name in TRIGGERS[store.dialect]]
    async with changeable(bank):
        assert [(one.where, one.what) for one in await check_books(store, bank.now_ms)] == wanted
    assert await check_books(store, bank.now_ms) == []
    if store.dialect == "postgresql":
        async with store.writing() as connection:
            await connection.execute(text("ALTER TABLE ledger_movements DISABLE TRIGGER USER"))
        assert [(one.where, one.what) for one in await check_books(store, bank.now_ms)] == wanted


async def test_the_proof_does_not_fail_at_the_largest_balances_and_names_them(store: Store) -> None:
    bank = Bank(store)
    for customer in range(1, 7):
        await bank.customer(customer, 1)
    async with store.writing() as connection:
        most = text(f"UPDATE ledger_accounts SET balance_micros = {MAX_BALANCE_MICROS} WHERE customer_id > 1")
        await connection.execute(most)
    findings = {str(one) for one in await check_books(store, bank.now_ms)}
    total = 5 * MAX_BALANCE_MICROS - 5 * UNIT
    assert f"USD: the balances of all accounts add up to: 0 expected, {total} found" in findings
    wrong = f"the account's movements add up to its balance: {UNIT} expected, {MAX_BALANCE_MICROS} found"
    assert {f"account {customer}: {wrong}" for customer in range(2, 7)} <= findings
    assert len(findings) == 6


async def test_amounts_whose_billions_and_rests_differ_in_sign_are_told_as_one_number(store: Store) -> None:
    bank = Bank(store)
    await bank.customer(1, 3000)
    await bank.ledger.hold("leg", 1, 1_500 * UNIT)
    async with bank.acting() as actor:
        await pay_in(actor, 1, 1, bank.purpose())
        await actor.connection.execute(
            text(
                "UPDATE ledger_accounts SET balance_micros = balance_micros - 999999999 WHERE customer_id = 1"
            )
        )
        await actor.connection.execute(
            text("UPDATE ledger_accounts SET held_micros = held_micros - 2 WHERE customer_id = 1")
        )
    assert {str(one) for one in await check_books(store, bank.now_ms)} == {
        "USD: the balances of all accounts add up to: 0 expected, -999999999 found",
        "account 1: the account's movements add up to its balance: 3000000001 expected, 2000000002 found",
        "account 1: the account's holds add up to what it has held: 1500000000 expected, 1499999998 found",
    }
