"""The check digit of card IDs and voucher codes: ISO/IEC 7812-1, annex B (Luhn).

It catches every single wrong digit and nearly all swapped neighbours, so that a caller's slip of the finger
is told apart from a wrong number without asking the database, and is not held against anyone.
"""

from __future__ import annotations

from functools import cache

from ringflow.accounts.randomness import draw_numbers

# What a digit counts where it is doubled: the sum of the digits of twice its value.
_DOUBLED = {str(digit): sum(divmod(2 * digit, 10)) for digit in range(10)}
# An even number of digits is weighed at once, so that every block doubles the same places.
_BLOCK_DIGITS = 4
_BLOCK = 10**_BLOCK_DIGITS


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
    return draw_many_digits(1, length)[0]


def draw_many_digits(count: int, length: int) -> list[str]:
    """`count` times what `draw_digits` gives; the same digits may come twice."""
    lowest = 10 ** (length - 2)
    weights = _block_weights()
    drawn: list[str] = []
    for number in draw_numbers(count, 9 * lowest):
        payload = rest = lowest + number
        weight = 0
        while rest:
            rest, block = divmod(rest, _BLOCK)
            weight += weights[block]
        drawn.append(str(10 * payload + -weight % 10))
    return drawn


@cache
def _block_weights() -> tuple[int, ...]:
    return tuple(_weight(f"{block:0{_BLOCK_DIGITS}d}") for block in range(_BLOCK))


def _weight(payload: str) -> int:
    return sum(map(int, payload[-2::-2])) + sum(_DOUBLED[digit] for digit in payload[::-2])
