"""What a call costs and how long it may last, as sentences: before the call and after it.

Prices are said to the last decimal that they have, unlike balances: a minute for 0.0125 USD costs one point
two five cents, and what is said after the call is what was charged.
"""

from __future__ import annotations

from ringflow.money import CURRENCY_DIGITS, MICRO_DIGITS, check_currency
from ringflow.speaking.language import Language, load_language
from ringflow.speaking.phrases import amount, checked
from ringflow.speaking.rules import Tokens
from ringflow.speaking.words import Words

_MINUTE_S = 60
_MINUTE = "minute"
_SECOND = "second"


def rate(micros: int, currency: str, language: str) -> Words:
    """The sentence that tells what a minute costs. Raises as `phrases.money` does."""
    spoken = load_language(language)
    return spoken.words(spoken.phrase("rate", amount=_exact(spoken, micros, currency)))


def cost(micros: int, currency: str, language: str) -> Words:
    """The sentence that tells what a call has cost. Raises as `phrases.money` does."""
    spoken = load_language(language)
    return spoken.words(spoken.phrase("cost", amount=_exact(spoken, micros, currency)))


def free(language: str) -> Words:
    """The sentence that a call costs nothing."""
    spoken = load_language(language)
    return spoken.words(spoken.phrase("free"))


def minutes_and_seconds(seconds: int, language: str) -> Words:
    """The sentence that tells how long one can talk, to the second; below zero that is no second.

    Raises `Refused` for more minutes than there are words for.
    """
    spoken = load_language(language)
    whole, rest = divmod(max(0, seconds), _MINUTE_S)
    minutes, left = spoken.count(checked(whole), _MINUTE), spoken.count(rest, _SECOND)
    if whole and rest:
        return spoken.words(spoken.phrase("minutes_and_seconds", minutes=minutes, seconds=left))
    return spoken.words(spoken.phrase("minutes", count=minutes if whole else left))


def _exact(language: Language, micros: int, currency: str) -> Tokens:
    """An amount that is not below zero, with all of its decimals."""
    decimals = CURRENCY_DIGITS[check_currency(currency)]
    smallest = 10 ** (MICRO_DIGITS - decimals)
    nouns = language.currencies.get(currency)
    if micros % smallest == 0:
        return amount(language, micros, currency)
    if nouns is None or nouns.minor is None:
        tokens = _decimal(language, micros, MICRO_DIGITS)
        return tokens if nouns is None else (*tokens, *language.grammar.inflect_decimal(nouns.major))
    major, minor = divmod(micros, 10**MICRO_DIGITS)
    minors = (
        *_decimal(language, minor, MICRO_DIGITS - decimals),
        *language.grammar.inflect_decimal(nouns.minor),
    )
    if not major:
        return minors
    majors = language.count(checked(major), nouns.major)
    return language.phrase("major_and_minor", major=majors, minor=minors)


def _decimal(language: Language, n: int, digits: int) -> Tokens:
    """A number of so many decimal digits, without noughts at its end."""
    whole, rest = divmod(n, 10**digits)
    fraction = f"{rest:0{digits}d}".rstrip("0")
    spelt = tuple(token for digit in fraction for token in language.spell(int(digit)))
    return language.phrase("decimal", whole=language.spell(checked(whole)), fraction=spelt)
