from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringflow.money import (
    CURRENCY_DIGITS,
    MAX_AMOUNT_MICROS,
    AmountError,
    Rounding,
    divide,
    format_amount,
    largest_numerator,
    parse_amount,
)

PYTHONS = {
    Rounding.UP: ROUND_UP,
    Rounding.DOWN: ROUND_DOWN,
    Rounding.HALF_UP: ROUND_HALF_UP,
    Rounding.HALF_EVEN: ROUND_HALF_EVEN,
}


@pytest.mark.parametrize(
    ("text", "currency", "micros"),
    [
        ("5", "USD", 5_000_000),
        ("5.00", "USD", 5_000_000),
        (" 5.5 USD ", "USD", 5_500_000),
        ("5.000000000", "USD", 5_000_000),
        ("0.05eur", "EUR", 50_000),
        ("500", "JPY", 500_000_000),
        ("1.234", "KWD", 1_234_000),
        ("+1", "USD", 1_000_000),
        ("0", "USD", 0),
        ("1000000000", "USD", MAX_AMOUNT_MICROS),
        ("00000000000000000000000005", "USD", 5_000_000),
    ],
)
def test_amounts_are_read(text: str, currency: str, micros: int) -> None:
    assert parse_amount(text, currency) == micros


@pytest.mark.parametrize(
    ("text", "currency", "why"),
    [
        ("5.001", "USD", "more than 2 decimals"),
        ("5.5", "JPY", "decimals, and this takes none"),
        ("5.00 EUR", "USD", "is in EUR, and USD is wanted"),
        ("-5", "USD", "below zero"),
        ("1000000000.01", "USD", "larger than 1000000000.00 USD"),
        ("9" * 100_000, "USD", "larger"),
        ("nan", "USD", "not an amount"),
        ("inf", "USD", "not an amount"),
        ("1e3", "USD", "not an amount"),
        ("1,000", "USD", "not an amount"),
        ("", "USD", "not an amount"),
        ("5.", "USD", "not an amount"),
        (".5", "USD", "not an amount"),
        ("٥", "USD", "not an amount"),
        ("5 00", "USD", "not an amount"),
        ("--5", "USD", "not an amount"),
        ("5", "usd", "not a currency"),
        ("5", "XXX", "not a currency"),
    ],
)
def test_what_is_no_amount_is_refused(text: str, currency: str, why: str) -> None:
    with pytest.raises(AmountError, match=why):
        parse_amount(text, currency)


@pytest.mark.parametrize("value", [5.0, 5, None, float("nan"), True, Decimal(5)])
def test_only_text_is_an_amount(value: str) -> None:
    with pytest.raises(AmountError, match="an amount is text"):
        parse_amount(value, "USD")


def test_a_price_may_have_six_decimals() -> None:
    assert parse_amount("0.000001", "JPY", decimals=6) == 1
    with pytest.raises(AmountError, match="more than 6 decimals"):
        parse_amount("0.0000001", "JPY", decimals=6)


@pytest.mark.parametrize(
    ("micros", "currency", "text"),
    [
        (5_000_000, "USD", "5.00"),
        (-500_000, "USD", "-0.50"),
        (12_500, "USD", "0.0125"),
        (500_000_000, "JPY", "500"),
        (500_500_000, "JPY", "500.5"),
        (1_234_000, "KWD", "1.234"),
        (1, "USD", "0.000001"),
    ],
)
def test_amounts_are_written(micros: int, currency: str, text: str) -> None:
    assert format_amount(micros, currency) == text


@given(st.integers(-MAX_AMOUNT_MICROS, MAX_AMOUNT_MICROS), st.sampled_from(sorted(CURRENCY_DIGITS)))
def test_what_is_written_is_read_back(micros: int, currency: str) -> None:
    assert parse_amount(format_amount(micros, currency), currency, decimals=6, signed=True) == micros


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**6), st.sampled_from(Rounding))
def test_rounding_is_that_of_decimal_numbers(numerator: int, denominator: int, rounding: Rounding) -> None:
    whole, rest = divmod(abs(numerator), denominator)
    # A quotient with an exact half, or a little beside it, as a decimal number.
    beside = 1 if rest * 2 > denominator else -1 if rest * 2 < denominator else 0
    part = "0" if rest == 0 else {1: "0.6", 0: "0.5", -1: "0.4"}[beside]
    expected = int((Decimal(whole) + Decimal(part)).quantize(Decimal(1), rounding=PYTHONS[rounding]))
    assert divide(numerator, denominator, rounding) == (expected if numerator >= 0 else -expected)


@given(st.integers(0, 10**9), st.integers(1, 10**6), st.sampled_from(Rounding))
def test_the_largest_numerator_is_the_inverse_of_dividing(
    quotient: int, denominator: int, rounding: Rounding
) -> None:
    most = largest_numerator(quotient, denominator, rounding)
    assert divide(most, denominator, rounding) <= quotient < divide(most + 1, denominator, rounding)
