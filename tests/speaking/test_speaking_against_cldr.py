"""Months, weekdays and the forms of units of time against CLDR, as the library babel has it."""

from __future__ import annotations

import pytest
from babel import Locale
from babel.units import format_unit

from ringflow.speaking import Manner, SaidAs, languages, load_language, words_of


@pytest.mark.parametrize("code", languages())
def test_months_and_weekdays_are_those_of_cldr(code: str) -> None:
    spoken, locale = load_language(code), Locale(code)

    def texts(keys: tuple[str, ...]) -> list[str]:
        return [spoken.units[key].text for key in keys]

    assert texts(spoken.months) == [locale.months["format"]["wide"][month] for month in range(1, 13)]
    # The weekdays of CLDR are counted from Monday by babel, as here.
    assert texts(spoken.weekdays) == [locale.days["format"]["wide"][day] for day in range(7)]


@pytest.mark.parametrize("code", languages())
@pytest.mark.parametrize(
    ("unit", "length_s"), [("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)]
)
def test_the_forms_of_units_of_time_are_those_of_cldr(code: str, unit: str, length_s: int) -> None:
    most = {"day": 200, "hour": 24, "minute": 60, "second": 60}[unit]
    for count in range(1, most):
        said = words_of(count * length_s, Manner(SaidAs.DURATION, code)).text
        written = format_unit(count, f"duration-{unit}", locale=code).replace("\xa0", " ")
        assert said.rpartition(" ")[2] == written.rpartition(" ")[2], count
