"""Calculations of flows: exact, and wrong ones refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ringflow.calls.exact_number import NotCalculable, number_value, plain_number, readable_number
from ringflow.flows.formula import MAX_FORMULA_LENGTH, Formula
from ringflow.flows.template import TextError

VARIABLES: dict[str, Any] = {
    "tries": 3, "keyed": "05", "price": "0.10", "half": 0.5, "word": "abc", "yes": True, "none": None,
    "big": 10**24 - 1, "order": {"count": "7"},
}  # fmt: skip


def value(text: str) -> int | str:
    return number_value(Formula.parse(text).calculate(VARIABLES))


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 2 - 3", 5),
        ("100 / 10 / 5", 2),
        ("2 * 7 % 4", 2),
        ("-7 % 4", -3),
        ("- -3", 3),
        ("-(2 + 3)", -5),
        ("--- 2", -2),
        ("0.1 + 0.2", "0.3"),
        ("1 / 3", "0.333333333333"),
        ("2 / 3", "0.666666666667"),
        ("1 / 3 * 3", "0.999999999999"),
        ("0.000001 * 0.000001", "0.000000000001"),
        ("0.000001 * 0.0000001", 0),
        ("${tries} + ${keyed}", 8),
        ("${price} * 3", "0.3"),
        ("${half} + ${order.count}", "7.5"),
        ("${unset|4} * 2", 8),
        ("${none|4} * 2", 8),
        ("999999999999999999999999", 10**24 - 1),
        ("${big} - 0.000000000001", "999999999999999999999998.999999999999"),
        ("-${big}", 1 - 10**24),
        ("abs(-${big})", 10**24 - 1),
        ("max(1, ${tries}, 2) + min(4, 5)", 7),
        ("floor(-1.5)", -2),
        ("ceil(1.2)", 2),
        ("round(2.5)", 3),
        ("round(-2.5)", -3),
        ("round(1.005, 2)", "1.01"),
        ("round(10 / 4, 1) * 2", 5),
    ],
)
def test_a_calculation_is_exact(text: str, result: int | str) -> None:
    assert value(text) == result


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1 / (${tries} - 3)", "division by zero"),
        ("1 % (${tries} - 3)", "division by zero"),
        ("${big} + 1", "more than 24 digits"),
        ("${big} * ${big}", "more than 24 digits"),
        ("-${big} - 1", "more than 24 digits"),
        ("${word} + 1", "`\\$\\{word\\}` is not a number"),
        ("${yes} + 1", "`\\$\\{yes\\}` is not a number"),
        ("${order} + 1", "`\\$\\{order\\}` is not a number"),
        ("round(1, ${half})", "round takes 0 to 12 decimals"),
        ("round(1, ${tries} * 5)", "round takes 0 to 12 decimals"),
    ],
)
def test_what_has_no_result_says_why_and_not_what_the_variable_holds(text: str, why: str) -> None:
    with pytest.raises(NotCalculable, match=why) as raised:
        value(text)
    assert "abc" not in str(raised.value)


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(TextError, match="`unset` is not set"):
        value("${unset} + 1")


@pytest.mark.parametrize(
    "text",
    ["", " ", "1 2", "1 +", "+ 1", "(1", "1)", "()", "1,2", "(1, 2)", "max()", "max(1", "2 ** 3", "1..2"],
)
def test_what_is_no_calculation_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r" \|\| "):
        Formula.parse(text)


@pytest.mark.parametrize(
    "text", ["(" * 100 + "1" + ")" * 100, "abs(" * 40 + "1" + ")" * 40, "1" * (MAX_FORMULA_LENGTH + 1)]
)
def test_a_calculation_has_bounds(text: str) -> None:
    with pytest.raises(ValueError, match="more than"):
        Formula.parse(text)


def test_a_row_of_minus_signs_is_no_trouble() -> None:
    assert value("-" * (MAX_FORMULA_LENGTH - 1) + "1") == -1


@pytest.mark.parametrize(
    ("given", "readable", "plain"),
    [
        (5, "5", "5"), (0.1, "0.1", "0.1"), ("5", "5", "5"), ("-5.50", "-5.5", "-5.5"), ("05", "5", None),
        ("+5", "5", None), (" 5", "5", None), ("5.", None, None), (".5", None, None), ("1e3", None, None),
        ("", None, None), ("\u0665", None, None), (True, None, None), (None, None, None), ([], None, None),
        (1e300, None, None), (float("nan"), None, None), (10**24, None, None), ("1" * 25, None, None),
        ("0", "0", "0"), ("00", "0", None), ("0.50", "0.5", "0.5"), ("5\n", None, None),
    ],
)  # fmt: skip
def test_which_values_are_numbers(given: Any, readable: str | None, plain: str | None) -> None:
    assert readable_number(given) == (None if readable is None else Decimal(readable))
    assert plain_number(given) == (None if plain is None else Decimal(plain))


@pytest.mark.parametrize(
    ("number", "decimals", "kept"),
    [
        ("1.005", 2, "1.01"), ("-1.005", 2, "-1.01"), ("3", 2, "3.00"), ("2.5", 0, 3), ("-0.001", 2, "0.00"),
        ("1.50", None, "1.5"), ("100", None, 100), ("1E+2", None, 100),
        ("0.000000000001", None, "0.000000000001"),
    ],
)  # fmt: skip
def test_how_a_number_is_kept(number: str, decimals: int | None, kept: int | str) -> None:
    assert number_value(Decimal(number), decimals) == kept
