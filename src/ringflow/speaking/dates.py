"""Dates, times of day and lengths of time as they are said in a language."""

from __future__ import annotations

import datetime

from ringflow.errors import Refused
from ringflow.speaking.language import Clock, Language, load_language
from ringflow.speaking.phrases import checked
from ringflow.speaking.rules import Tokens
from ringflow.speaking.words import Words

_LENGTHS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
"""The nouns in which a length of time is said, and how many seconds each is."""

_HALF_DAY = 12


def date(day: datetime.date, language: str, *, weekday: bool = False, year: bool = True) -> Words:
    """A day of the Gregorian calendar, with its weekday before it and its year behind it where wanted."""
    spoken = load_language(language)
    slots = {
        "day": spoken.grammar.spell(day.day, "day"),
        "month": (spoken.months[day.month - 1],),
    }
    if year:
        said = spoken.phrase("date", **slots, year=spoken.grammar.spell(day.year, "year"))
    else:
        said = spoken.phrase("day_and_month", **slots)
    if weekday:
        said = spoken.phrase("with_weekday", weekday=(spoken.weekdays[day.weekday()],), date=said)
    return spoken.words(said)


def time(moment: datetime.time, language: str, clock: Clock | None = None) -> Words:
    """A time of day to the minute, by a clock of 12 or 24 hours; None: the one usual in the language."""
    spoken = load_language(language)
    by_half_days = (clock or spoken.clock) is Clock.TWELVE
    if by_half_days and not moment.minute and moment.hour % _HALF_DAY == 0:
        return spoken.words(spoken.phrase("noon" if moment.hour else "midnight"))
    hour = (moment.hour - 1) % _HALF_DAY + 1 if by_half_days else moment.hour
    slots = {
        "hour": spoken.grammar.spell(hour, "clock-hour"),
        "clock": _noun(spoken, "clock", hour),
        "part": (_day_part(spoken, moment.hour),),
    }
    name = f"time_{Clock.TWELVE if by_half_days else Clock.TWENTY_FOUR:d}"
    if not moment.minute:
        return spoken.words(spoken.phrase(f"{name}_whole", **slots))
    slots["minute"] = spoken.grammar.spell(moment.minute, "clock-minute")
    slots["clock-minute"] = _noun(spoken, "clock-minute", moment.minute)
    return spoken.words(spoken.phrase(name, **slots))


def duration(seconds: int, language: str) -> Words:
    """A length of time in days, hours, minutes and seconds, without those of which there are none.

    Raises `Refused` below zero, and as `number` does.
    """
    if seconds < 0:
        raise Refused("speech.malformed_value", "a length of time is not below zero", kind="duration")
    spoken = load_language(language)
    parts: list[Tokens] = []
    for noun, length_s in _LENGTHS:
        count, seconds = divmod(seconds, length_s)
        if count:
            parts.append(spoken.count(checked(count), noun))
    if not parts:
        return spoken.words(spoken.count(0, "second"))
    *first, last = parts
    if not first:
        return spoken.words(last)
    so_far = tuple(token for part in first for token in part)
    return spoken.words(spoken.phrase("list_end", first=so_far, last=last))


def _noun(language: Language, noun: str, n: int) -> Tokens:
    """The noun's form for a number; nothing in a language whose clock does without it."""
    return language.grammar.inflect(noun, n) if noun in language.grammar.nouns else ()


def _day_part(language: Language, hour: int) -> str:
    return next(unit for begins, unit in reversed(language.day_parts) if begins <= hour)
