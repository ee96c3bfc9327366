"""Amounts as flows write them: digits and a point, in whatever currency the customer who pays has."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from ringflow.money import MICRO_DIGITS
from ringflow.wording import quoted

_AMOUNT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")


def _amount(text: str) -> str:
    if not _AMOUNT.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not an amount || write one such as 5.00, without its currency")
    return text


Amount = Annotated[str, AfterValidator(_amount)]


def amount_micros(text: str) -> int:
    """Return an `Amount` in micro-units, whatever its currency."""
    whole, _, fraction = text.partition(".")
    return int(whole + fraction.ljust(MICRO_DIGITS, "0"))
