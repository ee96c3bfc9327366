"""Numbers, ordinals and years against num2words, which has the same languages and shares nothing with us."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from num2words import num2words  # type: ignore[import-untyped,import-not-found,unused-ignore]

from ringflow.speaking import Gender, languages, load_language, number
from ringflow.speaking.phrases import MAX_ORDINAL, ordinal

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


ORDINALS = (*range(1, 1_300), *range(1_300, MAX_ORDINAL, 13), *range(2_000, MAX_ORDINAL, 100), MAX_ORDINAL)


def spanish_ordinal(text: str) -> str:
    # num2words 0.5.14 has "décimosegundo", "décimo tercero", "quadragésimo" and "cuadrigentésimo"; here they
    # are those of the Diccionario panhispánico de dudas, "ordinales".
    text = text.replace("quadragésimo", "cuadragésimo").replace("cuadrigentésimo", "cuadringentésimo")
    text = text.replace("décimoprimero", "undécimo").replace("décimosegundo", "duodécimo")
    for unit in ("tercero", "cuarto", "quinto", "sexto", "séptimo", "octavo", "noveno"):
        text = text.replace(f" décimo {unit}", f" decimo{unit}")
        text = f"decimo{unit}" if text == f"décimo {unit}" else text
    return text.replace("decimooctavo", "decimoctavo").replace("tigentésimo", "tingentésimo")


def french_ordinal(text: str) -> str:
    # num2words 0.5.14 has "quatre-vingtsième" and "deux centsième": the s is that of the number.
    return text.replace("vingtsième", "vingtième").replace("centsième", "centième")


ORDINAL_CORRECTED: dict[str, Callable[[str], str]] = {
    "en": english,
    "es": spanish_ordinal,
    "fr": french_ordinal,
}


@pytest.mark.parametrize("language", languages())
def test_ordinals_agree_with_num2words(language: str) -> None:
    correct = ORDINAL_CORRECTED.get(language, str)

    differing = [
        (n, ours, theirs)
        for n in ORDINALS
        if (ours := ordinal(n, language).text)
        != (theirs := correct(num2words(n, lang=language, to="ordinal")))
    ]

    assert differing == []


def test_russian_ordinals_of_every_gender_agree_with_num2words() -> None:
    for n in ORDINALS:
        for gender, letter in ((Gender.FEMININE, "f"), (Gender.NEUTER, "n")):
            assert ordinal(n, "ru", gender).text == num2words(n, lang="ru", to="ordinal", gender=letter)


@pytest.mark.parametrize(
    ("language", "years"),
    [
        ("en", range(1_001, 3_000)),
        ("de", range(1_100, 2_100)),
        ("es", range(1, 3_000)),
        ("fr", range(1, 3_000)),
    ],
)
def test_years_agree_with_num2words(language: str, years: range) -> None:
    spoken = load_language(language)
    for year in years:
        ours = spoken.words(spoken.grammar.spell(year, "year")).text
        # num2words 0.5.14 joins by a hyphen what is two words: "oh-five".
        assert ours == num2words(year, lang=language, to="year").replace("oh-", "oh "), year


def test_russian_years_are_ordinals_in_the_genitive() -> None:
    spoken = load_language("ru")
    for year in range(1, 3_000):
        ours = spoken.words(spoken.grammar.spell(year, "year")).text
        assert ours == num2words(year, lang="ru", to="ordinal", case="g"), year
