"""Numbers against num2words, which knows the same five languages and shares no code or data with us."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from num2words import num2words  # type: ignore[import-untyped,import-not-found,unused-ignore]

from ringflow.speaking import Gender, languages, number

SAMPLES = (
    *range(10_000),
    *range(10_000, 1_000_000, 997),
    *range(1_000_000, 1_000_000_000, 9_999_991),
    *(10**power + more for power in range(4, 15) for more in (0, 1, 21, 101, 1_001)),
)


def english(text: str) -> str:
    # num2words sets commas between thousands and hundreds; they are not spoken.
    return text.replace(",", "")


def spanish(text: str) -> str:
    # num2words 0.5.14 has "veintiuno mil" and "treinta y uno millones"; before mil and millones the one is
    # shortened (Diccionario panhispánico de dudas, "uno").
    for noun in ("mil", "millones", "billones"):
        text = text.replace(f"veintiuno {noun}", f"veintiún {noun}").replace(f"uno {noun}", f"un {noun}")
    return text


def german(text: str) -> str:
    # num2words 0.5.14 has "einhunderteinstausend" and "einhunderteins Millionen"; the s is only at the end
    # of a number, and before Million it is "eine".
    text = text.replace("einstausend", "eintausend")
    for noun in ("Millionen", "Milliarden", "Billionen"):
        text = text.replace(f"eins {noun}", f"eine {noun}")
    return text


CORRECTED: dict[str, Callable[[str], str]] = {"en": english, "es": spanish, "de": german}


@pytest.mark.parametrize("language", languages())
def test_counting_agrees_with_num2words(language: str) -> None:
    correct = CORRECTED.get(language, str)

    differing = [
        (n, ours, theirs)
        for n in SAMPLES
        if (ours := number(n, language).text) != (theirs := correct(num2words(n, lang=language)))
    ]

    assert differing == []


def test_below_ten_thousand_nothing_of_num2words_is_corrected_but_commas() -> None:
    for language in languages():
        for n in range(10_000):
            theirs = num2words(n, lang=language)
            assert CORRECTED.get(language, str)(theirs) == theirs.replace(",", "")


def test_russian_genders_agree_with_num2words() -> None:
    # From a million on num2words 0.5.14 has "одна миллион": the noun between is masculine.
    for n in (one for one in SAMPLES if one < 1_000_000):
        for gender, letter in ((Gender.FEMININE, "f"), (Gender.NEUTER, "n")):
            assert number(n, "ru", gender).text == num2words(n, lang="ru", gender=letter)
