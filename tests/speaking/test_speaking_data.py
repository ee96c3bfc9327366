"""The files of the languages are whole: nothing missing, nothing that is never said."""

from __future__ import annotations

from importlib.resources import files

import pytest
import yaml

from ringflow.money import CURRENCY_DIGITS
from ringflow.sounds import is_prompt_name
from ringflow.speaking import Gender, Source, languages, load_language, number, prompts_needed
from ringflow.speaking.language import LanguageFile, build_language

LANGUAGES = languages()


def test_the_five_languages_are_there() -> None:
    assert LANGUAGES == ("de", "en", "es", "fr", "ru")


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_noun_has_a_form_for_every_number(code: str) -> None:
    language = load_language(code)

    for noun in language.grammar.nouns:
        for n in (*range(0, 1_200), 10**6, 10**6 + 1, 2 * 10**6, 10**12):
            assert language.grammar.inflect(noun, n)


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_form_of_a_noun_is_of_a_category_that_the_language_has(code: str) -> None:
    language = load_language(code)
    known = {category for category, _ in language.grammar.plurals.rules} | {"other"}

    for forms in language.grammar.nouns.values():
        assert forms.keys() <= known


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_language_has_words_for_the_same_currencies(code: str) -> None:
    currencies = load_language(code).currencies

    assert currencies.keys() == load_language("en").currencies.keys()
    for currency, nouns in currencies.items():
        assert (nouns.minor is not None) == (CURRENCY_DIGITS[currency] > 0)


@pytest.mark.parametrize("code", LANGUAGES)
def test_prompts_have_names_that_the_library_takes_and_texts_to_speak(code: str) -> None:
    needed = prompts_needed(code)

    assert all(is_prompt_name(name) and name.startswith(f"SAY/{code}/") for name in needed)
    assert all(text.strip() for text in needed.values())
    assert len(needed) == len(load_language(code).units)


@pytest.mark.parametrize("code", LANGUAGES)
def test_whatever_is_said_is_among_the_prompts_needed(code: str) -> None:
    needed = prompts_needed(code).keys()
    for source in Source:
        for gender in (None, *Gender):
            for n in (*range(2_002), 10**6, 2 * 10**9, 10**12 + 21):
                said = number(n, code, gender).prompts(source)
                assert {prompt for prompt in said if prompt.startswith("SAY/")} <= needed


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        ({"numbers": {"cardinal": {"20": "20 [ - > ]", "100": "< hundert"}}}, "`hundert` is not defined"),
        ({"numbers": {"cardinal": {"1000": "< thousand [ >rset ]"}}}, "`>rset` is not defined"),
        ({"currencies": {"USD": {"major": "buck"}}}, "`buck` is not defined"),
        ({"symbols": {"*": "asterisk"}}, "`asterisk` is not defined"),
        ({"marks": {"@": "ad"}}, "`ad` is not defined"),
        ({"day_parts": {"0": "dawn"}}, "`dawn` is not defined"),
        ({"months": ["jan"] * 12}, "`jan` is not defined"),
        ({"weekdays": ["monday"] * 6}, "at least 7 items"),
    ],
)
def test_a_name_that_leads_nowhere_is_found_when_the_file_is_read(
    broken: dict[str, object], complaint: str
) -> None:
    text = (files("ringflow.speaking") / "languages" / "en.yaml").read_text("utf-8")
    content = yaml.load(text, yaml.BaseLoader)

    with pytest.raises(ValueError, match=complaint):
        build_language("en", LanguageFile.model_validate({**content, **broken}))
