"""What a quote says, a call is held for, limited to and charged: to the micro-unit, whatever the rate."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.paying_customers import add_card, add_customer, as_ann, give_credit

from ringflow.calls.charging import Allowance, Charging, ChargingSettings, Denial, Denied
from ringflow.ledger.check import check_books
from ringflow.ledger.ledger import Ledger
from ringflow.ledger.rates.quote import quote
from ringflow.ledger.terms import charge_micros
from ringflow.money import MAX_AMOUNT_MICROS, Rounding
from ringflow.store import Store
from ringflow.store.ledger_tables import rate_cards, rates

NUMBER = "441234567890"
NOW_MS = 1_767_225_600_000
LONGEST_MS = 14_400_000
ANY_RATE = st.fixed_dictionaries(
    {
        "price_micros": st.integers(0, 5_000_000),
        "connection_micros": st.one_of(st.just(0), st.integers(0, 1_000_000)),
        "minimum_s": st.integers(1, 120),
        "increment_s": st.integers(1, 60),
        "grace_s": st.integers(0, 130),
    }
)
ANY_ROUNDING = st.fixed_dictionaries({"decimals": st.integers(0, 6), "rounding": st.sampled_from(Rounding)})


class Tariff:
    """One rate card, whose rate each example changes; a customer for each."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.charging = Charging(
            Ledger(store, "here", lambda: NOW_MS),
            ChargingSettings(slice_ms=LONGEST_MS, longest_ms=LONGEST_MS),
        )
        self._customers = count(1)

    async def open(self) -> None:
        async with as_ann(self.store, NOW_MS) as ann:
            await add_card(ann)

    async def customer(
        self, credit_micros: int, rate: dict[str, int], rounding: dict[str, int | Rounding]
    ) -> int:
        """A new customer with credit, for whom this is the only rate; gives its id."""
        customer_id = next(self._customers)
        async with as_ann(self.store, NOW_MS) as ann:
            await ann.connection.execute(rate_cards.update().values(rounding))
            await ann.connection.execute(rates.delete())
            await ann.connection.execute(rates.insert().values(card_id=1, prefix="44", from_ms=0, **rate))
            return await add_customer(ann, customer_id, credit_micros)

    async def pay(self, customer_id: int, credit_micros: int) -> None:
        async with as_ann(self.store, NOW_MS) as ann:
            await give_credit(ann, customer_id, credit_micros)


@pytest.fixture
async def tariff(store: Store) -> AsyncIterator[Tariff]:
    opened = Tariff(store)
    await opened.open()
    yield opened
    await opened.charging.close()
    assert await check_books(store, NOW_MS) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rate=ANY_RATE, rounding=ANY_ROUNDING, credit=st.integers(1, 10**9), data=st.data())
async def test_a_call_is_charged_what_its_quote_says(
    tariff: Tariff,
    rate: dict[str, int],
    rounding: dict[str, int | Rounding],
    credit: int,
    data: st.DataObject,
) -> None:
    customer_id = await tariff.customer(credit, rate, rounding)
    quoted = await quote(tariff.store, NUMBER, customer_id, NOW_MS)
    allowed = await tariff.charging.allow(f"leg {customer_id}", customer_id, NUMBER)
    if not quoted.affordable:
        assert isinstance(allowed, Denial)
        assert allowed.why is Denied.NO_CREDIT
        return
    assert isinstance(allowed, Allowance)
    affordable_ms = LONGEST_MS if quoted.affordable_ms is None else quoted.affordable_ms
    assert allowed.limit_ms == min(affordable_ms, LONGEST_MS)
    talked_ms = data.draw(st.one_of(st.just(allowed.limit_ms), st.integers(0, allowed.limit_ms)))
    settled = await tariff.charging.end(allowed, talked_ms)
    assert settled is not None
    assert settled.charged_micros == charge_micros(quoted.terms, talked_ms)
    assert settled.uncollected_micros == 0
    account = await tariff.charging.ledger.account(customer_id)
    assert account is not None
    assert (account.balance_micros, account.held_micros) == (credit - settled.charged_micros, 0)


@pytest.mark.parametrize("credit", [1_000_000, 3 * MAX_AMOUNT_MICROS])
async def test_a_talk_that_costs_more_than_the_largest_amount_is_for_nobody(
    tariff: Tariff, credit: int
) -> None:
    dear = {"price_micros": 0, "connection_micros": MAX_AMOUNT_MICROS + 1, "minimum_s": 1, "increment_s": 1}
    customer_id = await tariff.customer(0, {**dear, "grace_s": 0}, {"decimals": 6, "rounding": Rounding.UP})
    await tariff.pay(customer_id, credit)
    quoted = await quote(tariff.store, NUMBER, customer_id, NOW_MS)
    assert not quoted.affordable
    allowed = await tariff.charging.allow("leg", customer_id, NUMBER)
    assert isinstance(allowed, Denial)
    assert (allowed.why, allowed.reason) == (Denied.NO_CREDIT, "not enough credit for the shortest talk")


async def test_a_talk_whose_next_moment_costs_more_than_the_largest_amount_ends_for_want_of_credit(
    tariff: Tariff,
) -> None:
    dear = {"price_micros": 60 * (MAX_AMOUNT_MICROS // 2), "connection_micros": 0, "minimum_s": 1}
    customer_id = await tariff.customer(
        0, {**dear, "increment_s": 1, "grace_s": 0}, {"decimals": 6, "rounding": Rounding.UP}
    )
    await tariff.pay(customer_id, 3 * MAX_AMOUNT_MICROS)
    allowed = await tariff.charging.allow("leg", customer_id, NUMBER)
    assert isinstance(allowed, Allowance)
    assert allowed.limit_ms == 2000
    assert await tariff.charging.raise_hold(allowed, 1000) is None
    settled = await tariff.charging.end(allowed, 2000)
    assert settled is not None
    assert settled.charged_micros == MAX_AMOUNT_MICROS
