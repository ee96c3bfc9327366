"""The check digit of card IDs and voucher codes: ISO/IEC 7812-1, annex B (Luhn).

It catches every single wrong digit and nearly all swapped neighbours, so that a caller's slip of the finger
is told apart from a wrong number without asking the database, and is not held against anyone.
"""

from __future__ import annotations

from stdnum import luhn

from ringflow.accounts.randomness import draw_numbers


def with_check_digit(payload: str) -> str:
    """The digits with their check digit put behind them."""
    return payload + luhn.calc_check_digit(payload)


def has_check_digit(digits: str, length: int) -> bool:
    """Whether this is `length` ASCII digits of which the last one fits the others."""
    return len(digits) == length and digits.isascii() and digits.isdigit() and luhn.is_valid(digits)


def draw_digits(length: int) -> str:
    """Random digits with a check digit, `length` in all, the first not 0; from the system's randomness."""
    return draw_many_digits(1, length)[0]


def draw_many_digits(count: int, length: int) -> list[str]:
    """`count` times what `draw_digits` gives; the same digits may come twice."""
    lowest = 10 ** (length - 2)
    return [with_check_digit(str(lowest + number)) for number in draw_numbers(count, 9 * lowest)]
