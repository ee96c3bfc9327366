"""A value of a variable as what it is meant to be: digits, a number, an amount, a date ..., in words."""

from __future__ import annotations

import datetime
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, tzinfo
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ringflow.errors import Refused
from ringflow.money import MICRO_DIGITS, parse_amount
from ringflow.speaking.dates import date, duration, time
from ringflow.speaking.language import Clock, Gender
from ringflow.speaking.phrases import MAX_DECIMALS, MAX_NUMBER, decimal, digits, money, number, ordinal
from ringflow.speaking.spelling import letters, telephone_number
from ringflow.speaking.words import Words

NOW = "now"
"""The text that stands for the present moment where a date or a time is said."""


class SaidAs(StrEnum):
    """How a value is said."""

    TEXT = "text"
    """By a voice, as it stands."""
    DIGITS = "digits"
    """Digit by digit."""
    NUMBER = "number"
    """A number."""
    ORDINAL = "ordinal"
    """An ordinal number: first, second."""
    MONEY = "money"
    """An amount in a currency."""
    DATE = "date"
    """A day."""
    TIME = "time"
    """A time of day."""
    DURATION = "duration"
    """A length of time, given in seconds."""
    LETTERS = "letters"
    """Letter by letter."""
    TELEPHONE = "telephone"
    """A telephone number, in its groups."""


SAID_IN_PROMPTS = tuple(one for one in SaidAs if one is not SaidAs.TEXT)
"""All but text, which needs a voice."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a value is said, and in which language.

    `currency` is for money; `gender` for numbers and ordinals before a noun; `clock` for times, `weekday` and
    `year` for dates. `zone` is where dates and times are told, `now_s` what they mean by `now` (seconds since
    1970 UTC), `country` whose telephone numbers are national.
    """

    said_as: SaidAs
    language: str
    currency: str | None = None
    gender: Gender | None = None
    clock: Clock | None = None
    weekday: bool = False
    year: bool = True
    zone: tzinfo = UTC
    country: str = "US"
    now_s: float = 0.0


def words_of(value: object, manner: Manner) -> Words:
    """The words of a text, a number, or whatever else JSON can hold, said in this manner.

    Raises `Refused` where it is not what it is said as, `AmountError` for an amount or a currency.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _malformed(value, manner.said_as, "write text or a number")
    text = value.strip() if isinstance(value, str) else _written(value)
    language = manner.language
    match manner.said_as:
        case SaidAs.DIGITS:
            return digits(text, language)
        case SaidAs.NUMBER:
            return _number(text, manner)
        case SaidAs.ORDINAL:
            return ordinal(_whole(text, manner.said_as), language, manner.gender)
        case SaidAs.MONEY:
            micros = parse_amount(text, manner.currency or "", decimals=MICRO_DIGITS, signed=True)
            return money(micros, manner.currency or "", language)
        case SaidAs.DATE:
            day = _day(value, text, manner)
            return date(day, language, weekday=manner.weekday, year=manner.year)
        case SaidAs.TIME:
            return time(_time_of_day(value, text, manner), language, manner.clock)
        case SaidAs.DURATION:
            return duration(int(_decimal_text(text, manner.said_as).to_integral(ROUND_FLOOR)), language)
        case SaidAs.LETTERS:
            return letters(text, language)
        case SaidAs.TELEPHONE:
            return telephone_number(text, language, manner.country)
        case SaidAs.TEXT:
            what = "a text is spoken by a voice, not put together of words: see the slot `tts`"
            raise Refused("speech.malformed_value", what, kind=str(SaidAs.TEXT))


_DECIMAL = re.compile(rf"[+-]?[0-9]{{1,{len(str(MAX_NUMBER))}}}(\.[0-9]{{1,40}})?", re.ASCII)
_UNIX_TEXT = re.compile(r"[0-9]{9,11}(\.[0-9]+)?", re.ASCII)
"""Seconds since 1970 in text: shorter ones are basic forms of dates and times (ISO 8601)."""

_MEANT = {
    SaidAs.NUMBER: ("a number", "write digits, such as 21 or -3.5"),
    SaidAs.ORDINAL: ("a whole number", "write digits, such as 21"),
    SaidAs.DATE: ("a date", "write it as 2026-12-31, as seconds since 1970, or `now`"),
    SaidAs.TIME: ("a time", "write it as 15:30, as 2026-12-31T15:30:00Z, as seconds since 1970, or `now`"),
    SaidAs.DURATION: ("a length of time", "write seconds, such as 90"),
}
_KINDS = {bool: "true or false", list: "a list", dict: "an object", type(None): "nothing"}


def _malformed(value: object, said_as: SaidAs, mend: str) -> Refused:
    what = _KINDS.get(type(value)) or f"`{str(value)[:32]}`"
    meant = _MEANT.get(said_as, (f"what can be said as {said_as}",))[0]
    return Refused("speech.malformed_value", f"{what} is not {meant}: {mend}", kind=str(said_as))


def _decimal_of(value: float) -> Decimal:
    """A number of JSON, without what floats add to it: 0.1 and 0.2 are 0.3."""
    exact = Decimal(repr(value))
    is_small = exact.is_finite() and abs(exact) <= MAX_NUMBER
    return round(exact, MAX_DECIMALS) if isinstance(value, float) and is_small else exact


def _written(value: float) -> str:
    """A number of JSON in digits, such as `12.5`."""
    text = f"{_decimal_of(value):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _decimal_text(text: str, said_as: SaidAs) -> Decimal:
    if not _DECIMAL.fullmatch(text):
        raise _malformed(text, said_as, _MEANT[said_as][1])
    return Decimal(text)


def _whole(text: str, said_as: SaidAs) -> int:
    found = _decimal_text(text, said_as)
    if found != int(found):
        raise _malformed(text, said_as, _MEANT[said_as][1])
    return int(found)


def _number(text: str, manner: Manner) -> Words:
    found = _decimal_text(text, SaidAs.NUMBER)
    if found == int(found):
        return number(int(found), manner.language, manner.gender)
    return decimal(found, manner.language)


def _day(value: object, text: str, manner: Manner) -> datetime.date:
    moment = _moment(value, text, manner)
    if moment is not None:
        return moment.date()
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise _malformed(text, SaidAs.DATE, _MEANT[SaidAs.DATE][1]) from None


def _time_of_day(value: object, text: str, manner: Manner) -> datetime.time:
    moment = _moment(value, text, manner)
    if moment is None and isinstance(value, str):
        with suppress(ValueError):
            return datetime.time.fromisoformat(text)
    if moment is None:
        raise _malformed(text, SaidAs.TIME, _MEANT[SaidAs.TIME][1])
    return moment.time()


def _moment(value: object, text: str, manner: Manner) -> datetime.datetime | None:
    """A point in time as a clock in the zone shows it; None for a text that is none."""
    try:
        if text == NOW:
            return datetime.datetime.fromtimestamp(manner.now_s, manner.zone)
        if not isinstance(value, str) or _UNIX_TEXT.fullmatch(text):
            return datetime.datetime.fromtimestamp(float(text), manner.zone)
        written, _, name = text.rpartition(" ")
        zone = ZoneInfo(name) if name[:1].isalpha() and written else None
        written = written if zone is not None else text
        moment = datetime.datetime.fromisoformat(written) if set(written) & {"T", "t", " "} else None
        if zone is not None and moment is not None:
            moment = moment.replace(tzinfo=zone)
    except (ValueError, OverflowError, OSError, ZoneInfoNotFoundError):
        return None
    return moment.astimezone(manner.zone) if moment is not None and moment.tzinfo else moment
