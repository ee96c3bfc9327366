"""Menus whose options, extensions or exits are wrong, and exactly what is said about each."""

from __future__ import annotations

import pytest

from .mistakes import Mistakes

MISTAKES = Mistakes()

SLOTS = """\
app: x
slots:
  - slot: menu
    file: MISC/error
{fields}
  - slot: hangup
    id: bye
"""


def mistake(name: str, fields: str, *problems: str) -> None:
    """A menu with these lines, the first of which is line 5, before a slot `bye`."""
    lines = "\n".join(f"    {line}" for line in fields.splitlines())
    MISTAKES.add(name, SLOTS.replace("{fields}", lines), *problems)


mistake(
    "a word for a key",
    "options: {1: bye, two: bye}",
    "f.yaml:5:23: `options`: `two` cannot be keyed (keys are 0-9 * #, without spaces)",
)
mistake(
    "digits of another script",
    "options: {1: bye, ٢: bye}",
    "f.yaml:5:23: `options`: `٢` cannot be keyed (write 2)",
)
mistake(
    "more keys than a choice may have",
    "options: {1: bye, 123456789: bye}",
    "f.yaml:5:23: `options`: `123456789` has 9 keys (8 are the most)",
)
mistake(
    "a key that leads nowhere",
    "options: {1: bye, 2: }",
    "f.yaml:5:23: `2` has no value (write one, or remove the key; # begins a comment unless in quotes)",
)
mistake(
    "a key that leads to a slot which is not there",
    "options: {1: bye, 2: by}",
    "f.yaml:5:26: no slot here has the id `by` (did you mean `bye`?)",
)
mistake(
    "a key that leads to an app which is not there",
    "options:\n  1: bye\n  '*1': app:balances",
    "f.yaml:7:13: there is no app `balances` (apps: x)",
)
mistake(
    "a target with a space",
    "options: {1: good bye}",
    "f.yaml:5:18: `1` cannot be `good bye` (name a slot's id, app:NAME, return:EXIT, next or hangup)",
)
mistake(
    "a list of options",
    "options: [bye]",
    "f.yaml:5:5: `options` must be a mapping, not a list (write `key: value` lines)",
)
mistake("no options", "options: {}", "f.yaml:5:5: `options` must have at least 1 entry")
mistake(
    "the options are missing",
    "repeat: 9",
    "f.yaml:3:5: `options` is missing (add `options:`)",
)
mistake(
    "a key twice",
    "options: {1: bye, 1: next}",
    "f.yaml:5:23: the key `1` stands here a second time (keep one of them)",
)
mistake(
    "a star without quotes",
    "options: {1: bye, *: next}",
    'f.yaml:5:23: text that begins with * needs quotes (write "*":)',
)
mistake(
    "an option beside `options`",
    "options: {1: bye}\n2: bye",
    "f.yaml:6:5: `2` does not belong here (write it under `options:`, indented)",
)
mistake(
    "an option under `on`",
    "options: {1: bye}\non: {2: bye}",
    "f.yaml:6:10: `2` is led somewhere under `options`, not under `on` (move it to `options`)",
)
mistake(
    "an option under `options` and under `on`",
    "options: {1: bye}\non: {1: hangup}",
    "f.yaml:6:10: `1` is led somewhere under `options`, not under `on` (move it to `options`)",
)
mistake(
    "a repeat key that is an option",
    "options: {1: bye, 9: bye}\nrepeat: 9",
    "f.yaml:6:13: the keys `9` are an option too (choose other keys, or take 9 out of the options)",
)
mistake(
    "an extension that is kept nowhere",
    "options: {1: bye}\nextensions: 3",
    "f.yaml:6:17: the extension that a caller dials is kept nowhere (name a variable: `result: extension`)",
)
mistake(
    "a shortest extension that is longer than the longest",
    "options: {1: bye}\nextensions: {length: 3, shortest: 4}\nresult: n",
    "f.yaml:6:39: `shortest` 4 is more than `length` 3 (swap them)",
)
mistake(
    "extensions that begin with letters",
    "options: {1: bye}\nextensions: {length: 3, first_digits: 2-4}\nresult: n",
    "f.yaml:6:43: `first_digits` cannot be `2-4` (write digits only)",
)
mistake(
    "a misspelt length",
    "options: {1: bye}\nextensions: {lenght: 3}\nresult: n",
    "f.yaml:6:18: unknown key `lenght` (did you mean `length`? known here: first_digits, length, shortest)",
)
mistake(
    "an exit for extensions where none can be dialled",
    "options: {1: bye}\non: {extension: bye}",
    "f.yaml:6:10: with these fields, menu does not end by `extension` (its exits: 1, no_input, invalid)",
)
mistake(
    "no attempt at all",
    "options: {1: bye}\ninvalid_attempts: 0",
    "f.yaml:6:23: `invalid_attempts` must be at least 1, not `0`",
)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_menu_is_told_with_its_place_and_its_mend(name: str) -> None:
    MISTAKES.assert_told(name)
