"""Numbers, money, minutes and digits as they are said in a language."""

from __future__ import annotations

from decimal import Decimal

from ringflow.errors import Refused
from ringflow.money import CURRENCY_DIGITS, MICRO_DIGITS, check_currency
from ringflow.speaking.language import Gender, Language, load_language
from ringflow.speaking.rules import Tokens
from ringflow.speaking.words import Words

MAX_NUMBER = 10**15 - 1
"""The largest number, either way, that the languages have words for: more than any balance in units."""

MAX_DECIMALS = 6
"""How many digits are said behind the point of a number."""

MAX_ORDINAL = 9_999
"""The largest ordinal number that the languages have words for."""

MAX_DIGITS = 64
"""The longest row of digits: nobody listens to more."""

_MINUTE = "minute"
_MINUTE_S = 60
# What people write between digits to make them readable, and nobody says.
_UNSPOKEN = frozenset(" -.()")


def number(n: int, language: str, gender: Gender | None = None) -> Words:
    """A whole number: as one counts, or before a noun of `gender` (`una`, `eine`, `одна`).

    Raises `Refused` for a number beyond `MAX_NUMBER` or a language that there is not.
    """
    spoken = load_language(language)
    return spoken.words(_signed(spoken, n, spoken.spell(checked(abs(n)), gender)))


def decimal(value: Decimal, language: str) -> Words:
    """A number with decimals, which are said one by one: "minus three point five".

    Raises `Refused` for more than `MAX_DECIMALS`, and as `number` does.
    """
    spoken = load_language(language)
    whole, _, fraction = f"{abs(value):f}".partition(".")
    if len(fraction) > MAX_DECIMALS:
        raise Refused(
            "speech.number_too_fine",
            f"a number is said with at most {MAX_DECIMALS} decimals",
            most=MAX_DECIMALS,
        )
    said = _decimal(spoken, spoken.spell(checked(int(whole))), fraction)
    return spoken.words(_signed(spoken, -1 if value < 0 else 1, said))


def ordinal(n: int, language: str, gender: Gender | None = None) -> Words:
    """An ordinal number, alone or before a noun of `gender`. Raises `Refused` beyond 1 to `MAX_ORDINAL`."""
    if not 0 < n <= MAX_ORDINAL:
        raise Refused(
            "speech.no_ordinal", f"ordinal numbers are said from 1 to {MAX_ORDINAL}", most=MAX_ORDINAL
        )
    spoken = load_language(language)
    return spoken.words(spoken.spell_ordinal(n, gender))


def money(micros: int, currency: str, language: str) -> Words:
    """An amount in whole units and minor units of its currency: never more than there is.

    What is below the minor unit is rounded down, towards less: 0.019 USD is one cent, and -0.001 USD is
    minus one cent. Of an amount below one unit only the minor units are said, of a whole one only the
    units. A currency that the language has no words for is said as a decimal number without a name.
    Raises `AmountError` for a code that is not ISO 4217's, and `Refused` as `number` does.
    """
    spoken = load_language(language)
    return spoken.words(amount(spoken, micros, currency))


def balance(micros: int, currency: str, language: str) -> Words:
    """The sentence that tells an account's balance; the amount is said and rounded as by `money`."""
    spoken = load_language(language)
    return spoken.words(spoken.phrase("balance", amount=amount(spoken, micros, currency)))


def minutes(seconds: int, language: str) -> Words:
    """The sentence that tells how long one can talk: in whole minutes, rounded down.

    Below a minute, and below zero, that is less than one minute. Raises `Refused` as `number` does.
    """
    spoken = load_language(language)
    whole = seconds // _MINUTE_S
    if whole < 1:
        return spoken.words(spoken.phrase("less_than_a_minute"))
    return spoken.words(spoken.phrase("minutes", count=spoken.count(checked(whole), _MINUTE)))


def digits(text: str, language: str) -> Words:
    """Digits one by one, with `*`, `#` and `+`; spaces, hyphens, points and brackets are left out.

    Raises `Refused` for any other character, for none at all, and for more than `MAX_DIGITS`.
    """
    spoken = load_language(language)
    kept = [character for character in text if character not in _UNSPOKEN]
    if not 0 < len(kept) <= MAX_DIGITS:
        raise Refused(
            "speech.malformed_digits",
            f"one to {MAX_DIGITS} digits can be said, not {len(kept)}",
            most=MAX_DIGITS,
        )
    return spoken.words(tuple(token for character in kept for token in _character(spoken, character)))


def _character(language: Language, character: str) -> Tokens:
    if character.isascii() and character.isdecimal():
        return language.spell(int(character))
    if character not in language.symbols:
        raise Refused(
            "speech.malformed_digits",
            f"{character!r} is not a digit: write 0 to 9, `*`, `#` and `+`",
            most=MAX_DIGITS,
        )
    return (language.symbols[character],)


def amount(language: Language, micros: int, currency: str) -> Tokens:
    """The tokens of an amount, as `money` says and rounds it."""
    decimals = CURRENCY_DIGITS[check_currency(currency)]
    smallest = micros // 10 ** (MICRO_DIGITS - decimals)
    major, minor = divmod(abs(smallest), 10**decimals)
    return _signed(language, smallest, _parts(language, currency, checked(major), minor, decimals))


def _parts(language: Language, currency: str, major: int, minor: int, decimals: int) -> Tokens:
    nouns = language.currencies.get(currency)
    if nouns is None:
        whole = language.spell(major)
        if not minor:
            return whole
        return _decimal(language, whole, f"{minor:0{decimals}d}")
    if not minor or nouns.minor is None:
        return language.count(major, nouns.major)
    if not major:
        return language.count(minor, nouns.minor)
    return language.phrase(
        "major_and_minor", major=language.count(major, nouns.major), minor=language.count(minor, nouns.minor)
    )


def _decimal(language: Language, whole: Tokens, fraction: str) -> Tokens:
    said = tuple(token for digit in fraction for token in language.spell(int(digit)))
    return language.phrase("decimal", whole=whole, fraction=said)


def _signed(language: Language, n: int, tokens: Tokens) -> Tokens:
    return language.phrase("negative", amount=tokens) if n < 0 else tokens


def checked(n: int) -> int:
    """The number, if there are words for it. Raises `Refused` beyond `MAX_NUMBER`."""
    if n > MAX_NUMBER:
        raise Refused(
            "speech.number_too_large", f"there are no words for numbers beyond {MAX_NUMBER}", most=MAX_NUMBER
        )
    return n
