"""The check digit of card IDs and voucher codes: ISO/IEC 7812-1, annex B (Luhn).

It catches every single wrong digit and nearly all swapped neighbours, so that a caller's slip of the finger
is told apart from a wrong number without asking the database, and is not held against anyone.
"""

from __future__ import annotations

import secrets

# What a digit counts where it is doubled: the sum of the digits of twice its value.
_DOUBLED = {str(digit): sum(divmod(2 * digit, 10)) for digit in range(10)}


def with_check_digit(payload: str) -> str:
    """The digits with their check digit put behind them."""
    return payload + str(-_weight(payload) % 10)


def has_check_digit(digits: str, length: int) -> bool:
    """Whether this is `length` ASCII digits of which the last one fits the others."""
    if len(digits) != length or not (digits.isascii() and digits.isdigit()):
        return False
    return (_weight(digits[:-1]) + int(digits[-1])) % 10 == 0


def draw_digits(length: int) -> str:
    """Random digits with a check digit, `length` in all, the first not 0; from the system's randomness."""
    lowest = 10 ** (length - 2)
    return with_check_digit(str(lowest + secrets.randbelow(9 * lowest)))


def _weight(payload: str) -> int:
    return sum(map(int, payload[-2::-2])) + sum(_DOUBLED[digit] for digit in payload[::-2])
