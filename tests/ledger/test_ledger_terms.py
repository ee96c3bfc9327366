from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringflow.ledger.terms import Terms, affordable_ms, billed_s, charge_micros, least_charge_micros
from ringflow.money import Rounding

SIXTY_SIX = Terms("USD", 600_000, minimum_s=60, increment_s=6)


@pytest.mark.parametrize(
    ("talked_ms", "minimum_s", "increment_s", "grace_s", "seconds"),
    [
        (0, 60, 6, 0, 0),
        (1, 60, 6, 0, 60),
        (60_000, 60, 6, 0, 60),
        (60_001, 60, 6, 0, 66),
        (66_000, 60, 6, 0, 66),
        (66_001, 60, 6, 0, 72),
        (999, 1, 1, 0, 1),
        (1_000, 1, 1, 0, 1),
        (1_001, 1, 1, 0, 2),
        (3_000, 60, 60, 3, 0),
        (3_001, 60, 60, 3, 60),
        (90_000, 60, 6, 90, 0),
        (90_001, 60, 6, 90, 96),
        (30_000, 30, 6, 0, 30),
    ],
)
def test_billed_seconds(talked_ms: int, minimum_s: int, increment_s: int, grace_s: int, seconds: int) -> None:
    terms = Terms("USD", 1, minimum_s=minimum_s, increment_s=increment_s, grace_s=grace_s)
    assert billed_s(terms, talked_ms) == seconds


@pytest.mark.parametrize(
    ("talked_ms", "charge"),
    [(0, 0), (1, 600_000), (60_000, 600_000), (60_001, 660_000), (120_000, 1_200_000)],
)
def test_sixty_six_at_sixty_cents(talked_ms: int, charge: int) -> None:
    assert charge_micros(SIXTY_SIX, talked_ms) == charge


@pytest.mark.parametrize(
    ("rounding", "decimals", "charge"),
    [
        # 1 s at 0.10 a minute is 0.0016666...
        (Rounding.UP, 4, 1_700),
        (Rounding.HALF_UP, 4, 1_700),
        (Rounding.DOWN, 4, 1_600),
        (Rounding.UP, 2, 10_000),
        (Rounding.HALF_UP, 2, 0),
        (Rounding.DOWN, 6, 1_666),
        (Rounding.UP, 6, 1_667),
        (Rounding.UP, 0, 1_000_000),
    ],
)
def test_charges_are_rounded_once_by_the_cards_rule(rounding: Rounding, decimals: int, charge: int) -> None:
    assert charge_micros(Terms("USD", 100_000, decimals=decimals, rounding=rounding), 1000) == charge


@pytest.mark.parametrize(
    ("fee", "charge"), [(5_000, 0), (12_500, 10_000), (15_000, 20_000), (25_000, 20_000)]
)
def test_a_half_goes_to_even(fee: int, charge: int) -> None:
    terms = Terms("USD", 0, connection_micros=fee, decimals=2, rounding=Rounding.HALF_EVEN)
    assert charge_micros(terms, 1000) == charge


def test_the_connection_fee_is_charged_once_and_not_within_the_grace() -> None:
    terms = replace(SIXTY_SIX, connection_micros=50_000, grace_s=2)
    assert [charge_micros(terms, one) for one in (2_000, 2_001, 61_000)] == [0, 650_000, 710_000]


@pytest.mark.parametrize(
    ("available", "affordable"),
    [(-1, 0), (0, 0), (599_999, 0), (600_000, 60_000), (659_999, 60_000), (660_000, 66_000)],
)
def test_affordable_time(available: int, affordable: int) -> None:
    assert affordable_ms(SIXTY_SIX, available) == affordable


def test_what_is_free_is_affordable_without_limit_or_credit() -> None:
    assert affordable_ms(Terms("USD", 0), -1) is None
    assert affordable_ms(Terms("USD", 0, connection_micros=10_000), 10_000) is None
    assert affordable_ms(Terms("USD", 0, connection_micros=10_000), 9_999) == 0


terms_of_any_kind = st.builds(
    Terms,
    currency=st.just("USD"),
    price_micros=st.integers(0, 5_000_000),
    connection_micros=st.one_of(st.just(0), st.integers(0, 1_000_000)),
    minimum_s=st.integers(1, 120),
    increment_s=st.integers(1, 60),
    grace_s=st.integers(0, 130),
    decimals=st.integers(0, 6),
    rounding=st.sampled_from(Rounding),
)


@given(terms_of_any_kind, st.integers(0, 10**9))
def test_affordable_time_is_the_exact_inverse_of_the_charge(terms: Terms, available: int) -> None:
    longest = affordable_ms(terms, available)
    if longest is None:
        assert charge_micros(terms, 10**9) <= available or terms.free
        return
    assert charge_micros(terms, longest) <= available
    assert charge_micros(terms, longest + 1) > available
    assert charge_micros(terms, longest + terms.increment_s * 1000) > available


@given(terms_of_any_kind, st.integers(0, 10**7), st.integers(0, 10**7))
def test_a_longer_talk_never_costs_less(terms: Terms, one_ms: int, other_ms: int) -> None:
    shorter, longer = sorted((one_ms, other_ms))
    assert 0 <= charge_micros(terms, shorter) <= charge_micros(terms, longer)


@given(terms_of_any_kind)
def test_the_least_charge_is_that_of_the_shortest_charged_talk(terms: Terms) -> None:
    assert least_charge_micros(terms) == charge_micros(terms, terms.grace_s * 1000 + 1)


@given(terms_of_any_kind)
def test_terms_are_kept_beside_a_hold_as_they_are(terms: Terms) -> None:
    assert Terms.from_json(terms.to_json()) == terms
