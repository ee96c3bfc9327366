"""DIDs with a number behind them: by `5061999{number}`, who dials 50619994412345 wants 4412345.

Such a DID is kept as it is written, without a plus. Of several that fit a number the one with the most digits
before `{number}` wins, and a DID that is the number as it stands goes before all of them: so no two are in
each other's way. It is found by the primary key, asked for each of the patterns that would fit.
"""

from __future__ import annotations

import re

from ringflow.errors import Refused
from ringflow.numbers import international_prefix
from ringflow.plain_text import plain

REST = "{number}"
"""What stands in a DID for the digits that callers dial behind it."""

DEFAULT_VARIABLE = "ivr_destination"
"""The variable that gets these digits, unless the DID names another one."""

MAX_LITERAL = 20
"""How many digits may stand before `{number}`."""

_MOST_READINGS = 3
MOST_PATTERNS = _MOST_READINGS * (MAX_LITERAL + 1)
"""How many patterns `fitting_patterns` returns at most."""

_LITERAL = re.compile(rf"[0-9*]{{0,{MAX_LITERAL}}}", re.ASCII)
_VARIABLE = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_DIALLED = re.compile(r"[0-9*]{2,64}", re.ASCII)
_MAX_REST = 32


def is_did_pattern(number: str) -> bool:
    """Whether a DID, as it is kept, is one with a number behind it."""
    return number.endswith(REST)


def looks_like_pattern(text: str) -> bool:
    """Whether a pattern was meant: no other DID has braces."""
    return "{" in text or "}" in text


def did_pattern(text: str) -> str:
    """How a DID with a number behind it is kept. Raises `Refused` for a text that is none."""
    literal = text.removesuffix(REST).removeprefix("+").replace(" ", "").replace("-", "")
    if not text.endswith(REST) or not _LITERAL.fullmatch(literal):
        raise Refused(
            "did.malformed_pattern",
            f"DID `{plain(text)}`: write at most {MAX_LITERAL} digits and then {REST}, such as 5061999{REST}",
            did=text,
        )
    return literal + REST


def check_variable(number: str, variable: str | None) -> None:
    """Raise `Refused` for a variable that cannot be, or one of a DID that has no number behind it."""
    if variable is None:
        return
    if not is_did_pattern(number):
        raise Refused(
            "did.variable_without_number",
            f"variable `{plain(variable)}`: DID {plain(number)} brings no number; leave it out, or write "
            f"the DID with {REST} at its end",
            ("variable",),
            variable=variable,
        )
    if not _VARIABLE.fullmatch(variable):
        raise Refused(
            "did.malformed_variable",
            f"variable `{plain(variable)}`: write small letters, digits and `_`, such as {DEFAULT_VARIABLE}",
            ("variable",),
            variable=variable,
        )


def fitting_patterns(dialled: str, country: str) -> list[str]:
    """The patterns, as they are kept, that would fit a number that was dialled: the longest first.

    The number is taken as it came, without a plus or the international prefix that it may begin with.
    """
    found: dict[str, None] = {}
    for digits in _readings(dialled, country):
        for length in range(min(MAX_LITERAL, len(digits) - 1), -1, -1):
            if len(digits) - length <= _MAX_REST:
                found[digits[:length] + REST] = None
    return sorted(found, key=len, reverse=True)


def number_behind(pattern: str, dialled: str, country: str) -> str:
    """What was dialled behind the digits of a pattern that fits."""
    literal = pattern.removesuffix(REST)
    return next(one for one in _readings(dialled, country) if one.startswith(literal))[len(literal) :]


def _readings(dialled: str, country: str) -> list[str]:
    # Who is used to end a number by the hash key does so here too.
    digits = dialled.removesuffix("#")
    if digits.startswith("+"):
        readings = [digits[1:]]
    else:
        prefixes = dict.fromkeys(("00", international_prefix(country)))
        readings = [digits, *(digits.removeprefix(one) for one in prefixes if digits.startswith(one))]
    return [one for one in readings if _DIALLED.fullmatch(one)]
