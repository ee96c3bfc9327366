"""Numbers in variables, exact: decimal arithmetic without floats, and text that is a number.

A variable may hold a number of JSON, or text that reads as one: keyed digits, a field of a web service.
Amounts stay exact because they are `Decimal` here and never binary fractions, so 0.1 + 0.2 is 0.3.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal

from ringflow.calls.json_value import JsonValue
from ringflow.errors import RingflowError

MAX_WHOLE_DIGITS = 24
"""How many digits a number may have before the point. No amount and no telephone number has as many."""
MAX_DECIMALS = 12
"""How many decimals are kept: what has more, such as 1/3, is rounded half up."""

_TOO_LARGE = Decimal(10) ** MAX_WHOLE_DIGITS
_SMALLEST = Decimal(1).scaleb(-MAX_DECIMALS)
# Enough for the exact product of two numbers, before it is rounded.
EXACT = Context(prec=2 * (MAX_WHOLE_DIGITS + MAX_DECIMALS) + 8, rounding=ROUND_HALF_UP)
_READABLE = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?", re.ASCII)
_WRITTEN_AS_A_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,39})(\.[0-9]{1,40})?", re.ASCII)


class NotCalculable(RingflowError):
    """A calculation that has no result: it divides by zero, or the result is too large."""


def readable_number(value: JsonValue) -> Decimal | None:
    """The number that a value is or reads as: `5`, `"05"`, `"+1.50"`. None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return Decimal(value) if abs(value) < _TOO_LARGE else None
    if isinstance(value, float):
        value = format(Decimal(repr(value)), "f") if value == value and abs(value) < _TOO_LARGE else ""
    if isinstance(value, str) and _READABLE.fullmatch(value.strip(" ")):
        number = Decimal(value.strip(" "))
        return number if abs(number) < _TOO_LARGE else None
    return None


def plain_number(value: JsonValue) -> Decimal | None:
    """The number of a value that is written as numbers are: without a leading zero, a plus or a space.

    `05`, `0044` and `+44` are text: codes and telephone numbers in which a zero means something.
    """
    if isinstance(value, str) and not _WRITTEN_AS_A_NUMBER.fullmatch(value):
        return None
    return readable_number(value)


def bounded(number: Decimal) -> Decimal:
    """A result, rounded to `MAX_DECIMALS`. Raises `NotCalculable` for one that is too large."""
    if not number.is_finite() or abs(number) >= _TOO_LARGE:
        raise NotCalculable(f"the result has more than {MAX_WHOLE_DIGITS} digits before the point")
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -MAX_DECIMALS:
        return number.quantize(_SMALLEST, context=EXACT)
    return number


def number_value(number: Decimal, decimals: int | None = None) -> int | str:
    """A number as a variable keeps it: whole ones as integers, others as text, so that no digit is lost.

    With `decimals` it is rounded half up to that many, and they are written out: `3.50`.
    """
    if decimals is not None:
        number = number.quantize(Decimal(1).scaleb(-decimals), context=EXACT)
        if decimals:
            return format(number if number else abs(number), "f")
    if number == number.to_integral_value():
        return int(number)
    return format(number.normalize(EXACT), "f")
