"""How a flow says which numbers are not dialled: `[CU, "1900"]`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, Field

from ringflow.calls.blocked_numbers import BlockedNumbers
from ringflow.numbers import MAX_E164_DIGITS, is_country
from ringflow.validation import Text
from ringflow.wording import quoted

_PREFIX = re.compile(rf"\+?[1-9][0-9]{{0,{MAX_E164_DIGITS - 1}}}", re.ASCII)
_CODE = re.compile(r"[A-Za-z]{2}", re.ASCII)
_MEANT = {"UK": "GB", "EN": "GB"}


def _entry(text: str) -> str:
    if is_country(text) or _PREFIX.fullmatch(text):
        return text.removeprefix("+")
    if _CODE.fullmatch(text):
        code = _MEANT.get(text.upper(), text.upper())
        mend = f"write {code}" if is_country(code) else "use a two-letter code such as CU"
        raise ValueError(f"{quoted(text)} is not a country || {mend}")
    digits = re.sub(r"^(00|011)", "", text)
    if text.isdigit() and _PREFIX.fullmatch(digits):
        raise ValueError(f"{quoted(text)} is not how a number begins in E.164 || write {digits}")
    mend = "write a country's two-letter code, such as CU, or its digits, such as 53"
    raise ValueError(f"{quoted(text)} is neither a country nor the beginning of a number || {mend}")


BlockedEntry = Annotated[Text, AfterValidator(_entry), Field(min_length=1, max_length=32)]
"""A country's code, or the beginning of a number."""


def blocked_numbers(entries: Iterable[str]) -> BlockedNumbers:
    """What a call asks of each number."""
    found = list(entries)
    countries = frozenset(one for one in found if not one.isdigit())
    return BlockedNumbers(countries, tuple(one for one in found if one.isdigit()))
