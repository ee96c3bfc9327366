"""Slots `language` whose fields are wrong or contradict each other, and exactly what is said about each."""

from __future__ import annotations

import pytest

from .mistakes import Mistakes

MISTAKES = Mistakes()

SLOTS = """\
app: x
slots:
  - slot: language
    file: MISC/error
{fields}
"""


def mistake(name: str, fields: str, *problems: str) -> None:
    """A slot `language` with these lines, the first of which is line 5."""
    lines = "\n".join(f"    {line}" for line in fields.splitlines())
    MISTAKES.add(name, SLOTS.replace("{fields}", lines), *problems)


mistake(
    "nothing that says which language",
    "remember: true",
    "f.yaml:3:11: nothing says which language (add `options: {1: en, 2: es}`, `by: [customer]`, "
    "`by: [country]` or `to: es`)",
)
mistake(
    "a language that is not spoken",
    "options: {1: en, 2: xx}",
    "f.yaml:5:25: `2`: numbers are not spoken in `xx` (write one of de, en, es, fr, ru)",
)
mistake(
    "a key that is none",
    "options: {1: en, two: es}",
    "f.yaml:5:22: `options`: `two` cannot be keyed (keys are 0-9 * #, without spaces)",
)
mistake(
    "a source that there is not",
    "by: [customer, cli]",
    "f.yaml:5:20: `by` must be 'customer', 'country' or 'keys', not `cli` (write one of them)",
)
mistake(
    "a source twice",
    "by: [customer, country, customer]",
    "f.yaml:5:29: `customer` is listed twice (list it once)",
)
mistake(
    "keys that are asked for, and none that means anything",
    "by: [customer, keys]",
    "f.yaml:5:20: no key stands for a language (add `options: {1: en, 2: es}`)",
)
mistake(
    "options of which nobody is asked",
    "by: [customer]\noptions: {1: en, 2: es}",
    "f.yaml:6:5: nobody is asked: `keys` is not in `by` (add it there, or remove `options`)",
)
mistake(
    "countries that are not looked at",
    "by: [customer]\ncountries: {CH: fr}",
    "f.yaml:6:5: no country is looked at: `country` is not in `by` (add it there, or remove `countries`)",
)
mistake(
    "a country that there is not",
    "by: [country]\ncountries: {uk: en}",
    "f.yaml:6:17: `countries`: `uk` is not a country (write GB)",
)
mistake(
    "a language given and asked for",
    "to: es\noptions: {1: en}",
    "f.yaml:6:5: `to` says which language, and `options` too (give one of them)",
)
mistake(
    "a given language that is not spoken",
    "to: spanish",
    "f.yaml:5:9: `spanish` is not a language spoken here (write one of de, en, es, fr, ru)",
)
mistake(
    "an exit for silence where nobody is asked",
    "by: [country]\non: {no_input: hangup}",
    "f.yaml:6:10: with these fields, language does not end by `no_input` (remove it)",
)
mistake(
    "a field misspelt",
    "by: [customer]\nrember: true",
    "f.yaml:6:5: unknown key `rember` (did you mean `remember`? known here: attempts, barge_in, by, "
    "countries, file, first_digit_timeout, id, inter_digit_timeout, invalid_file, no_input_file, "
    "on, options, remember, slot, to)",
)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_its_place_and_its_mend(name: str) -> None:
    MISTAKES.assert_told(name)
