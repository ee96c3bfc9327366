"""Minutes, digits, and numbers at the edge."""

from __future__ import annotations

import pytest

from ringflow.errors import Refused
from ringflow.speaking import Gender, Source, digits, minutes, number, say_digits, say_minutes
from ringflow.speaking.phrases import MAX_NUMBER

MINUTES = {
    "en": {0: "less than one minute", 1: "one minute", 2: "two minutes", 21: "twenty-one minutes"},
    "es": {
        0: "menos de un minuto",
        1: "un minuto",
        21: "veintiún minutos",
        101: "ciento un minutos",
        1_000_000: "un millón de minutos",
    },
    "fr": {
        0: "moins d'une minute",
        1: "une minute",
        21: "vingt et une minutes",
        80: "quatre-vingts minutes",
        1_000_000: "un million de minutes",
    },
    "de": {0: "weniger als eine Minute", 1: "eine Minute", 21: "einundzwanzig Minuten"},
    "ru": {
        0: "меньше одной минуты",
        1: "одна минута",
        2: "две минуты",
        4: "четыре минуты",
        5: "пять минут",
        11: "одиннадцать минут",
        12: "двенадцать минут",
        21: "двадцать одна минута",
        22: "двадцать две минуты",
        25: "двадцать пять минут",
        111: "сто одиннадцать минут",
        1001: "одна тысяча одна минута",
    },
}
YOU_HAVE = {"en": "you have", "es": "usted tiene", "fr": "vous avez", "de": "Sie haben", "ru": "у вас"}


@pytest.mark.parametrize(
    ("language", "whole", "text"),
    [(language, whole, text) for language, said in MINUTES.items() for whole, text in said.items()],
)
def test_minutes_are_whole_and_rounded_down(language: str, whole: int, text: str) -> None:
    for seconds in (60 * whole, 60 * whole + 59):
        assert minutes(seconds, language).text == f"{YOU_HAVE[language]} {text}"


def test_no_time_and_time_overdrawn_are_less_than_a_minute() -> None:
    assert minutes(0, "en") == minutes(-3600, "en") == minutes(59, "en")


def test_minutes_by_prompts() -> None:
    assert say_minutes(1_260, "en") == ("SAY/en/you-have", "SAY/en/20", "SAY/en/1", "SAY/en/minutes")
    assert say_minutes(59, "en") == ("SAY/en/you-have", "SAY/en/less-than-one-minute")


def test_a_pack_may_need_several_files_for_one_phrase() -> None:
    said = say_minutes(59, "en", source=Source.ASTERISK)

    assert said == ("vm-youhave", "queue-less-than", "digits/1", "minute")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "plus four four two zero star hash"),
        ("es", "más cuatro cuatro dos cero asterisco almohadilla"),
        ("fr", "plus quatre quatre deux zéro étoile dièse"),
        ("de", "plus vier vier zwei null Stern Raute"),
        ("ru", "плюс четыре четыре два ноль звёздочка решётка"),
    ],
)
def test_digits_are_said_one_by_one(language: str, text: str) -> None:
    assert digits("+44 (20)*#", language).text == text


def test_digits_by_prompts() -> None:
    assert say_digits("1-0", "es") == ("SAY/es/1", "SAY/es/0")
    assert say_digits("1#", "en", source=Source.ASTERISK) == ("digits/1", "digits/pound")


@pytest.mark.parametrize("text", ["", " - ", "12a", "1²", "٣", "1" * 65])
def test_what_is_no_row_of_digits_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        digits(text, "en")


@pytest.mark.parametrize("n", [MAX_NUMBER + 1, -MAX_NUMBER - 1, 10**4000])
def test_a_number_without_words_is_refused(n: int) -> None:
    with pytest.raises(Refused, match="no words"):
        number(n, "de")
    with pytest.raises(Refused, match="no words"):
        minutes(60 * abs(n), "de")


def test_a_gender_that_a_language_does_not_tell_apart_changes_nothing() -> None:
    assert number(1, "en", Gender.FEMININE) == number(1, "en")
    assert number(21, "ru", Gender.MASCULINE) == number(21, "ru")
    assert number(21, "es", Gender.MASCULINE).text == "veintiún"
