from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ringflow.actor import Actor
from ringflow.cli.hints import hint
from ringflow.errors import Refused
from ringflow.ledger.abandoned import reap, say_alive
from ringflow.ledger.account import House, close_account, house_id, open_account, read_account
from ringflow.ledger.channel_limits import AbandonedCall
from ringflow.ledger.check import check_books
from ringflow.ledger.hold import Hold
from ringflow.ledger.movement import KeyTaken, Kind, NotEnough, Posted
from ringflow.ledger.payment_orders import PaymentOrder, RefundOrder, carry_out
from ringflow.ledger.payments import (
    OutcomeUnknown,
    Posting,
    adjust,
    credit_card,
    pay_in,
    pay_out,
    post_once,
    refund,
    transfer,
)
from ringflow.money import CURRENCY_DIGITS
from ringflow.store import Store, StoreGone, StoreLocked

from .world import take_channel

if TYPE_CHECKING:
    from tests.ledger.conftest import Bank

UNIT = 1_000_000


async def post(bank: Bank, work: Posting) -> Posted:
    async with bank.acting() as actor:
        return await work(actor)


async def test_every_movement_has_two_ends(bank: Bank) -> None:
    await bank.customer(1)
    await bank.customer(2)
    purpose = bank.purpose
    await post(bank, lambda actor: pay_in(actor, 1, 10 * UNIT, purpose()))
    await post(bank, lambda actor: pay_out(actor, 1, 2 * UNIT, purpose()))
    await post(bank, lambda actor: adjust(actor, 1, -UNIT, purpose()))
    await post(bank, lambda actor: credit_card(actor, 1, 5 * UNIT, purpose()))
    await post(bank, lambda actor: transfer(actor, 1, 2, 3 * UNIT, purpose()))
    assert (await bank.account(1)).balance_micros == 9 * UNIT
    assert (await bank.account(2)).balance_micros == 3 * UNIT
    async with bank.store.reading() as connection:
        rows = await connection.execute(
            text("SELECT house, balance_micros FROM ledger_accounts WHERE id < 0")
        )
        assert dict(tuple(row) for row in rows) == {
            "cash": -8 * UNIT,
            "revenue": 0,
            "cards": -5 * UNIT,
            "adjustments": UNIT,
        }


async def test_the_same_key_moves_money_once_and_gives_the_first_result(bank: Bank) -> None:
    await bank.customer(1)
    await bank.customer(2)
    purpose = bank.purpose("payment 7")
    posts = [post(bank, lambda actor: pay_in(actor, 1, UNIT, purpose)) for _ in range(5)]
    posted = await asyncio.gather(*posts)
    assert len({one.id for one in posted}) == 1
    assert sorted(one.again for one in posted) == [False, True, True, True, True]
    for work in (
        lambda actor: pay_in(actor, 1, 2 * UNIT, purpose),
        lambda actor: pay_in(actor, 2, UNIT, purpose),
        lambda actor: adjust(actor, 1, UNIT, purpose),
    ):
        with pytest.raises(KeyTaken, match="payment 7"):
            await post(bank, work)
    assert (await bank.account(1)).balance_micros == UNIT


async def test_nothing_takes_held_credit_or_more_than_there_is(bank: Bank) -> None:
    await bank.customer(1, 5)
    await bank.customer(2)
    assert isinstance(await bank.ledger.hold("leg", 1, 3 * UNIT), Hold)
    for work in (
        lambda actor: pay_out(actor, 1, 2 * UNIT + 1, bank.purpose()),
        lambda actor: adjust(actor, 1, -2 * UNIT - 1, bank.purpose()),
        lambda actor: transfer(actor, 1, 2, 2 * UNIT + 1, bank.purpose()),
    ):
        with pytest.raises(NotEnough, match=r"has 2\.00 USD available"):
            await post(bank, work)
    await post(bank, lambda actor: transfer(actor, 1, 2, 2 * UNIT, bank.purpose()))


async def test_a_refusal_that_is_caught_leaves_no_half_of_a_movement(bank: Bank) -> None:
    await bank.customer(1, 5)
    async with bank.acting() as actor:
        with pytest.raises(NotEnough):
            await pay_out(actor, 1, 6 * UNIT, bank.purpose("key"))
        assert not (await pay_out(actor, 1, 4 * UNIT, bank.purpose("key"))).again
    assert (await bank.account(1)).balance_micros == UNIT


async def test_a_transfer_stays_within_one_currency(bank: Bank) -> None:
    await bank.customer(1, 5)
    await bank.customer(2, 5, "EUR")
    with pytest.raises(Refused, match="customer 1 has USD and customer 2 has EUR"):
        await post(bank, lambda actor: transfer(actor, 1, 2, UNIT, bank.purpose()))
    with pytest.raises(Refused, match="two customers"):
        await post(bank, lambda actor: transfer(actor, 1, 1, UNIT, bank.purpose()))


@pytest.mark.parametrize("micros", [0, -UNIT, 10**15 + 1])
async def test_amounts_that_are_none_are_refused(bank: Bank, micros: int) -> None:
    await bank.customer(1, 5)
    with pytest.raises(Refused):
        await post(bank, lambda actor: pay_in(actor, 1, micros, bank.purpose()))
    with pytest.raises(Refused):
        await post(bank, lambda actor: pay_out(actor, 1, micros, bank.purpose()))
    with pytest.raises(Refused, match="customer 9 does not exist"):
        await post(bank, lambda actor: pay_in(actor, 9, UNIT, bank.purpose()))
    with pytest.raises(Refused, match="needs a key and a reason"):
        await post(bank, lambda actor: pay_in(actor, 1, UNIT, bank.purpose(reason=" ")))


async def test_a_balance_cannot_grow_out_of_its_range(bank: Bank) -> None:
    await bank.customer(1)
    async with bank.acting() as actor:
        house = house_id(House.CASH, await open_account(actor.connection, 1, bank.now_ms))
        for account, sign in ((1, ""), (house, "-")):
            balance = f"{sign}3999500000000000000"
            await actor.connection.execute(
                text(f"UPDATE ledger_accounts SET balance_micros = {balance} WHERE id = {account}")
            )
        with pytest.raises(Refused):
            await pay_in(actor, 1, 10**15, bank.purpose())
        await actor.connection.execute(text("UPDATE ledger_accounts SET balance_micros = 0"))


async def test_refunds_never_give_back_more_than_the_charge(bank: Bank) -> None:
    await bank.customer(1, 5)
    await bank.ledger.hold("leg", 1, 4 * UNIT)
    await bank.ledger.settle("leg", 3 * UNIT)
    part = bank.purpose("part")
    for _ in range(2):
        posted = await post(bank, lambda actor: refund(actor, "leg", UNIT, part))
    assert posted.again
    with pytest.raises(NotEnough, match=r"2\.00 USD of its charge left"):
        await post(bank, lambda actor: refund(actor, "leg", 3 * UNIT, bank.purpose()))
    rest = bank.purpose("rest")
    for _ in range(2):
        posted = await post(bank, lambda actor: refund(actor, "leg", None, rest))
    assert (posted.movement.micros, posted.again) == (2 * UNIT, True)
    with pytest.raises(NotEnough):
        await post(bank, lambda actor: refund(actor, "leg", None, bank.purpose()))
    with pytest.raises(Refused, match="never charged"):
        await post(bank, lambda actor: refund(actor, "other", None, bank.purpose()))
    assert (await bank.account(1)).balance_micros == 5 * UNIT


async def test_part_of_a_charge_is_refunded_finer_than_a_cent_and_a_payment_is_not(bank: Bank) -> None:
    await bank.customer(1, 5)
    await bank.ledger.hold("leg", 1, UNIT)
    await bank.ledger.settle("leg", 12_345)
    posted = await carry_out(bank.acting, RefundOrder("leg", "0.012345"), bank.purpose())
    assert posted.movement.micros == 12_345
    with pytest.raises(Refused):
        await carry_out(bank.acting, PaymentOrder(Kind.PAY_IN, 1, "0.012345"), bank.purpose())
    assert (await bank.account(1)).balance_micros == 5 * UNIT


@pytest.mark.parametrize(
    "statement", ["UPDATE ledger_movements SET micros = 1", "DELETE FROM ledger_movements"]
)
@pytest.mark.parametrize("at_once", [False, True])
async def test_movements_are_never_changed(bank: Bank, statement: str, at_once: bool) -> None:
    store = await Store.open("sqlite:///:memory:") if at_once else bank.store
    await store.migrate()
    await type(bank)(store).customer(1, 5)
    with pytest.raises(DBAPIError, match="never changed, only followed"):
        async with store.writing() as connection:
            await connection.execute(text(statement))
    if at_once:
        await store.close()


async def test_an_account_without_a_history_can_be_closed_and_no_other(bank: Bank) -> None:
    await bank.customer(1, 5)
    await bank.customer(2)
    async with bank.store.writing() as connection:
        await open_account(connection, 2, bank.now_ms)
        await close_account(connection, 2)
        assert await read_account(connection, 2, bank.now_ms) is None
        with pytest.raises(Refused, match="set its status to inactive"):
            await close_account(connection, 1)


def test_house_accounts_have_ids_of_their_own() -> None:
    ids = [house_id(house, currency) for house in House for currency in CURRENCY_DIGITS]
    assert len(set(ids)) == len(ids)
    assert all(-(2**31) <= one < 0 for one in ids)
    assert house_id(House.CASH, "USD") == -223857, "ids are in databases: they must not change"


async def test_calls_are_counted_up_to_the_limit_and_out_again(bank: Bank) -> None:
    other = bank.server("two")
    taken = await asyncio.gather(
        *[take_channel((bank.ledger, other)[n % 2], 1, f"call {n}", 5) for n in range(40)]
    )
    assert sum(taken) == 5
    counted = [f"call {n}" for n in range(40) if taken[n]]
    assert await take_channel(other, 1, counted[0], 5), "a call that is counted is not counted twice"
    for _ in range(2):
        await bank.ledger.vacate(counted[0])
    assert await bank.ledger.occupy("new", {"customer:1": 5, "card:9": 1}) is None
    await bank.ledger.vacate(counted[1])
    assert await bank.ledger.occupy("newer", {"customer:1": 5, "card:9": 1}) == "card:9"
    assert await take_channel(bank.ledger, 1, "newest", 5), "what was full has left nothing behind"
    assert await take_channel(bank.ledger, 2, "unlimited", None)


async def test_what_a_dead_server_left_is_reaped_and_what_is_up_is_left_alone(bank: Bank) -> None:
    await bank.customer(1, 9)
    dead = bank.server("dead")
    await say_alive(dead)
    for leg in ("talked", "silent", "up"):
        await dead.hold(leg, 1, UNIT)
        await take_channel(dead, 1, f"call {leg}", 5)
    bank.now_ms += 31_000
    await say_alive(bank.ledger)
    await bank.ledger.hold("mine", 1, UNIT)

    async def talked_ms(hold: Hold) -> int | None:
        return {"talked": 60_000, "silent": 0, "up": None}[hold.leg_id]

    async def is_up(call: AbandonedCall) -> bool:
        return call.mark == "call up"

    reaped = await reap(bank.ledger, talked_ms, is_up)
    assert [one.leg_id for one in reaped.settlements] == ["silent", "talked"]
    assert reaped.calls == ("call silent", "call talked")
    assert (await bank.account(1)).held_micros == 2 * UNIT


@pytest.mark.parametrize(
    ("table", "column", "row", "what"),
    [
        ("ledger_accounts", "balance_micros", "id = 1", "movements add up"),
        ("ledger_accounts", "held_micros", "id = 1", "holds add up"),
        ("ledger_holds", "charged_micros", "leg_id = 'old'", "charge is in the books"),
        ("ledger_holds", "refunded_micros", "leg_id = 'old'", "refunds are in the books"),
        ("ledger_holds", "expires_ms", "leg_id = 'new'", "has ended by"),
        ("ledger_occupancy", "used", "1 = 1", "counted as they are marked"),
    ],
)
async def test_the_check_finds_what_is_wrong(
    bank: Bank, table: str, column: str, row: str, what: str
) -> None:
    change = -(10**10) if column == "expires_ms" else 1
    statement = f"UPDATE {table} SET {column} = {column} + {change} WHERE {row}"
    mend = f"UPDATE {table} SET {column} = {column} - {change} WHERE {row}"
    await bank.customer(1, 9)
    for leg in ("old", "new"):
        await bank.ledger.hold(leg, 1, UNIT)
    await bank.ledger.settle("old", UNIT)
    await take_channel(bank.ledger, 1, "call", 5)

    async with bank.store.writing() as connection:
        await connection.execute(text(statement))
    findings = await check_books(bank.store, bank.now_ms)
    assert any(what in finding.what for finding in findings), findings
    async with bank.store.writing() as connection:
        await connection.execute(text(mend))


async def test_a_payment_whose_outcome_nobody_knows_names_the_key_to_try_it_again(bank: Bank) -> None:
    tried = 0

    async def lost(actor: Actor) -> Posted:
        nonlocal tried
        tried += 1
        raise StoreGone("database x: gone")

    with pytest.raises(OutcomeUnknown) as unknown:
        await post_once(bank.acting, lost, "cli:7")
    assert (tried, unknown.value.code, unknown.value.fields) == (
        2,
        "movement.outcome_unknown",
        {"key": "cli:7"},
    )
    assert hint(unknown.value) == "do it again with --key cli:7, which makes it once"

    async def locked(actor: Actor) -> Posted:
        raise StoreLocked("database x: locked")

    with pytest.raises(StoreLocked):
        await post_once(bank.acting, locked, "cli:7")
