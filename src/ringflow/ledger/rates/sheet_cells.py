"""The cells of a rate sheet as values: prices, seconds, statuses, names. What is ambiguous is refused.

Prefixes are in `sheet_prefixes`, dates in `sheet_dates`.

Everything here raises `CellError`, which names the field, says what is unclear, and what to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

from ringflow.ledger.rates.column_names import currency_fits
from ringflow.money import CURRENCY_DIGITS, MAX_AMOUNT_MICROS, MICRO_DIGITS
from ringflow.wording import quoted

MAX_SECONDS = 86_400
MAX_DESTINATION = 100

BLOCKED_PRICES = frozenset(
    ("blocked", "block", "barred", "n/a", "na", "not available", "unavailable", "closed", "suspended")
)
_MINUS_ONE = re.compile(r"-1([.,]0+)?")
_BLOCKED = BLOCKED_PRICES | {"inactive", "disabled", "bar", "off", "not served", "no service"}
_OPEN = frozenset(
    [
        "open",
        "opened",
        "active",
        "available",
        "enabled",
        "ok",
        "on",
        "unblocked",
        "increase",
        "increased",
        "decrease",
        "decreased",
        "new",
        "current",
        "same",
        "unchanged",
        "change",
        "changed",
        "no|change",
        "no|changes",
        "-",
        "=",
        "+",
        "i",
        "d",
        "n",
        "nc",
        "valid",
        "normal",
    ]
)
_YES = frozenset(("yes", "y", "true", "1", "x"))
_NO = frozenset(("no", "n", "false", "0"))

DASHES = str.maketrans("\u2010\u2011\u2012\u2013\u2014\u2212", "------")
EXPONENT = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+")
THOUSANDS = re.compile(r"[0-9]{1,3}(,[0-9]{3})+")

_COMMA = re.compile(r"[0-9]*,[0-9]+")
_POINT = re.compile(r"[0-9]*\.[0-9]+")
_COMMA_GROUPED = re.compile(r"[1-9][0-9]{0,2}(\.[0-9]{3})+,[0-9]+")
_POINT_GROUPED = re.compile(r"[1-9][0-9]{0,2}(,[0-9]{3})+\.[0-9]+")
_COMMA_OR_GROUP = re.compile(r"[1-9][0-9]{0,2},[0-9]{3}")
_POINT_OR_GROUP = re.compile(r"[1-9][0-9]{0,2}\.[0-9]{3}")
_UNITS = re.compile(r"/? ?(?:per )?min(?:ute)?$", re.IGNORECASE)

_SECONDS = re.compile(r"([0-9]{1,6})(?:[.,]0+)?\s*(?:s|sec|secs|second|seconds)?", re.IGNORECASE)
_BILLING = re.compile(r"([0-9]{1,6})\s*[/+:]\s*([0-9]{1,6})")


class CellError(ValueError):
    """A cell that cannot be read, or can be read in two ways."""

    def __init__(self, field: str, what: str, mend: str = "") -> None:
        self.field, self.what, self.mend = field, what, mend
        super().__init__(what)


def read_price(text: str, currency: str, decimal: str, field: str = "price") -> int | None:
    """Micro-units a minute; None for a destination that is blocked (`blocked`, `-1`, `N/A`).

    `field` says of what the price is: `price_second`, `price_cents`. `decimal`: the mark of the column.
    """
    plain_text = text.translate(DASHES).removeprefix("'").strip()
    if plain_text.casefold() in BLOCKED_PRICES or _MINUS_ONE.fullmatch(plain_text):
        return None
    return read_amount(plain_text, currency, decimal, field)


def read_amount(text: str, currency: str, decimal: str, field: str) -> int:
    """Micro-units of an amount of zero or more."""
    number = _UNITS.sub("", _without_currency(text.removeprefix("'").strip(), currency, field)).strip()
    if not number:
        raise CellError(field, f"{field} is empty", "write one: 0 is free, blocked is never put through")
    if EXPONENT.fullmatch(number):
        raise CellError(
            field,
            f"{field} {quoted(text)}: is it exactly that? A spreadsheet has shortened the number",
            f"format the column as a number with {MICRO_DIGITS} decimals, or write "
            f"{Decimal(number.replace(',', '.')):f} if it is",
        )
    if number.startswith("-"):
        raise CellError(
            field, f"{field} {quoted(text)} is below zero", "0 is free; -1 or blocked is never put through"
        )
    value = _decimal(number, decimal, field)
    factor = {"price_second": Decimal(60), "price_cents": Decimal("0.01")}.get(field, Decimal(1))
    micros = value * factor * 10**MICRO_DIGITS
    if micros > MAX_AMOUNT_MICROS:
        raise CellError(
            field, f"{field} {quoted(text)} is too large", f"it is at most {MAX_AMOUNT_MICROS // 10**6}"
        )
    if micros != int(micros):
        a_minute = "" if factor == 1 else f", which is {value * factor:f} a minute,"
        raise CellError(
            field,
            f"{field} {quoted(text)}{a_minute} has more than {MICRO_DIGITS} decimals",
            "round it in the sheet",
        )
    return int(micros)


def decimal_mark(texts: Iterable[str]) -> str:
    """The decimal mark that a column's amounts show together: `comma`, `point`, `both`, or nothing."""
    comma = point = False
    for text in texts:
        number = text.strip(" -+$€£¥'")
        comma |= bool(
            _COMMA_GROUPED.fullmatch(number) or _COMMA.fullmatch(number)
        ) and not _COMMA_OR_GROUP.fullmatch(number)
        point |= bool(
            _POINT_GROUPED.fullmatch(number) or _POINT.fullmatch(number)
        ) and not _POINT_OR_GROUP.fullmatch(number)
    if comma and point:
        return "both"
    return "comma" if comma else "point" if point else ""


def read_seconds(text: str, field: str, lowest: int) -> int | None:
    """Whole seconds; None where nothing is written."""
    if not text:
        return None
    match = _SECONDS.fullmatch(text)
    if match is None or not lowest <= int(match[1]) <= MAX_SECONDS:
        raise CellError(field, f"{field} {quoted(text)}: write whole seconds from {lowest} to {MAX_SECONDS}")
    return int(match[1])


def read_billing(text: str) -> tuple[int | None, int | None]:
    """The minimum and the increment of `60/6`; of a number alone only the increment."""
    match = _BILLING.fullmatch(text)
    if match is None:
        try:
            return None, read_seconds(text, "increment", 1)
        except CellError:
            raise CellError(
                "increment",
                f"increment {quoted(text)}: write whole seconds from 1 to {MAX_SECONDS}, or minimum and "
                "increment such as 60/6",
            ) from None
    minimum, increment = (read_seconds(one, "increment", 1) for one in match.groups())
    assert minimum is not None
    assert increment is not None
    if minimum < increment:
        raise CellError(
            "increment",
            f"increment {quoted(text)}: is {minimum} the minimum, or the increment?",
            f"write it as minimum/increment: {minimum}/{minimum}, {increment}/{minimum} "
            f"or {increment}/{increment}",
        )
    return minimum, increment


def read_status(text: str, header: str) -> bool:
    """Whether the destination is blocked. `header`: the column's name, which says what `yes` means."""
    word = text.casefold().strip()
    asks = header.casefold().strip()
    if asks in ("blocked", "barred") and word in _YES | _NO:
        return word in _YES
    if asks in ("enabled", "active", "availability") and word in _YES | _NO:
        return word in _NO
    if word in _BLOCKED:
        return True
    if not word or word.replace(" ", "|") in _OPEN:
        return False
    raise CellError(
        "status", f"status {quoted(text)}: is this destination open or blocked?", "write open or blocked"
    )


def read_destination(text: str) -> str:
    """A name, on one line. An apostrophe that keeps a spreadsheet from calculating is no part of it."""
    name = text.removeprefix("'")
    if len(name) > MAX_DESTINATION:
        raise CellError(
            "destination", f"the destination has more than {MAX_DESTINATION} characters", "shorten it"
        )
    if not name.isprintable():
        raise CellError("destination", f"destination {quoted(name)} has characters that cannot be printed")
    return name


def _without_currency(text: str, currency: str, field: str) -> str:
    match = re.fullmatch(r"([A-Za-z]{3}|[$€£¥])?\s*(.*?)\s*([A-Za-z]{3}|[$€£¥])?", text, re.DOTALL)
    assert match is not None
    said = next((one for one in (match[1], match[3]) if one and _is_currency(one)), None)
    if said is None:
        return text
    code = {"€": "EUR", "£": "GBP", "¥": "JPY"}.get(said, said.upper())
    if not currency_fits(code, currency):
        raise CellError(field, f"{field}: {quoted(text)} is in {code}, and {currency} is wanted")
    return match[2]


def _is_currency(text: str) -> bool:
    return text in "$€£¥" or text.upper() in CURRENCY_DIGITS


def _decimal(number: str, mark: str, field: str) -> Decimal:
    grouped = {"comma": _COMMA_GROUPED, "point": _POINT_GROUPED}
    plain_number = {"comma": _COMMA, "point": _POINT}
    asked = f"{field} {quoted(number)}: is the {'comma' if ',' in number else 'point'} a decimal mark?"
    mend = "say it: ‹decimal› comma or ‹decimal› point, or write it without separators of thousands"
    if re.fullmatch(r"[0-9]+", number):
        return Decimal(number)
    if not re.fullmatch(r"[0-9.,]*[0-9]", number):
        raise CellError(
            field,
            f"{field}: {quoted(number)} is not an amount",
            "write digits and a point, such as 5.00, or blocked",
        )
    if not mark:
        # The column shows nothing: 1,234 may be a thousand and more; a point is what Ringflow itself writes.
        mark = "point" if _POINT.fullmatch(number) else ""
    other = {"comma": ".", "point": ","}.get(mark, "")
    if mark in grouped and (plain_number[mark].fullmatch(number) or grouped[mark].fullmatch(number)):
        digits = number.replace(other, "").replace(",", ".")
        return Decimal(digits if digits[0] != "." else "0" + digits)
    raise CellError(field, asked, mend)
