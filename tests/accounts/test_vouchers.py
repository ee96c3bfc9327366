"""Vouchers: each gives its credit once, to whom it may, and the books stay as they were where it does not."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest
from sqlalchemy import func, inspect, select, text

from ringflow.accounts.cards.refusal import CardRefused, Refusal, Why
from ringflow.accounts.check_digit import draw_digits
from ringflow.accounts.lockout import MINUTE_MS, Caller
from ringflow.accounts.peppers import parse_peppers
from ringflow.accounts.vouchers.generation import Plan, generate
from ringflow.accounts.vouchers.redemption import Redeemed, redeem
from ringflow.accounts.vouchers.telephone import Vouchers
from ringflow.accounts.vouchers.voucher import (
    VoucherFilter,
    delete_voucher,
    set_enabled,
    show_voucher,
    voucher_page,
)
from ringflow.actor import acting, shell_operator
from ringflow.errors import Refused
from ringflow.store import Store
from ringflow.store.card_tables import vouchers
from ringflow.store.ledger_tables import ledger_movements
from ringflow.store.pages import PageRequest

HOME = Caller("carrier", "441910000001")
UNIT = 1_000_000


async def make(mint: Any, count: int = 1, currency: str = "USD", **fields: Any) -> list[tuple[int, str]]:
    async with mint.acting() as actor:
        return await generate(actor, Plan("spring", currency, count, **fields), mint.peppers)


async def use(mint: Any, code: str, customer_id: int, payment_micros: int = 0) -> Redeemed:
    async with acting(mint.store, shell_operator("ann"), "US", mint.now_ms) as actor:
        return await redeem(actor, code, customer_id, mint.peppers, payment_micros)


async def refusal(mint: Any, code: str, customer_id: int, payment_micros: int = 0) -> tuple[Why, str]:
    with pytest.raises(CardRefused) as raised:
        await use(mint, code, customer_id, payment_micros)
    assert code not in str(raised.value)
    return raised.value.why, str(raised.value)


async def movements(mint: Any) -> int:
    async with mint.store.reading() as connection:
        query = select(func.count()).select_from(ledger_movements)
        return int((await connection.execute(query)).scalar_one())


async def test_a_value_is_credit_by_itself_once(mint: Any) -> None:
    await mint.customer(42)
    ((voucher_id, code),) = await make(mint, value_micros=5 * UNIT)
    redeemed = await use(mint, code, 42)
    assert (redeemed.given_micros, redeemed.payment_micros) == (5 * UNIT, 0)
    assert await mint.credit(42) == 5 * UNIT
    assert await refusal(mint, code, 42) == (Why.USED, f"voucher {voucher_id} is used")
    assert await mint.credit(42) == 5 * UNIT


@pytest.mark.parametrize(
    ("fields", "currency", "payment_micros", "given_micros"),
    [
        ({"multiplier_millionths": 1_100_000}, "USD", 10 * UNIT, UNIT),
        ({"multiplier_millionths": 1_100_000}, "USD", 9_990_000, 990_000),
        ({"multiplier_millionths": 1_100_000}, "JPY", 999 * UNIT, 99 * UNIT),
        ({"multiplier_millionths": 1_100_000}, "KWD", 9_990_000, 999_000),
        ({"multiplier_millionths": 1_000_001}, "USD", 10_000 * UNIT, 10_000),
        ({"multiplier_millionths": 10_000_000}, "USD", 10**14, 9 * 10**14),
        ({"addition_micros": 2 * UNIT}, "USD", 10_000, 2 * UNIT),
    ],
)
async def test_a_multiplier_and_an_addition_come_with_a_payment(
    mint: Any, fields: dict[str, Any], currency: str, payment_micros: int, given_micros: int
) -> None:
    await mint.customer(42, currency=currency)
    ((_, code),) = await make(mint, currency=currency, **fields)
    redeemed = await use(mint, code, 42, payment_micros)
    assert redeemed.given_micros == given_micros
    assert await mint.credit(42) == payment_micros + given_micros
    assert await movements(mint) == 2


async def test_what_does_not_fit_is_refused_with_its_reason_and_no_money_moves(mint: Any) -> None:
    await mint.customer(42)
    await mint.customer(43, currency="EUR")
    (value_id, value), (_, off) = await make(mint, count=2, value_micros=5 * UNIT)
    ((more_id, more),) = await make(mint, multiplier_millionths=1_100_000, minimum_micros=10 * UNIT)
    ((old_id, old),) = await make(mint, value_micros=UNIT, expires_ms=mint.now_ms + 1)
    ((_, small),) = await make(mint, multiplier_millionths=1_000_001)
    async with mint.acting() as actor:
        await set_enabled(actor, value_id + 1, enabled=False)
    mint.now_ms += 1
    minimum = f"voucher {more_id} goes with a payment of at least 10.00 USD"
    assert await refusal(mint, off, 42) == (Why.DISABLED, f"voucher {value_id + 1} is disabled")
    assert await refusal(mint, old, 42) == (Why.EXPIRED, f"voucher {old_id} has expired")
    assert await refusal(mint, value, 43) == (
        Why.OTHER_CURRENCY,
        f"voucher {value_id} is in USD, and customer 43 has EUR",
    )
    assert await refusal(mint, more, 42) == (Why.NEEDS_PAYMENT, minimum)
    assert await refusal(mint, more, 42, 10 * UNIT - 1) == (Why.BELOW_MINIMUM, minimum)
    assert (await refusal(mint, more, 42, -10 * UNIT))[0] is Why.NEEDS_PAYMENT
    assert (await refusal(mint, value, 42, UNIT))[0] is Why.NEEDS_PAYMENT
    assert (await refusal(mint, small, 42, UNIT))[0] is Why.BELOW_MINIMUM
    assert (await refusal(mint, draw_digits(16), 42))[0] is Why.UNKNOWN
    for typed in ("1234567890123456", "12345", "１２３４", "", "' OR 1=1"):
        with pytest.raises(CardRefused) as raised:
            await use(mint, typed, 42)
        assert raised.value.why is Why.MISTYPED
    with pytest.raises(Refused, match="customer 99 does not exist"):
        await use(mint, value, 99)
    with pytest.raises(Refused, match=r"at most 1000000000\.00 USD"):
        await use(mint, more, 42, 10**15 + 1)
    assert await movements(mint) == 0
    async with mint.store.reading() as connection:
        assert {
            one.status for one in (await voucher_page(connection, VoucherFilter(), PageRequest(99))).items
        } == {"available", "disabled"}
    await use(mint, value, 42)
    assert await mint.credit(42) == 5 * UNIT


async def test_a_clock_that_jumps_back_neither_revives_nor_repeats_a_voucher(mint: Any) -> None:
    await mint.customer(42)
    ((_, code),) = await make(mint, value_micros=UNIT)
    await use(mint, code, 42)
    mint.now_ms -= 10**10
    assert (await refusal(mint, code, 42))[0] is Why.USED
    assert await mint.credit(42) == UNIT


async def test_twenty_customers_at_once_redeem_a_voucher_once(mint: Any, database_url: str) -> None:
    for customer_id in range(100, 120):
        await mint.customer(customer_id)
    ((_, code),) = await make(mint, value_micros=5 * UNIT)
    stores = [await Store.open(database_url) for _ in range(3)]
    desks = [Vouchers(store, mint.peppers, "US", lambda: mint.now_ms) for store in stores]
    found = await asyncio.gather(
        *[desks[number % 3].redeem(code, number, HOME) for number in range(100, 120)]
    )
    assert [one for one in found if not isinstance(one, Redeemed)] == [Refusal(Why.USED)] * 19
    assert await movements(mint) == 1
    for store in stores:
        await store.close()


async def test_a_code_that_is_refused_after_a_payment_was_asked_leaves_no_payment(
    mint: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Died(BaseException):
        pass

    async def die(*given: object) -> None:
        raise Died

    await mint.customer(42)
    ((voucher_id, code),) = await make(mint, addition_micros=UNIT)
    with monkeypatch.context() as patch:
        patch.setattr("ringflow.accounts.vouchers.redemption.credit_card", die)
        with pytest.raises(Died):
            await use(mint, code, 42, 10 * UNIT)
    assert await movements(mint) == 0
    async with mint.store.reading() as connection:
        assert (await show_voucher(connection, voucher_id)).status == "available"
    await use(mint, code, 42, 10 * UNIT)
    assert await mint.credit(42) == 11 * UNIT


async def test_guessing_codes_by_telephone_is_slowed_down(mint: Any) -> None:
    await mint.customer(42)
    ((_, code),) = await make(mint, value_micros=UNIT)
    desk = Vouchers(mint.store, mint.peppers, "US", lambda: mint.now_ms)
    assert await desk.redeem("1234567890123456", 42, HOME) == Refusal(Why.MISTYPED)
    for _ in range(10):
        assert await desk.redeem(draw_digits(16), 42, HOME) == Refusal(Why.UNKNOWN)
    assert await desk.redeem(code, 42, HOME) == Refusal(Why.LOCKED, 10 * MINUTE_MS)
    mint.now_ms -= 10**9
    assert await desk.redeem(code, 42, HOME) == Refusal(Why.LOCKED, 10 * MINUTE_MS)
    mint.now_ms += 10 * MINUTE_MS
    assert isinstance(await desk.redeem(code, 42, HOME), Redeemed)
    assert await mint.credit(42) == UNIT


async def test_codes_guessed_at_the_same_instant_are_counted_one_by_one(mint: Any) -> None:
    await mint.customer(42)
    desk = Vouchers(mint.store, mint.peppers, "US", lambda: mint.now_ms)
    tries = [desk.redeem(draw_digits(16), 42, HOME) for _ in range(30)]
    found = [one.why for one in await asyncio.gather(*tries) if isinstance(one, Refusal)]
    assert (found.count(Why.UNKNOWN), found.count(Why.LOCKED)) == (10, 20)


async def test_vouchers_are_good_under_the_pepper_they_were_made_with(mint: Any) -> None:
    await mint.customer(42)
    ((_, code),) = await make(mint, value_micros=UNIT)
    mint.peppers = parse_peppers("v1:a-pepper-for-tests-only\nv2:another-pepper-for-tests", "the pepper")
    ((_, newer),) = await make(mint, value_micros=UNIT)
    await use(mint, code, 42)
    await use(mint, newer, 42)
    assert await mint.credit(42) == 2 * UNIT


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "exactly one of a value"),
        ({"value_micros": 1, "addition_micros": 1}, "exactly one of a value"),
        ({"value_micros": 0}, "more than zero"),
        ({"value_micros": -1}, "more than zero"),
        ({"addition_micros": 10**15 + 1}, "at most 1000000000.00 USD"),
        ({"multiplier_millionths": 1_000_000}, "more than 1 and at most 10"),
        ({"multiplier_millionths": 10_000_001}, "more than 1 and at most 10"),
        ({"value_micros": 1, "minimum_micros": 1}, "can ask for no minimum"),
        ({"addition_micros": 1, "minimum_micros": -1}, "from zero"),
        ({"value_micros": 1, "count": 0}, "count 0"),
        ({"value_micros": 1, "expires_ms": 1}, "expired already"),
        ({"value_micros": 1, "currency": "XXX"}, "not a currency"),
    ],
)
async def test_a_plan_that_is_wrong_makes_no_voucher(mint: Any, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=re.escape(words)):
        await make(mint, **fields)
    async with mint.store.reading() as connection:
        assert (await connection.execute(select(vouchers))).all() == []


async def test_an_unused_voucher_can_be_deleted_and_a_used_one_stays(mint: Any) -> None:
    await mint.customer(42)
    (first_id, _), (second_id, code) = await make(mint, count=2, value_micros=UNIT)
    await use(mint, code, 42)
    async with mint.acting() as actor:
        await delete_voucher(actor, first_id)
        with pytest.raises(Refused, match=f"voucher {second_id} is used, and the books speak of it"):
            await delete_voucher(actor, second_id)
        with pytest.raises(Refused, match=f"voucher {second_id} is used"):
            await set_enabled(actor, second_id, enabled=False)
        with pytest.raises(Refused, match="does not exist"):
            await show_voucher(actor.connection, first_id)
        page = await voucher_page(actor.connection, VoucherFilter(redeemed_by=42), PageRequest(99))
        assert [one.id for one in page.items] == [second_id]


async def test_a_code_is_nowhere_in_the_database(mint: Any) -> None:
    await mint.customer(42)
    made = await make(mint, count=50, value_micros=UNIT)
    await use(mint, made[0][1], 42)
    async with mint.store.reading() as connection:
        names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        rows = [(await connection.execute(text(f"SELECT * FROM {name}"))).all() for name in names]
    written = json.dumps([[[str(value) for value in row] for row in table] for table in rows])
    assert "voucher:1" in written
    assert not [code for _, code in made if code in written]
