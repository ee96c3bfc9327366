"""Mistakes in the slots `condition`, `set` and `debug`, and exactly what is said about each."""

from __future__ import annotations

import pytest

from ringflow.flows.check import check_flows
from ringflow.flows.load import draft_from_bytes
from ringflow.flows.registry import slot_types
from ringflow.flows.surroundings import Surroundings
from ringflow.wording import known_words

from .mistakes import Mistakes

MISTAKES = Mistakes()
GIVEN = Surroundings().always_set | Surroundings().sometimes_set


def assigned(name: str, way: str, problem: str) -> None:
    """A mistake in the value of a variable. `problem`: its column, and what is said of it."""
    text = f"app: x\nslots:\n  - slot: set\n    variables:\n      a: {way}\n"
    MISTAKES.add(name, text, f"f.yaml:5:{problem}")


def in_case(name: str, case: str, *problems: str) -> None:
    """A mistake in a case. `problems`: their columns in its line, and what is said of them."""
    text = f"app: x\nslots:\n  - slot: condition\n    cases:\n      - {case}\n"
    MISTAKES.add(name, text, *(f"f.yaml:5:{one}" for one in problems))


WAYS = (
    "value, calculate, increase, length, upper, lower, trim, digits, substring, replace, join, pad, choose, "
    "percent"
)


assigned(
    "times written as x",
    '{calculate: "2 x 3"}',
    "22: `calculate`: `x` cannot stand here, at character 3 of `2 x 3` (write * for times)",
)
assigned(
    "a parenthesis that is not closed",
    '{calculate: "(1 + 2"}',
    "22: `calculate`: a `(` of `(1 + 2` is not closed (write ) where it ends)",
)
assigned(
    "a parenthesis too many",
    '{calculate: "1 + 2)"}',
    "22: `calculate`: `)` cannot stand here, at character 6 of `1 + 2)` (remove it)",
)
assigned(
    "a variable in a calculation without its braces",
    '{calculate: "did + 1"}',
    "22: `calculate`: `did` is no number, at character 1 of `did + 1` (for the variable, write ${did})",
)
assigned(
    "a decimal comma in a calculation",
    '{calculate: "${did} * 1,5"}',
    "22: `calculate`: `,` cannot stand here, at character 11 of `${did} * 1,5` "
    "(decimals follow a point: 1.5)",
)
assigned(
    "a calculation without its last number",
    '{calculate: "${did} +"}',
    "22: `calculate`: `${did} +` ends where a number is missing (write one, or ${name})",
)
assigned(
    "a function that does not exist",
    '{calculate: "rond(1.5)"}',
    "22: `calculate`: there is no function `rond`, at character 1 of `rond(1.5)` (did you mean `round`?)",
)
assigned(
    "a function with too many numbers",
    '{calculate: "abs(1, 2)"}',
    "22: `calculate`: `abs` takes 1 numbers, not 2 (write abs(${a}))",
)
assigned(
    "a division by zero that is written down",
    '{calculate: "1 / (2 - 2)"}',
    "22: `calculate`: `1 / (2 - 2)` has no result: division by zero (write another calculation)",
)
assigned(
    "a variable in a calculation that nothing sets",
    '{calculate: "${digid} + 1"}',
    f"22: unknown variable `digid` (did you mean `did`? known: {known_words({*GIVEN, 'a'})})",
)
assigned(
    "a misspelt way to a value",
    '{calculat: "1"}',
    "7: `a`: none of its keys (calculat) says how it gets its value (did you mean `calculate`?)",
)
assigned(
    "a mapping where a way to a value is meant",
    '{to: "x"}',
    f"7: `a`: none of its keys (to) says how it gets its value (write one of {WAYS}; "
    "for a mapping as it is, value: {...})",
)
assigned(
    "two ways to one value",
    '{upper: "x", lower: "y"}',
    "7: `a`: `upper` and `lower` stand together (set two variables, one after the other)",
)
assigned(
    "a word that belongs to another way",
    "{increase: 1, decimals: 2}",
    "7: `a`: `decimals` means nothing with `increase` (with it goes `at_least`, `at_most`, `start`)",
)
assigned("padding without a width", '{pad: "7"}', "7: `a`: `pad` needs `width` (add `width:`)")
assigned(
    "bounds the wrong way round",
    "{increase: 1, at_least: 5, at_most: 2}",
    "7: `a`: at_least 5 is more than at_most 2 (swap them)",
)
assigned(
    "a counter that does not count",
    "{increase: 0}",
    "7: `a`: increase 0 counts nothing (write 1, or -1 to count down)",
)
assigned(
    "the character 0",
    '{substring: "${did}", first: 0}',
    "7: `a`: characters count from 1 (write 1 for the first, -1 for the last)",
)
assigned(
    "the end of a part before its beginning",
    '{substring: "${did}", first: 3, last: 1}',
    "7: `a`: `first` 3 is behind `last` 1 (swap them)",
)
assigned(
    "parts that are not a hundred",
    "{percent: {x: 10, y: 80}}",
    "7: `a`: the parts are 90 % together, not 100 (add 10)",
)
assigned(
    "parts of more than a hundred",
    "{percent: {x: 33.4, y: 33.3, z: 33.4}}",
    "7: `a`: the parts are 100.1 % together, not 100 (take away 0.1)",
)
assigned(
    "a variable without a value",
    "",
    "7: `a` has no value (write one, or remove the key; # begins a comment unless in quotes)",
)

in_case(
    "a variable to test without its braces",
    "{if: {value: cli, equals: 5}, to: next}",
    "10: `if`: `cli` is the same in every call: it has no variable in it (for the variable, write ${cli})",
)
in_case(
    "a misspelt test",
    '{if: {value: "${cli}", starts_whit: "44"}, to: next}',
    "32: unknown key `starts_whit` (did you mean `starts_with`? known here: after, before, between, equals, "
    "greater, in, in_list, is_set, less, matches, not_equals, starts_with, value)",
)
in_case(
    "a value that nothing is asked of",
    '{if: {value: "${cli}"}, to: next}',
    "10: `if`: tests nothing (add what must be true of the value, such as equals: 1)",
)
in_case(
    "a test of nothing",
    "{if: {equals: 5}, to: next}",
    "10: `if`: `value` is missing (add what is tested, such as value: ${country})",
)
in_case(
    "a case without tests",
    "{to: next}",
    "9: `cases`: the case has no tests (add `if:` with one, `all:` or `any:` with several)",
)
in_case("a case that leads nowhere", '{if: {value: "${cli}", equals: 5}}', "9: `to` is missing (add `to:`)")
in_case(
    "a case that leads to a slot that does not exist",
    '{if: {value: "${cli}", equals: 5}, to: nowhere}',
    "48: no slot here has the id `nowhere` (give a slot an `id:`)",
)
in_case(
    "a number to compare with that is none",
    '{if: {value: "${cli}", less: abc}, to: next}',
    "38: `less`: `abc` is no number, at character 1 of `abc` (for the variable, write ${abc})",
)
in_case(
    "between two numbers the wrong way round",
    '{if: {value: "${cli}", between: [9, 1]}, to: next}',
    "10: `if`: nothing is between 9 and 1 (write the lower one first)",
)
in_case(
    "a time without a zone",
    '{if: {before: "2026-12-24 18:00"}, to: next}',
    "23: `before`: `2026-12-24 18:00` has no time zone "
    "(write 2026-12-24 18:00 Europe/Berlin, or UTC behind it)",
)
in_case(
    "a time zone that does not exist",
    '{if: {before: "2026-12-24 18:00 Europe/Berln"}, to: next}',
    "23: `before`: `Europe/Berln` is not a time zone (did you mean `Europe/Berlin`?)",
)
in_case(
    "a day that does not exist",
    '{if: {after: "2026-02-30 UTC"}, to: next}',
    "22: `after`: `2026-02-30 UTC` is not in the calendar: day is out of range for month "
    "(write 2026-12-24 18:00 Europe/Berlin, or 2026-12-24T17:00:00Z)",
)
in_case(
    "a regular expression that is none",
    '{if: {value: "${cli}", matches: "(44"}, to: next}',
    "41: `matches`: not a regular expression of RE2: missing ) in `(44` (close the ( by a ))",
)
in_case(
    "is_set of a text around a variable",
    '{if: {value: "x${cli}", is_set: true}, to: next}',
    "10: `if`: `is_set` asks for one variable, without a default (write value: ${name})",
)
in_case(
    "a test of what is not set",
    '{if: {value: "${cli}", is_set: false, equals: 5}, to: next}',
    "10: `if`: of what is not set nothing else can be true (write the other tests by themselves)",
)
in_case(
    "one test and several in a case",
    '{if: {value: "${cli}", equals: 5}, all: [{value: "${did}", equals: 5}], to: next}',
    "9: `cases`: `if` and `all` stand in one case (write two cases, one after the other)",
)
in_case(
    "a list whose name cannot be one",
    '{if: {value: "${cli}", in_list: Barred List}, to: next}',
    "41: `in_list` cannot be `Barred List` "
    "(a list is named by small letters, digits, - and _, beginning with a letter)",
)
in_case(
    "a tested variable that nothing sets",
    '{if: {value: "${clii}", equals: 5}, to: next}',
    f"22: unknown variable `clii` (did you mean `cli`? known: {known_words(GIVEN)})",
)

MISTAKES.add(
    "two cases of one name, one that is never taken, and exits in the wrong place",
    """
    app: x
    slots:
      - slot: condition
        cases:
          - {name: us, if: {value: "${did}", equals: 1}, to: next}
          - {name: us, if: {value: "${did}", equals: 2}, to: next}
          - {name: failed, if: {value: "${did}", equals: 1}, to: next}
        on: {otherwise: next, us: next}
    """,
    "f.yaml:5:16: the name `us` is also another case's (names are unique in a condition)",
    "f.yaml:6:16: the name `us` is also another case's (names are unique in a condition)",
    "f.yaml:7:9: this case is never taken: case 1 has the same tests (change its tests, or remove it)",
    "f.yaml:7:16: `failed` is an exit of every condition (choose another name)",
    "f.yaml:8:21: `otherwise` is a field of the slot (write `otherwise: next` beside `cases`)",
    "f.yaml:8:27: `us` is led somewhere under `cases`, not under `on` (move it to `cases`)",
)
MISTAKES.add(
    "a slot that sets nothing, a split of too little, and lines that say nothing",
    """
    app: x
    slots:
      - slot: set
      - slot: set
        split: {a: 10, b: 80}
      - slot: set
        split: {done: 50, b: 50}
        on: {b: next}
      - slot: set
        variables: {a: 1}
        result: drawn
      - slot: debug
      - {slot: debug, variables: [customer id]}
    """,
    "f.yaml:3:11: sets nothing (add `variables:` with names and values, or `split:`)",
    "f.yaml:5:5: `split`: the parts are 90 % together, not 100 (add 10)",
    "f.yaml:7:19: `done` is an exit of this slot already (choose another name)",
    "f.yaml:11:13: `result` gets what `split` draws, and there is none (remove it)",
    "f.yaml:12:11: says nothing (add `text:`, `variables:` or both)",
    "f.yaml:13:31: `variables` cannot be `customer id` "
    "(name a variable, as in order, or a part of it, as in order.items.0)",
)


MISTAKES.add(
    "an exit that a split takes the place of",
    """
    app: x
    slots:
      - slot: set
        split: {a: 10, b: 90}
        on: {done: next, b: next}
    """,
    "f.yaml:5:10: with these fields, set does not end by `done` (its exits: a, b)",
)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_its_place_and_what_to_do(name: str) -> None:
    MISTAKES.assert_told(name)


def problems(text: str, lists: frozenset[str] | None = None) -> list[str]:
    draft = draft_from_bytes(text.encode(), slot_types(), "f.yaml")
    return [str(problem) for problem in check_flows([draft], Surroundings(lists=lists))]


def test_a_list_that_does_not_exist_is_named_where_the_lists_are_known() -> None:
    text = (
        'app: x\nslots:\n  - slot: condition\n    cases: [{if: {value: "${cli}", in_list: vpis}, to: next}]\n'
    )
    assert problems(text) == []
    assert problems(text, frozenset({"vips"})) == [
        "f.yaml:4:45: there is no list `vpis` (did you mean `vips`?)"
    ]
    assert problems(text, frozenset()) == [
        "f.yaml:4:45: there is no list `vpis` (ringflow value-list add vpis --kind numbers)"
    ]


ASKED = """
app: x
slots:
  - {slot: ivr, file: A/b, result: code, on: {no_input: next, invalid: next}}
  - slot: condition
    cases: [CASE]
    otherwise: other
  - {slot: destination, external: "${code}"}
  - {slot: hangup}
  - {slot: debug, id: other, text: "${code}"}
"""


@pytest.mark.parametrize(
    ("case", "unset"),
    [
        ('{if: {value: "${code}", is_set: true}, to: next}', {9}),
        ('{if: {value: "${code}", greater: 5}, to: next}', {9}),
        ('{if: {value: "${code}", not_equals: 5}, to: next}', {7, 9}),
        ('{if: {value: "${code|}", equals: 5}, to: next}', {7, 9}),
        ('{if: {value: "${code}", is_set: false}, to: next}', {7}),
        ('{all: [{value: "${did}", equals: 5}, {value: "${code}", equals: 5}], to: next}', {9}),
        ('{any: [{value: "${did}", equals: 5}, {value: "${code}", equals: 5}], to: next}', {7, 9}),
        ('{any: [{value: "${did}", equals: 5}, {value: "${code}", is_set: false}], to: next}', {7}),
        ('{all: [{value: "${did}", equals: 5}, {value: "${code}", is_set: false}], to: next}', {7, 9}),
        ('{any: [{value: "${code}", equals: 1}, {value: "${code}", equals: 5}], to: next}', {9}),
    ],
)
def test_a_condition_shows_which_variables_are_set_where_it_leads(case: str, unset: set[int]) -> None:
    found = problems(ASKED.lstrip("\n").replace("CASE", case))
    assert {int(one.split(":")[1]) for one in found} == unset, found


def test_what_an_earlier_value_of_the_slot_sets_is_known_to_a_later_one() -> None:
    values = 'a: 1, b: "${a}", c: "${d}", d: 2'
    text = f"app: x\nslots:\n  - {{slot: set, variables: {{{values}}}, on: {{failed: hangup}}}}\n"
    (found,) = problems(text)
    assert found.startswith("f.yaml:3:49: `${d}` may be unset: nothing sets it before this slot (write ")
