"""How a trunk wants numbers: the form, digits before them, and which it dials as they were keyed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from ringflow.errors import Refused
from ringflow.numbers import international_prefix, national_form
from ringflow.plain_text import plain

NumberForm = Literal["e164", "+e164", "00", "national"]
"""`e164`: digits from the country's code on. `00`: those behind the international prefix of the country in
which Ringflow is. `national`: as they are dialled in that country, foreign numbers as in `00`.
"""

MAX_AS_KEYED = 100
"""Patterns of one trunk."""

_PREFIX = re.compile(r"[0-9]{0,16}", re.ASCII)
_PATTERN = re.compile(r"[0-9*XZN]{1,32}\.?", re.ASCII)
_KEYED = re.compile(r"[0-9*]{1,32}", re.ASCII)
_SIGNS = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]", ".": "[0-9*]+", "*": r"\*"}


def in_form(number: str, form: NumberForm, country: str) -> str:
    """An E.164 number as a trunk wants it. `country` is a two-letter code (ISO 3166-1)."""
    if form == "e164":
        return number
    if form == "+e164":
        return f"+{number}"
    national = national_form(number, country) if form == "national" else None
    return national or international_prefix(country) + number


def can_be_keyed(text: str) -> bool:
    """Whether the text may be dialled just as it is: digits and `*`."""
    return _KEYED.fullmatch(text) is not None


def is_among(text: str, patterns: Sequence[str]) -> bool:
    """Whether one of the patterns, as Asterisk's dialplan has them, fits the whole of what was keyed."""
    return any(_compiled(pattern).fullmatch(text) for pattern in patterns)


def check_as_keyed(patterns: Sequence[str]) -> None:
    """Raises `Refused` for patterns that are none."""
    if len(patterns) > MAX_AS_KEYED:
        raise Refused(
            "trunk.too_many_patterns",
            f"{len(patterns)} patterns are too many; {MAX_AS_KEYED} at most",
            ("as_keyed",),
            most=MAX_AS_KEYED,
        )
    for pattern in patterns:
        if not _PATTERN.fullmatch(pattern):
            what = (
                f"as_keyed `{plain(pattern)}`: write digits and *, X for any digit, Z for 1-9, N for 2-9, "
                "and `.` at the end for one or more of any"
            )
            raise Refused("trunk.malformed_as_keyed", what, ("as_keyed",), pattern=pattern)


def check_number_prefix(prefix: str, field: str) -> None:
    """Raises `Refused` for a prefix that is not a few digits."""
    if not _PREFIX.fullmatch(prefix):
        raise Refused(
            "trunk.malformed_prefix",
            f"{field} `{plain(prefix)}`: write at most 16 digits",
            (field,),
            field=field,
            prefix=prefix,
        )


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(_SIGNS.get(sign, sign) for sign in pattern))
