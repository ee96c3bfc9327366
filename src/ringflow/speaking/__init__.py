"""Numbers, money, dates, times, letters and the like as rows of prompts, and in writing, by language.

Each `say_` function gives the names of the prompts in order; the function without `say_` gives the text too;
`words_of` takes a value of JSON and says it in a `Manner`. Names that begin with `SAY/` are the prompt
library's; others are files of Asterisk's own packs, to be played in that language's folder.
"""

from ringflow.speaking.call_prices import cost, free, minutes_and_seconds, rate
from ringflow.speaking.countries import language_of_country
from ringflow.speaking.country_names import country_name
from ringflow.speaking.language import Clock, Gender, Language, languages, load_language
from ringflow.speaking.phrases import balance, digits, minutes, money, number
from ringflow.speaking.prompts import Announcement, prompts_needed
from ringflow.speaking.values import Manner, SaidAs, words_of
from ringflow.speaking.words import LIBRARY_PREFIX, Source, Unit, Words

__all__ = [
    "LIBRARY_PREFIX",
    "Announcement",
    "Clock",
    "Gender",
    "Language",
    "Manner",
    "SaidAs",
    "Source",
    "Unit",
    "Words",
    "balance",
    "cost",
    "country_name",
    "digits",
    "free",
    "language_of_country",
    "languages",
    "load_language",
    "minutes",
    "minutes_and_seconds",
    "money",
    "number",
    "prompts_needed",
    "rate",
    "say_balance",
    "say_cost",
    "say_digits",
    "say_free",
    "say_minutes",
    "say_minutes_and_seconds",
    "say_money",
    "say_number",
    "say_rate",
    "voice_of",
    "words_of",
]


def voice_of(language: str) -> str:
    """The voice of espeak-ng that speaks a language."""
    return load_language(language).voice


def say_number(
    n: int, language: str, gender: Gender | None = None, *, source: Source = Source.LIBRARY
) -> tuple[str, ...]:
    """The prompts of a whole number; see `number`."""
    return number(n, language, gender).prompts(source)


def say_money(
    micros: int, currency: str, language: str, *, source: Source = Source.LIBRARY
) -> tuple[str, ...]:
    """The prompts of an amount in micro-units; see `money`."""
    return money(micros, currency, language).prompts(source)


def say_balance(
    micros: int, currency: str, language: str, *, source: Source = Source.LIBRARY
) -> tuple[str, ...]:
    """The prompts of "your balance is ..."; see `balance`."""
    return balance(micros, currency, language).prompts(source)


def say_minutes(seconds: int, language: str, *, source: Source = Source.LIBRARY) -> tuple[str, ...]:
    """The prompts of "you have ... minutes"; see `minutes`."""
    return minutes(seconds, language).prompts(source)


def say_digits(text: str, language: str, *, source: Source = Source.LIBRARY) -> tuple[str, ...]:
    """The prompts of digits one by one; see `digits`."""
    return digits(text, language).prompts(source)


def say_rate(
    micros: int, currency: str, language: str, *, source: Source = Source.LIBRARY
) -> tuple[str, ...]:
    """The prompts of "one minute costs ..."; see `rate`."""
    return rate(micros, currency, language).prompts(source)


def say_cost(
    micros: int, currency: str, language: str, *, source: Source = Source.LIBRARY
) -> tuple[str, ...]:
    """The prompts of "this call cost ..."; see `cost`."""
    return cost(micros, currency, language).prompts(source)


def say_free(language: str, *, source: Source = Source.LIBRARY) -> tuple[str, ...]:
    """The prompts of "this call is free"; see `free`."""
    return free(language).prompts(source)


def say_minutes_and_seconds(
    seconds: int, language: str, *, source: Source = Source.LIBRARY
) -> tuple[str, ...]:
    """The prompts of "you have ... minutes and ... seconds"; see `minutes_and_seconds`."""
    return minutes_and_seconds(seconds, language).prompts(source)
