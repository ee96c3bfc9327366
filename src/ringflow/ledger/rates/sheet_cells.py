"""The cells of a rate sheet as values: prefixes, prices, seconds, days. What is ambiguous is refused.

Everything here raises `CellError`, which names the field, says what is unclear, and what to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from ringflow.errors import Refused
from ringflow.ledger.rates.prefix import AS_KEYED, rate_prefix
from ringflow.ledger.rates.sheet_columns import currency_fits
from ringflow.moments import EPOCH
from ringflow.money import CURRENCY_DIGITS, MAX_AMOUNT_MICROS, MICRO_DIGITS
from ringflow.numbers import same_country, trunk_zero
from ringflow.wording import quoted

MAX_SECONDS = 86_400
MAX_RANGE = 1000
MAX_DESTINATION = 100
LAST_MOMENT_MS = 253_402_300_799_000
"""9999-12-31T23:59:59Z: no later moment can be shown as a date."""
MILLISECOND = timedelta(milliseconds=1)
DAY = timedelta(days=1)

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

_DASHES = str.maketrans("\u2010\u2011\u2012\u2013\u2014\u2212", "------")
_FLOAT = re.compile(r"([0-9]+)\.0+")
_EXPONENT = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+")
_THOUSANDS = re.compile(r"[0-9]{1,3}(,[0-9]{3})+")
_LIST = re.compile(r"\s*[;,/|\n]\s*")
_RANGE = re.compile(r"(\+?[0-9 ]+?)\s*-\s*(\+?[0-9 ]+)")
_CLASS = re.compile(r"(\+?[0-9]+)\[([0-9-]+)\]")

_COMMA = re.compile(r"[0-9]*,[0-9]+")
_POINT = re.compile(r"[0-9]*\.[0-9]+")
_COMMA_GROUPED = re.compile(r"[1-9][0-9]{0,2}(\.[0-9]{3})+,[0-9]+")
_POINT_GROUPED = re.compile(r"[1-9][0-9]{0,2}(,[0-9]{3})+\.[0-9]+")
_COMMA_OR_GROUP = re.compile(r"[1-9][0-9]{0,2},[0-9]{3}")
_POINT_OR_GROUP = re.compile(r"[1-9][0-9]{0,2}\.[0-9]{3}")
_UNITS = re.compile(r"/? ?(?:per )?min(?:ute)?$", re.IGNORECASE)

_SECONDS = re.compile(r"([0-9]{1,6})(?:[.,]0+)?\s*(?:s|sec|secs|second|seconds)?", re.IGNORECASE)
_BILLING = re.compile(r"([0-9]{1,6})\s*[/+:]\s*([0-9]{1,6})")

_CLOCK = r"(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.0+)?)?(?: ?([AaPp])\.?[Mm]\.?)?)?"
_YEAR_FIRST = re.compile(r"(\d{4})([/.])(\d{1,2})\2(\d{1,2})" + _CLOCK)
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})" + _CLOCK)
_DAY_MONTH = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[- /.]*([A-Za-z]{3,9})\.?[- /.,]*(\d{4}|\d{2})" + _CLOCK)
_MONTH_DAY = re.compile(r"([A-Za-z]{3,9})\.?[- /.]*(\d{1,2})(?:st|nd|rd|th)?[- /,]+(\d{4})" + _CLOCK)
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_CENTURY = 2000
_PLAUSIBLE = 2015


class CellError(ValueError):
    """A cell that cannot be read, or can be read in two ways."""

    def __init__(self, field: str, what: str, mend: str = "") -> None:
        self.field, self.what, self.mend = field, what, mend
        super().__init__(what)


@dataclass(frozen=True, slots=True)
class Period:
    """A day, whole, or a moment (`exact`); in milliseconds since 1970."""

    start_ms: int
    exact: bool


def read_prefixes(text: str, country: str, field: str = "prefix") -> list[str]:
    """The prefixes of a cell: one, a list (`20;30`), a range (`4477-4479`), an ending (`447[1-9]`).

    With the field `area` they are what follows a country's code, and may be of any length.
    """
    text = text.translate(_DASHES).removeprefix("'").strip()
    if not text:
        raise CellError(field, f"{field} is empty", "write one, or leave the row out")
    if _EXPONENT.fullmatch(text):
        raise CellError(
            field,
            f"{field} {quoted(text)}: which digits? A spreadsheet has shortened the number",
            "format the column as text and enter them again",
        )
    if text.startswith(AS_KEYED) and field == "prefix":
        return [_whole(text, country)]
    if _THOUSANDS.fullmatch(text):
        joined = text.replace(",", "")
        raise CellError(
            field,
            f"{field} {quoted(text)}: one number with separators of thousands, or a list?",
            f"write {joined}, or {text.replace(',', ';')}",
        )
    parts = _LIST.split(text)
    if len(parts) > 1:
        _check_list(text, parts, field)
    return list(dict.fromkeys(prefix for part in parts for prefix in _part(part, country, field)))


def joined_prefixes(code: str, areas: Sequence[str], country: str) -> list[str]:
    """Each area behind its country's code. Raises `CellError` for a zero that only its country dials."""
    for area in areas:
        if area.startswith("0") and trunk_zero(code):
            raise CellError(
                "area",
                f"area {quoted(area)}: is its 0 dialled from abroad? Behind +{code} no number begins with 0",
                f"write {area.lstrip('0') or 'what follows the 0'}",
            )
    return [_whole(code + area, country) for area in areas]


def read_price(text: str, currency: str, decimal: str, field: str = "price") -> int | None:
    """Micro-units a minute; None for a destination that is blocked (`blocked`, `-1`, `N/A`).

    `field` says of what the price is: `price_second`, `price_cents`. `decimal`: the mark of the column.
    """
    plain_text = text.translate(_DASHES).removeprefix("'").strip()
    if plain_text.casefold() in BLOCKED_PRICES or _MINUS_ONE.fullmatch(plain_text):
        return None
    return read_amount(plain_text, currency, decimal, field)


def read_amount(text: str, currency: str, decimal: str, field: str) -> int:
    """Micro-units of an amount of zero or more."""
    number = _UNITS.sub("", _without_currency(text.removeprefix("'").strip(), currency, field)).strip()
    if not number:
        raise CellError(field, f"{field} is empty", "write one: 0 is free, blocked is never put through")
    if _EXPONENT.fullmatch(number):
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


def read_period(text: str, field: str, dates: str) -> Period | None:
    """A date as people and spreadsheets write it, in UTC; None where nothing is written.

    `dates`: `dmy`, `mdy` or `ymd`, for what can be read in several ways.
    """
    if not text:
        return None
    moment, exact = _moment(text.removeprefix("'"), field, dates)
    moment_ms = ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH) // MILLISECOND
    if not 0 <= moment_ms <= LAST_MOMENT_MS:
        raise CellError(field, f"{field} {quoted(text)}: write a date from 1970 to 9999, in UTC")
    return Period(moment_ms, exact)


def order_of_dates(texts: Iterable[str]) -> str:
    """Which order the days of a column prove together: `dmy`, `mdy`, or nothing where none or both do."""
    proven = set()
    for text in texts:
        match = _YEAR_LAST.fullmatch(text)
        if match is not None and len(match[4]) == len("2026"):
            first, second = int(match[1]), int(match[3])
            if first > 12 >= second:
                proven.add("dmy")
            elif second > 12 >= first:
                proven.add("mdy")
    return proven.pop() if len(proven) == 1 else ""


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


def _part(text: str, country: str, field: str) -> list[str]:
    ending = _CLASS.fullmatch(text)
    if ending is not None:
        return [_one(ending[1] + digit, country, field) for digit in _digits_of(ending[2], text, field)]
    limits = _RANGE.fullmatch(text)
    if limits is not None:
        if (found := _range(limits[1], limits[2], country, field)) is not None:
            return found
        if field == "area" or len(limits[1].strip(" +")) >= len(limits[2].strip()):
            raise CellError(
                field,
                f"{field} {quoted(text)}: a range, or one number?",
                "write both ends of a range in full, the smaller one first, such as 4477-4479",
            )
    return [_one(text, country, field)]


def _range(first: str, last: str, country: str, field: str) -> list[str] | None:
    """Every prefix of a range; None where it is none."""
    start, end = _one(first, country, field), _one(last, country, field)
    if len(start) != len(end) or start >= end:
        return None
    if field == "prefix" and not same_country(start, end):
        return None
    count = int(end) - int(start) + 1
    if count > MAX_RANGE:
        raise CellError(
            field, f"{field} {quoted(f'{first}-{last}')} is a range of {count}", f"write at most {MAX_RANGE}"
        )
    return [f"{number:0{len(start)}d}" for number in range(int(start), int(end) + 1)]


def _digits_of(written: str, text: str, field: str) -> list[str]:
    found = ""
    for one in re.findall(r"[0-9]-[0-9]|[0-9]|-", written):
        if one == "-" or one[0] > one[-1]:
            raise CellError(field, f"{field} {quoted(text)}: which digits?", "write them as 447[1-36]")
        found += "".join(map(str, range(int(one[0]), int(one[-1]) + 1)))
    return list(found)


def _one(text: str, country: str, field: str) -> str:
    whole = _FLOAT.fullmatch(text)
    digits = whole[1] if whole is not None else text
    if field == "prefix":
        _check_spaces(digits, field)
        return _whole(digits, country)
    bare = digits.replace(" ", "").replace("-", "").replace("(", "").replace(")", "")
    if field == "country":
        code = _whole(digits, country)
        if not bare or len(code) > 4:
            raise CellError(field, f"country {quoted(text)}: write a country's code such as 44")
        return code
    if not (bare.isascii() and bare.isdigit()):
        raise CellError(field, f"{field} {quoted(text)}: write digits, such as 20, 20;30 or 20-29")
    return bare


def _check_spaces(text: str, field: str) -> None:
    """Refuse what may be a list with spaces in it: `4477 4478`, not `44 7911` or `447 911`."""
    groups = text.split()
    if len(groups) > 1 and all(same_country(groups[0], one) for one in groups[1:]):
        joined, listed = "".join(groups), ";".join(groups)
        what = f"{field} {quoted(text)}: one number with spaces, or a list?"
        raise CellError(field, what, f"write {joined}, or {listed}")


def _whole(text: str, country: str) -> str:
    try:
        prefix = rate_prefix(text, country)
    except Refused as error:
        raise CellError("prefix", str(error)) from None
    code = trunk_zero(prefix)
    if code and prefix[len(code) :].startswith("0"):
        raise CellError(
            "prefix",
            f"prefix {quoted(text)}: is the 0 behind {code} dialled from abroad? "
            "No number there begins with it",
            f"write {code + prefix[len(code) :].lstrip('0')}",
        )
    return prefix


def _check_list(text: str, parts: Sequence[str], field: str) -> None:
    mend = "write each in full, such as 6138;6139"
    if any(re.search(r"[0-9] +[0-9]", part) for part in parts):
        raise CellError(field, f"{field} {quoted(text)}: does what stands first belong to each?", mend)
    if field == "prefix" and any(len(part) < len(parts[0]) for part in parts[1:]):
        shorter = next(part for part in parts[1:] if len(part) < len(parts[0]))
        raise CellError(
            field, f"{field} {quoted(text)}: is {quoted(shorter)} whole, or the end of a longer one?", mend
        )


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
    mend = "say it: --decimal comma or --decimal point, or write it without separators of thousands"
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


def _moment(text: str, field: str, dates: str) -> tuple[datetime, bool]:
    if re.match(r"\d{4}-?\d{2}-?\d{2}", text):
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            pass
        else:
            return moment, moment.tzinfo is not None or moment.time() != datetime.min.time()
    for pattern, read in ((_YEAR_FIRST, _year_first), (_DAY_MONTH, _day_month), (_MONTH_DAY, _month_day)):
        match = pattern.fullmatch(text)
        if match is not None and (day := read(match)) is not None:
            return _at(match, day, text, field)
    match = _YEAR_LAST.fullmatch(text)
    if match is not None:
        return _at(match, _year_last(match, text, field, dates), text, field)
    mend = "write a date such as 2026-07-01"
    if re.fullmatch(r"[0-9]{5}(\.[0-9]+)?", text):
        mend = "a spreadsheet has written a day's number: format the column as dates, such as 2026-07-01"
    raise CellError(field, f"{field} {quoted(text)}: {mend}")


def _year_last(match: re.Match[str], text: str, field: str, dates: str) -> date:
    first, second, third = int(match[1]), int(match[3]), _year(match[4])
    short = len(match[4]) == len("26")
    readings = {"dmy": _day(third, second, first), "mdy": _day(third, first, second)}
    if short:
        readings["ymd"] = _day(_CENTURY + first, second, int(match[4]))
    elif match[2] == "." and not dates:
        dates = "dmy"  # nobody writes the month first with points
    possible = sorted({day for day in readings.values() if day is not None})
    if dates in readings:
        possible = [day for day in (readings[dates],) if day is not None]
    if len(possible) > 1:
        listed = " or ".join(f"{day.day} {_MONTHS[day.month - 1].title()} {day.year}" for day in possible)
        raise CellError(
            field,
            f"{field} {quoted(text)}: is it {listed}?",
            "say it: --dates dmy for the day first, mdy for the month first" + (", ymd" if short else ""),
        )
    if not possible:
        raise CellError(field, f"{field} {quoted(text)} is no date" + (f" as {dates}" if dates else ""))
    return possible[0]


def _year_first(match: re.Match[str]) -> date | None:
    return _day(int(match[1]), int(match[3]), int(match[4]))


def _day_month(match: re.Match[str]) -> date | None:
    year = _year(match[3])
    if len(match[3]) == len("26") and year < _PLAUSIBLE:
        return None  # 26-Jul-01 may be of 2026
    return _day(year, _month(match[2]), int(match[1]))


def _month_day(match: re.Match[str]) -> date | None:
    return _day(int(match[3]), _month(match[1]), int(match[2]))


def _month(name: str) -> int:
    name = name.lower()
    return next((number for number, one in enumerate(_MONTHS, start=1) if one.startswith(name)), 0)


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else _CENTURY + int(text)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _at(match: re.Match[str], day: date, text: str, field: str) -> tuple[datetime, bool]:
    hour, minute, second, half = match.groups()[-4:]
    if hour is None:
        return datetime.combine(day, datetime.min.time()), False
    hours = int(hour) if half is None else int(hour) % 12 + (12 if half in "pP" else 0)
    try:
        moment = datetime(day.year, day.month, day.day, hours, int(minute), int(second or 0))
    except ValueError:
        raise CellError(field, f"{field} {quoted(text)} is no time of a day") from None
    return moment, moment.time() != datetime.min.time()
