from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from ringflow.actor import acting, shell_operator
from ringflow.errors import Refused
from ringflow.ledger.credit_limits import set_daily_limit, set_debit_limit
from ringflow.ledger.hold import Hold, HoldState, LegTaken, NoCredit, UnknownLeg
from ringflow.ledger.terms import Terms

if TYPE_CHECKING:
    from tests.ledger.conftest import Bank

UNIT = 1_000_000
DAY_MS = 86_400_000


async def test_a_hold_takes_credit_and_its_settlement_charges_and_gives_the_rest_back(bank: Bank) -> None:
    await bank.customer(42, 5)
    hold = await bank.ledger.hold("leg", 42, 3 * UNIT, terms=Terms("USD", 60_000))
    assert isinstance(hold, Hold)
    assert (hold.micros, hold.terms) == (3 * UNIT, Terms("USD", 60_000))
    assert (await bank.account(42)).available_micros == 2 * UNIT
    done = await bank.ledger.settle("leg", 1_250_000)
    assert (done.charged_micros, done.uncollected_micros, done.state) == (1_250_000, 0, HoldState.SETTLED)
    account = await bank.account(42)
    assert (account.balance_micros, account.held_micros) == (3_750_000, 0)


async def test_a_hold_beyond_the_credit_is_refused_and_leaves_nothing(bank: Bank) -> None:
    await bank.customer(42, 5)
    assert await bank.ledger.hold("leg", 42, 5 * UNIT + 1) == NoCredit(42, 5 * UNIT)
    with pytest.raises(UnknownLeg):
        await bank.ledger.settle("leg", 1)
    assert isinstance(await bank.ledger.hold("leg", 42, 5 * UNIT), Hold)


async def test_a_hold_takes_what_there_is_from_the_least_on(bank: Bank) -> None:
    await bank.customer(42, 5)
    hold = await bank.ledger.hold("a", 42, 9 * UNIT, least_micros=4 * UNIT)
    assert isinstance(hold, Hold)
    assert hold.micros == 5 * UNIT
    assert await bank.ledger.hold("b", 42, 9 * UNIT, least_micros=1) == NoCredit(42, 0)


async def test_a_hold_of_nothing_is_given_without_credit_and_settles_at_nothing(bank: Bank) -> None:
    await bank.customer(42)
    assert isinstance(await bank.ledger.hold("leg", 42, 0), Hold)
    assert (await bank.ledger.settle_talk("leg", 60_000)).charged_micros == 0


@pytest.mark.parametrize(("talked_ms", "charged"), [(0, 0), (2_001, 3), (3_000, 3), (3_001, 3), (60_000, 3)])
async def test_a_talk_is_charged_as_far_as_its_hold_pays_for_it_and_no_further(
    bank: Bank, talked_ms: int, charged: int
) -> None:
    await bank.customer(42, 5)
    await bank.ledger.hold("leg", 42, 3 * UNIT, terms=Terms("USD", 60 * UNIT))
    settled = await bank.server("another").settle_talk("leg", talked_ms)
    assert (settled.charged_micros, settled.uncollected_micros) == (charged * UNIT, 0)
    assert (await bank.account(42)).available_micros == (5 - charged) * UNIT


async def test_a_customer_that_is_not_there_is_refused_without_failing_others(bank: Bank) -> None:
    await bank.customer(42, 5)
    asked = [bank.ledger.hold("x", 7, UNIT), bank.ledger.hold("y", 42, UNIT), bank.ledger.settle("z", 1)]
    refused, held, unknown = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(refused, Refused)
    assert isinstance(held, Hold)
    assert isinstance(unknown, UnknownLeg)
    await bank.ledger.release("y")


async def test_asking_twice_does_it_once(bank: Bank) -> None:
    await bank.customer(42, 5)
    first = await bank.ledger.hold("leg", 42, 2 * UNIT)
    assert await bank.ledger.hold("leg", 42, 2 * UNIT) == first
    with pytest.raises(LegTaken, match="another hold"):
        await bank.ledger.hold("leg", 42, 3 * UNIT)
    assert (await bank.account(42)).held_micros == 2 * UNIT
    done = await bank.ledger.settle("leg", UNIT)
    bank.now_ms += 1000
    assert await bank.ledger.settle("leg", 2 * UNIT) == done
    assert await bank.ledger.release("leg") == done
    with pytest.raises(LegTaken, match="ended"):
        await bank.ledger.hold("leg", 42, 2 * UNIT)
    with pytest.raises(LegTaken, match="ended"):
        await bank.ledger.extend_hold("leg", 3 * UNIT)
    assert (await bank.account(42)).balance_micros == 4 * UNIT


async def test_two_servers_that_settle_one_leg_charge_it_once(bank: Bank) -> None:
    await bank.customer(42, 5)
    other = bank.server("two")
    await bank.ledger.hold("leg", 42, 3 * UNIT)
    settled = await asyncio.gather(*[one.settle("leg", 2 * UNIT) for one in (bank.ledger, other) * 5])
    assert settled == settled[:1] * 10
    assert (await bank.account(42)).balance_micros == 3 * UNIT


async def test_an_extension_raises_a_hold_as_far_as_there_is_credit(bank: Bank) -> None:
    await bank.customer(42, 5)
    await bank.ledger.hold("leg", 42, UNIT)
    for _ in range(2):
        hold = await bank.ledger.extend_hold("leg", 4 * UNIT)
        assert isinstance(hold, Hold)
        assert hold.micros == 4 * UNIT
    assert await bank.ledger.extend_hold("leg", 6 * UNIT) == NoCredit(42, UNIT)
    hold = await bank.ledger.extend_hold("leg", 6 * UNIT, least_micros=4 * UNIT)
    assert isinstance(hold, Hold)
    assert hold.micros == 5 * UNIT
    assert await bank.ledger.extend_hold("leg", 6 * UNIT, least_micros=5 * UNIT) == hold
    with pytest.raises(UnknownLeg):
        await bank.ledger.extend_hold("other", UNIT)
    assert (await bank.ledger.settle("leg", 5 * UNIT)).charged_micros == 5 * UNIT


@pytest.mark.parametrize(("credit", "charged", "uncollected"), [(9, 6, 0), (5, 5, 1), (3, 3, 3)])
async def test_a_charge_beyond_the_hold_takes_free_credit_and_never_more(
    bank: Bank, credit: int, charged: int, uncollected: int
) -> None:
    await bank.customer(42, credit)
    await bank.ledger.hold("leg", 42, 3 * UNIT)
    done = await bank.ledger.settle("leg", 6 * UNIT)
    assert (done.charged_micros, done.uncollected_micros) == (charged * UNIT, uncollected * UNIT)
    assert await bank.ledger.settle("leg", 6 * UNIT) == done
    assert (await bank.account(42)).balance_micros == (credit - charged) * UNIT


@pytest.mark.parametrize(("limit", "admitted"), [(0, 5), (3, 8), (-2, 3), (-6, 0)])
async def test_a_debit_limit_overdraws_or_keeps_back(bank: Bank, limit: int, admitted: int) -> None:
    await bank.customer(42, 5)
    async with acting(bank.store, shell_operator("ann"), "US", bank.now_ms) as actor:
        await set_debit_limit(actor, 42, limit * UNIT)
    answers = await asyncio.gather(*[bank.ledger.hold(f"leg {n}", 42, UNIT) for n in range(10)])
    assert sum(isinstance(answer, Hold) for answer in answers) == admitted


async def test_an_overdraft_that_is_used_cannot_be_taken_away(bank: Bank) -> None:
    await bank.customer(42)
    async with acting(bank.store, shell_operator("ann"), "US", bank.now_ms) as actor:
        await set_debit_limit(actor, 42, 5 * UNIT)
    await bank.ledger.hold("leg", 42, 3 * UNIT)
    with pytest.raises(Refused, match=r"uses 3.00 USD of its overdraft"):
        async with acting(bank.store, shell_operator("ann"), "US", bank.now_ms) as actor:
            await set_debit_limit(actor, 42, 2 * UNIT)
    async with acting(bank.store, shell_operator("ann"), "US", bank.now_ms) as actor:
        before, after = await set_debit_limit(actor, 42, 3 * UNIT)
    assert (before.debit_limit_micros, after.debit_limit_micros) == (5 * UNIT, 3 * UNIT)


async def test_a_daily_limit_counts_what_is_held_and_spent_and_begins_anew_each_day(bank: Bank) -> None:
    await bank.customer(42, 50)
    async with acting(bank.store, shell_operator("ann"), "US", bank.now_ms) as actor:
        await set_daily_limit(actor, 42, 3 * UNIT)
    await bank.ledger.hold("a", 42, 2 * UNIT)
    assert await bank.ledger.hold("b", 42, 2 * UNIT) == NoCredit(42, UNIT)
    await bank.ledger.settle("a", 2 * UNIT)
    assert await bank.ledger.hold("b", 42, 2 * UNIT) == NoCredit(42, UNIT)
    bank.now_ms += DAY_MS
    assert isinstance(await bank.ledger.hold("b", 42, 3 * UNIT), Hold)
    await bank.ledger.settle("b", 3 * UNIT)
    bank.now_ms -= DAY_MS
    # What was charged before midnight and what was after: both count on the day that is here again.
    assert await bank.ledger.hold("c", 42, UNIT) == NoCredit(42, -2 * UNIT)
    bank.now_ms -= DAY_MS
    assert isinstance(await bank.ledger.hold("c", 42, UNIT), Hold), "a clock two days ahead is forgotten"


@pytest.mark.parametrize("days_ahead", [1, 3, 400])
@pytest.mark.parametrize("in_steps", [False, True])
async def test_a_clock_that_is_ahead_for_one_call_does_not_give_back_what_was_spent_today(
    bank: Bank, days_ahead: int, in_steps: bool
) -> None:
    await bank.customer(42, 50)
    async with acting(bank.store, shell_operator("ann"), "US", bank.now_ms) as actor:
        await set_daily_limit(actor, 42, 10 * UNIT)

    async def call(name: str, units: int) -> None:
        assert isinstance(await bank.ledger.hold(name, 42, (units - in_steps) * UNIT), Hold)
        # Beyond its hold a charge is taken step by step.
        await bank.ledger.settle(name, units * UNIT)

    await call("today", 6)
    bank.now_ms += days_ahead * DAY_MS
    await call("ahead", 2)
    bank.now_ms -= days_ahead * DAY_MS
    # What a clock just over midnight has charged counts too.
    spent = 8 if days_ahead == 1 else 6
    assert (await bank.account(42)).spent_today_micros == spent * UNIT
    left = 10 - spent
    assert await bank.ledger.hold("too much", 42, (left + 1) * UNIT) == NoCredit(42, left * UNIT)
    await call("again today", left)
    assert await bank.ledger.hold("one more", 42, 1) == NoCredit(42, 0)
    assert (await bank.account(42)).spent_today_micros == 10 * UNIT


async def test_two_hundred_calls_at_once_with_credit_for_fifty(bank: Bank) -> None:
    other = bank.server("two")
    for number in range(1, 21):
        await bank.customer(number, 50)
        asked = [(bank.ledger, other)[leg % 2].hold(f"{number}/{leg}", number, UNIT) for leg in range(200)]
        answers = await asyncio.gather(*asked)
        assert sum(isinstance(answer, Hold) for answer in answers) == 50
        assert sum(answer == NoCredit(number, 0) for answer in answers) == 150


@pytest.mark.parametrize("micros", [-1, 10**15 + 1, True, 1.5, float("nan")])
async def test_amounts_that_are_none_are_refused(bank: Bank, micros: int) -> None:
    await bank.customer(42, 5)
    with pytest.raises(Refused, match="not an amount"):
        await bank.ledger.hold("leg", 42, micros)
    await bank.ledger.hold("leg", 42, UNIT)
    with pytest.raises(Refused, match="not an amount"):
        await bank.ledger.settle("leg", micros)
