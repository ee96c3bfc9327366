"""Numbers as callers of twelve countries key them: each is dialled and rated in E.164.

`dialled_forms.csv` has a row for each: the country, what is keyed, the number in E.164, and its form
(`short`: it is no number that all can reach).
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

import phonenumbers
import pytest
import yaml
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from ringflow.config import Config
from ringflow.numbers import dialled_number
from ringflow.simulator.judgement import play
from ringflow.simulator.scenario_files import read_scenarios
from ringflow.simulator.stage import Stage


class Form(NamedTuple):
    country: str
    keyed: str
    dialled: str
    form: str


def read_forms() -> list[Form]:
    with Path(__file__).with_name("dialled_forms.csv").open(newline="") as file:
        return [Form(*row) for row in csv.reader(file)][1:]


FORMS = read_forms()
COUNTRIES = sorted({one.country for one in FORMS})
KINDS = (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE, PhoneNumberType.TOLL_FREE)


def digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def code_of(number: str) -> int:
    parsed = phonenumbers.parse("+" + number, None)
    assert parsed.country_code is not None
    return parsed.country_code


@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form.country}-{form.keyed}")
def test_what_is_keyed_is_dialled_in_e164(form: Form) -> None:
    assert dialled_number(form.keyed, form.country) == (form.dialled or None)


def test_there_are_two_hundred_forms_of_twelve_countries() -> None:
    assert len(FORMS) >= 200
    assert len(COUNTRIES) == 12
    assert {one.form for one in FORMS} == {
        *("national", "international", "bare", "plus", "double zero", "carrier", "short")
    }


@pytest.mark.parametrize("country", COUNTRIES)
def test_the_table_has_what_phonenumbers_prints_of_its_own_examples(country: str) -> None:
    table = {one.keyed: one.dialled for one in FORMS if one.country == country}
    for kind in KINDS:
        own = phonenumbers.example_number_for_type(country, kind)
        assert own is not None
        printed = digits(phonenumbers.format_number(own, PhoneNumberFormat.NATIONAL))
        assert table[printed] == digits(phonenumbers.format_number(own, PhoneNumberFormat.E164))
    foreign = [
        phonenumbers.format_out_of_country_calling_number(example, country)
        for other in COUNTRIES
        for kind in KINDS[:2]
        if (example := phonenumbers.example_number_for_type(other, kind)) is not None and other != country
    ]
    # Where there is no prefix but those of carriers it prints a plus: in Brazil alone.
    written = {digits(one) for one in foreign if not one.startswith("+")}
    assert len(written & set(table)) >= 4 or country == "BR"


@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form.country}-{form.keyed}")
def test_phonenumbers_reads_the_table_as_it_is_written(form: Form) -> None:
    if form.form == "short":
        parsed = phonenumbers.parse(form.keyed, form.country)
        assert phonenumbers.is_valid_short_number_for_region(parsed, form.country)
        return
    # The library reads bare digits and a foreign 00 as national numbers unless they have a plus.
    with_plus = {"bare": f"+{form.keyed}", "double zero": f"+{form.keyed[2:]}"}
    read = phonenumbers.parse(with_plus.get(form.form, form.keyed), form.country)
    assert digits(phonenumbers.format_number(read, PhoneNumberFormat.E164)) == form.dialled
    assert phonenumbers.is_valid_number(read)


@pytest.mark.parametrize("country", COUNTRIES)
async def test_calls_are_dialled_and_charged_by_the_country_that_is_called(
    country: str, tmp_path: Path
) -> None:
    forms = [one for one in FORMS if one.country == country]
    codes = sorted({code_of(one.dialled) for one in FORMS if one.dialled})
    path = tmp_path / "forms.test.yaml"
    path.write_text(yaml.safe_dump([scenario(one, codes) for one in forms]), "utf-8")
    async with Stage.open(Config(country=country, flows=tmp_path)) as stage:
        for case in read_scenarios(path):
            judged = await play(case, stage)
            assert judged.failure is None, judged.failure


def scenario(form: Form, codes: list[int]) -> dict[str, object]:
    """A minute of talk to the number; a minute costs as much as the country's code, in cents."""
    keyable = form.keyed.isdigit()
    ask = [{"slot": "ivr", "file": "IVR/ivr-please", "result": "keyed", "min": 2, "max": 20, "attempts": 1}]
    target = {"slot": "destination", "external": "${keyed}" if keyable else form.keyed}
    expect: dict[str, object] = {"outcome": "refused", "dialled": None}
    if form.dialled:
        charged = f"{code_of(form.dialled) / 100:.2f}"
        expect = {"outcome": "completed", "dialled": form.dialled, "talked": "60s", "charged": charged}
    return {
        "name": form.keyed,
        "flow": [*(ask if keyable else []), target],
        "given": {
            "customer": {"id": 42, "clis": ["441910000001"], "credit": "100"},
            "rates": [{"prefix": str(code), "price": f"{code / 100:.2f}"} for code in codes],
        },
        "caller": [{"hears": "IVR/ivr-please"}, {"keys": f"{form.keyed}#"}] if keyable else [],
        "callee": {"hangs_up_after": "60s"},
        "expect": expect,
    }
