"""What may stand in Asterisk's dial string as a number."""

from __future__ import annotations

import pytest

from ringflow.calls.dialling import dialable_number


@pytest.mark.parametrize("text", ["", "+", "++44", "4 4", "44&", "4" * 33, "٤٤", "4\n", "²"])
def test_a_destination_is_digits_only(text: str) -> None:
    assert dialable_number(text) is None


def test_a_destination_of_digits_is_itself_without_its_plus() -> None:
    assert dialable_number("+441234567890") == dialable_number("441234567890") == "441234567890"
    assert dialable_number("0" * 32) == "0" * 32
