"""Countries by name in every language that is spoken, as CLDR has them."""

from __future__ import annotations

import phonenumbers
import pytest

from ringflow.speaking import country_name, languages

from .country_names import FILE, text_of_cldr


def test_the_names_are_those_of_cldr() -> None:
    assert FILE.read_text("utf-8") == text_of_cldr(), "run `python tests/speaking/country_names.py`"


@pytest.mark.parametrize(
    ("code", "language", "name"),
    [
        ("CU", "en", "Cuba"),
        ("DE", "fr", "Allemagne"),
        ("GB", "es", "Reino Unido"),
        ("KP", "de", "Nordkorea"),
        ("RU", "ru", "Россия"),
        ("ZZ", "en", "ZZ"),
    ],
)
def test_a_country_has_its_name_in_each_language(code: str, language: str, name: str) -> None:
    assert country_name(code, language) == name


@pytest.mark.parametrize("language", languages())
def test_every_country_with_telephone_numbers_has_a_name(language: str) -> None:
    assert all(country_name(code, language) not in ("", code) for code in phonenumbers.SUPPORTED_REGIONS)
