"""What rates are found by: the beginning of an E.164 number, or of a number that is dialled as it was keyed.

E.164 numbers and numbers that only one trunk understands (extensions, short codes) are two worlds: the
extension 441 is not in the United Kingdom. So the prefixes of the second begin with `AS_KEYED`, which no
digit is, and neither world's prefixes fit the other's numbers.
"""

from __future__ import annotations

import re

from ringflow.errors import Refused
from ringflow.numbers import MAX_E164_DIGITS, dialled_number, number_prefix
from ringflow.plain_text import plain

AS_KEYED = "~"
"""Stands before the prefixes of numbers that are dialled as they were keyed, and before such numbers."""

MAX_PREFIX_LENGTH = MAX_E164_DIGITS + len(AS_KEYED)

_RATED_NUMBER = re.compile(rf"[0-9]+|{AS_KEYED}[0-9*]+")
_AS_KEYED_PREFIX = re.compile(rf"{AS_KEYED}[0-9*]{{1,{MAX_E164_DIGITS}}}")


def rate_prefix(text: str, country: str) -> str:
    """A prefix as rate cards keep it: `44` for `44`, `+44`, `0044` and, in the US, `01144`; `~112` as it is.

    Raises `Refused` for other text.
    """
    if _AS_KEYED_PREFIX.fullmatch(text):
        return text
    prefix = number_prefix(text, country)
    if prefix is None:
        raise Refused(
            "rate.malformed_prefix",
            f"prefix `{plain(text[:32])}`: write a country's code and what may follow, such as 44 or 44191 "
            f"({MAX_E164_DIGITS} digits at most), or {AS_KEYED}112 for a number that a trunk dials as keyed",
            prefix=text,
        )
    return prefix


def rated_number(text: str, country: str) -> str:
    """What `text` dials as rates are asked for it: in E.164, or `~112` as it is. Raises `Refused`."""
    if text.startswith(AS_KEYED) and is_rated_number(text):
        return text
    number = dialled_number(text, country)
    if number is None:
        raise Refused(
            "number.malformed",
            f"`{plain(text)}` is not a telephone number in {country}; write it as it is dialled there, or "
            f"with a country's code, or {AS_KEYED}112 for a number that a trunk dials as keyed",
            number=text,
        )
    return number


def of_record(dialled: str, *, as_keyed: bool) -> str:
    """The number of a leg as rates are asked for it."""
    return AS_KEYED + dialled if as_keyed else dialled


def is_rated_number(text: str) -> bool:
    """Whether rates may be asked for this text."""
    return _RATED_NUMBER.fullmatch(text) is not None
