"""Mistakes in slots that ask for numbers and tell their price, and exactly what is said of each."""

from __future__ import annotations

import pytest

from ringflow.flows.check import check_flows
from ringflow.flows.load import draft_from_bytes
from ringflow.flows.registry import slot_types
from ringflow.flows.surroundings import Surroundings

from .mistakes import Mistakes

MISTAKES = Mistakes()

SLOTS = """\
app: x
slots:
  - slot: {slot}
{fields}
  - slot: hangup
    id: bye
"""


def mistake(name: str, slot: str, fields: str, *problems: str) -> None:
    """A slot with these lines, the first of which is line 4, before a slot `bye`."""
    lines = "\n".join(f"    {line}" for line in fields.splitlines())
    MISTAKES.add(name, SLOTS.replace("{fields}", lines).replace("{slot}", slot), *problems)


mistake(
    "a service code that may be a number",
    "number",
    'codes: {"*1": bye, "1234567": bye}',
    "f.yaml:4:35: the code `1234567` may be a number: numbers have 7 to 15 digits "
    "(begin it with *, such as *12)",
)
mistake(
    "a service code that may be a number and a terminator",
    "number",
    'codes: {"1234567#": bye}',
    "f.yaml:4:25: the code `1234567#` may be a number: numbers have 7 to 15 digits "
    "(begin it with *, such as *12)",
)
mistake(
    "a service code that is a terminator",
    "number",
    'codes: {"#": bye}',
    "f.yaml:4:18: the code `#` ends an input: it is one of the `terminators` (begin codes with *)",
)
mistake(
    "a service code that leads nowhere",
    "number",
    'codes: {"*1": by}',
    "f.yaml:4:19: no slot here has the id `by` (did you mean `bye`?)",
)
mistake(
    "a service code under `on`",
    "number",
    'codes: {"*1": bye}\non: {"*2": bye}',
    "f.yaml:5:10: `*2` is led somewhere under `codes`, not under `on` (move it to `codes`)",
)
mistake(
    "a limit of wrong numbers that is not set",
    "number",
    "on: {too_many: bye}",
    "f.yaml:4:10: with these fields, number does not end by `too_many` (its exits: done, no_input, invalid)",
)
mistake(
    "numbers as short as speed-dial keys",
    "number",
    "speed_dial: true\nmin: 2",
    "f.yaml:4:17: a number of 2 digits cannot be told from a speed-dial key "
    "(let numbers have more than 2 digits: `min`)",
)
mistake(
    "more digits at least than at most",
    "number",
    "min: 9\nmax: 8",
    "f.yaml:4:10: min 9 is more than max 8 (swap them)",
)
mistake(
    "a country that is none",
    "destination",
    'external: "441234567890"\nblocked: [CU, UK]',
    "f.yaml:5:19: `blocked`: `UK` is not a country (write GB)",
)
mistake(
    "a prefix with the way out of the country",
    "destination",
    'external: "441234567890"\nblocked: ["0053"]',
    "f.yaml:5:15: `blocked`: `0053` is not how a number begins in E.164 (write 53)",
)
mistake(
    "a country by its name",
    "destination",
    'external: "441234567890"\nblocked: [Cuba]',
    "f.yaml:5:15: `blocked`: `Cuba` is neither a country nor the beginning of a number "
    "(write a country's two-letter code, such as CU, or its digits, such as 53)",
)
mistake(
    "the time said twice",
    "destination",
    'external: "441234567890"\nbefore: [minutes, minutes_and_seconds]',
    "f.yaml:5:5: the time is said twice, once to the second (keep one of the two)",
)
mistake(
    "the cost said twice",
    "destination",
    'external: "441234567890"\nafter: [cost, cost]',
    "f.yaml:5:19: `cost` is said twice (keep one of them)",
)
mistake(
    "the price of another app",
    "destination",
    "internal: x\nbefore: [rate]",
    "f.yaml:5:5: what is dialled by `internal` has no rate, no country and no cost "
    "(remove it, or dial a number by `external`)",
)
mistake(
    "a least talk that is longer than the longest",
    "destination",
    'external: "441234567890"\nleast_talk: 60\nmax_duration: 30',
    "f.yaml:5:17: no talk lasts 60 s: max_duration is 30 (write fewer seconds)",
)
mistake(
    "an exit for too little credit that nothing takes",
    "destination",
    'external: "441234567890"\non: {too_short: bye}',
    "f.yaml:5:10: with these fields, destination does not end by `too_short` (remove it)",
)
mistake(
    "an announcement in two fields",
    "destination",
    'external: "441234567890"\nannounce: true\nbefore: [rate]',
    "f.yaml:5:15: `before` says what is announced (write `minutes` there instead)",
)
mistake(
    "a word that is not said",
    "destination",
    'external: "441234567890"\nbefore: [rates]',
    "f.yaml:5:14: `before` must be 'country', 'rate', 'minutes' or 'minutes_and_seconds', not `rates` "
    "(did you mean `rate`?)",
)
mistake(
    "a key for a list of all keys",
    "speed_dial",
    'action: list\nkey: "5"',
    "f.yaml:5:10: `list` says all of the keys (remove it, or choose another action)",
)
mistake(
    "a key that is none",
    "speed_dial",
    'key: "100"',
    "f.yaml:4:10: `100` is no key (write a number from 0 to 99)",
)
mistake(
    "a number where none is stored",
    "speed_dial",
    'action: dial\nnumber: "441234567890"\nno_input_file: MISC/error',
    "f.yaml:5:13: `dial` stores no number (remove it, or write `action: store`)",
)
mistake(
    "an action that is none",
    "speed_dial",
    "action: keep",
    "f.yaml:4:13: `action` must be 'dial', 'store', 'list' or 'delete', not `keep` (write one of them)",
)
mistake(
    "a prompt of another action",
    "speed_dial",
    "action: delete\nstored_file: MISC/error",
    "f.yaml:5:18: `delete` never plays it (it goes with `action: store`)",
)
mistake(
    "a field of another slot",
    "last_number",
    "empty_file: MISC/error",
    "f.yaml:4:5: unknown key `empty_file` "
    "(did you mean `none_file`? known here: id, none_file, on, result, slot)",
)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_its_place_and_what_to_do(name: str) -> None:
    text, expected = MISTAKES[name]
    draft = draft_from_bytes(text.encode(), slot_types(), "f.yaml")
    # Every prompt is there, and every word of every language.
    assert [str(problem) for problem in check_flows([draft], Surroundings())] == expected
