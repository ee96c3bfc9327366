"""Texts spelt letter by letter, and telephone numbers in their groups, as they are said in a language."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import phonenumbers

from ringflow.errors import Refused
from ringflow.numbers import dialled_number, national_form
from ringflow.speaking.language import PAUSE, Language, load_language
from ringflow.speaking.phrases import MAX_DIGITS, digits
from ringflow.speaking.rules import Tokens
from ringflow.speaking.words import Words

_SPACES = frozenset(" \t")
_GROUP = re.compile(r"[0-9*#]+")


def letters(text: str, language: str) -> Words:
    """A text spelt: letters, digits, and characters such as `.`, `-` and `@`; spaces are left out.

    A letter with a mark that the language has no name for is said as the letter without it. Raises
    `Refused`, with the place, for any other character, for none at all, and for more than `MAX_DIGITS`.
    """
    spoken = load_language(language)
    kept = [(at, one) for at, one in enumerate(text, start=1) if one not in _SPACES]
    if not 0 < len(kept) <= MAX_DIGITS:
        raise Refused(
            "speech.malformed_letters",
            f"one to {MAX_DIGITS} characters can be spelt, not {len(kept)}",
            most=MAX_DIGITS,
        )
    return spoken.words(tuple(token for at, one in kept for token in _character(spoken, one, at)))


def telephone_number(text: str, language: str, country: str) -> Words:
    """A telephone number, digit by digit in the groups in which it is written, with a pause between them.

    A number of `country` is said as it is dialled there, a foreign one with its country's code. What is no
    telephone number that all can reach, such as 112 or an extension, is said digit by digit. A language may
    say short groups as one number ("quarante-deux"). Raises `Refused` as `digits` does.
    """
    number = dialled_number(text.strip(), country)
    if number is None:
        return digits(text, language)
    spoken = load_language(language)
    return spoken.words(tuple(_grouped(spoken, *_written(number, country))))


def _written(number: str, country: str) -> tuple[list[str], bool]:
    """The groups of an E.164 number, and whether a plus stands before them."""
    parsed = phonenumbers.parse(f"+{number}")
    at_home = national_form(number, country) is not None
    form = (
        phonenumbers.PhoneNumberFormat.NATIONAL if at_home else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    )
    return _GROUP.findall(phonenumbers.format_number(parsed, form)), not at_home


def _grouped(language: Language, groups: list[str], with_plus: bool) -> Iterator[str]:
    if with_plus:
        yield language.symbols["+"]
    for index, group in enumerate(groups):
        if index:
            yield from ("_", PAUSE)
        if group[0] != "0" and len(group) <= language.telephone_group and group.isdecimal():
            yield from language.spell(int(group))
        else:
            for character in group:
                yield from _digit(language, character)


def _digit(language: Language, character: str) -> Tokens:
    return language.spell(int(character)) if character.isdecimal() else (language.symbols[character],)


def _character(language: Language, character: str, at: int) -> Tokens:
    if character.isascii() and character.isdecimal():
        return language.spell(int(character))
    for one in (character.lower(), unicodedata.normalize("NFD", character)[0].lower()):
        found = language.letters.get(one) or language.symbols.get(one) or language.marks.get(one)
        if found is not None:
            return (found,)
    raise Refused(
        "speech.malformed_letters",
        f"character {at}, {character!r}, cannot be spelt in `{language.code}`: write letters and digits",
        most=MAX_DIGITS,
    )
