"""Money as whole micro-units of a currency: reading, writing and rounding amounts, without floats.

A micro-unit is a millionth of the currency's unit: 1.50 USD is 1_500_000, in every currency alike. The
currency's own digits (ISO 4217: 2 for USD, 0 for JPY, 3 for KWD) say how amounts are written, not how they
are kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from ringflow.errors import Refused

MICROS_PER_UNIT = 1_000_000
MICRO_DIGITS = 6

MAX_AMOUNT_MICROS = 10**15
"""The largest single amount: a thousand million units. Four thousand of them still fit in a balance."""

MAX_BALANCE_MICROS = 4 * 10**18
"""The largest balance, either way: less than half of what 64 bits hold, so a sum of two cannot overflow."""

_NO_DIGITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_TWO_DIGITS = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE "
    "CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD "
    "HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK "
    "MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD "
    "RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH "
    "USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG"
)
_THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND"
_FOUR_DIGITS = "CLF UYW"

CURRENCY_DIGITS: dict[str, int] = {
    code: digits
    for digits, codes in ((0, _NO_DIGITS), (2, _TWO_DIGITS), (3, _THREE_DIGITS), (4, _FOUR_DIGITS))
    for code in codes.split()
}
"""ISO 4217's currencies and the digits of their minor units; without metals, test codes and the like."""

_AMOUNT = re.compile(r"([+-]?)([0-9]+)(?:\.([0-9]+))?(?: ?([A-Za-z]{3}))?")


class AmountError(Refused):
    """An amount or a currency that cannot be used; the text says why and what to write."""


class Rounding(StrEnum):
    """What becomes of the part that is smaller than the last digit kept. `half_even`: a half goes to even."""

    UP = "up"
    HALF_UP = "half_up"
    HALF_EVEN = "half_even"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount with its currency."""

    micros: int
    currency: str

    def __str__(self) -> str:
        return f"{format_amount(self.micros, self.currency)} {self.currency}"


def check_currency(code: str) -> str:
    """The code, if it is one of ISO 4217's. Raises `AmountError`."""
    if code not in CURRENCY_DIGITS:
        raise AmountError(
            "currency.unknown",
            f"`{code[:8]}` is not a currency: write a code of ISO 4217 such as USD",
            currency=code[:8],
        )
    return code


def parse_amount(
    text: str,
    currency: str,
    *,
    decimals: int | None = None,
    signed: bool = False,
    at: tuple[str, ...] = (),
) -> int:
    """Micro-units of an amount as people write it: `5`, `5.00` or `5.00 USD`.

    `decimals`: how many are allowed, at most 6; None: as many as the currency has. `signed`: it may be below
    zero. `at`: the field that it is, for the error. Raises `AmountError` for everything else: floats,
    exponents, thousands separators, NaN.
    """
    try:
        return _parse_amount(text, currency, decimals, signed)
    except AmountError as error:
        raise error.reworded(str(error), at) from None


def _parse_amount(text: str, currency: str, decimals: int | None, signed: bool) -> int:
    digits = CURRENCY_DIGITS[check_currency(currency)] if decimals is None else decimals
    if not isinstance(text, str):
        raise AmountError("amount.malformed", f"an amount is text such as 5.00, not {type(text).__name__}")
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise AmountError(
            "amount.malformed", f"`{text[:32]}` is not an amount: write digits and a point, such as 5.00"
        )
    sign, whole, fraction, written = match[1], match[2], match[3] or "", match[4]
    if written is not None and written.upper() != currency:
        raise AmountError(
            "currency.differs",
            f"`{text.strip()[:32]}` is in {written.upper()}, and {currency} is wanted",
            currency=written.upper(),
            other=currency,
        )
    if sign == "-" and not signed:
        raise AmountError("amount.negative", f"`{text.strip()[:32]}` is below zero")
    if len(fraction) > digits and fraction[digits:].strip("0"):
        raise AmountError("amount.too_fine", f"`{text.strip()[:32]}` has {_too_many(digits)}")
    # A text of many digits is refused before it is made a number: that takes time squared in its length.
    if len(whole.lstrip("0")) > len(str(MAX_AMOUNT_MICROS)):
        raise _too_large(currency)
    micros = int(whole) * MICROS_PER_UNIT + int(fraction[:MICRO_DIGITS].ljust(MICRO_DIGITS, "0"))
    if micros > MAX_AMOUNT_MICROS:
        raise _too_large(currency)
    return -micros if sign == "-" else micros


def format_amount(micros: int, currency: str) -> str:
    """The amount with its currency's digits, and with more where it has more: `-0.50`, `0.0125`, `500`."""
    digits = CURRENCY_DIGITS.get(currency, 2)
    whole, fraction = divmod(abs(micros), MICROS_PER_UNIT)
    shown = f"{fraction:0{MICRO_DIGITS}d}"
    kept = shown[:digits] + shown[digits:].rstrip("0")
    return ("-" if micros < 0 else "") + str(whole) + (f".{kept}" if kept else "")


def divide(numerator: int, denominator: int, rounding: Rounding) -> int:
    """The rounded quotient; `denominator` is above zero. Below zero, the mirror image of above."""
    if numerator < 0:
        return -divide(-numerator, denominator, rounding)
    quotient, rest = divmod(numerator, denominator)
    match rounding:
        case Rounding.DOWN:
            return quotient
        case Rounding.UP:
            return quotient + (rest > 0)
        case Rounding.HALF_UP:
            return quotient + (2 * rest >= denominator)
        case Rounding.HALF_EVEN:
            return quotient + (2 * rest > denominator or (2 * rest == denominator and quotient % 2 == 1))


def largest_numerator(quotient: int, denominator: int, rounding: Rounding) -> int:
    """The largest number that `divide` takes to `quotient` or below it; both are at least zero."""
    match rounding:
        case Rounding.DOWN:
            return (quotient + 1) * denominator - 1
        case Rounding.UP:
            return quotient * denominator
        case Rounding.HALF_UP:
            return ((2 * quotient + 1) * denominator - 1) // 2
        case Rounding.HALF_EVEN:
            return ((2 * quotient + 1) * denominator - (quotient % 2)) // 2


def _too_many(digits: int) -> str:
    return f"more than {digits} decimals" if digits else "decimals, and this takes none"


def _too_large(currency: str) -> AmountError:
    return AmountError(
        "amount.out_of_range",
        f"the amount is larger than {Money(MAX_AMOUNT_MICROS, currency)}",
        low="0",
        high=str(Money(MAX_AMOUNT_MICROS, currency)),
    )
