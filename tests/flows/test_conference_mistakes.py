"""Mistakes in conferences, and exactly what is said of each."""

from __future__ import annotations

import pytest

from .mistakes import Mistakes

MISTAKES = Mistakes()

SLOT = """\
app: x
slots:
  - slot: conference
    file: MISC/error
    full_file: MISC/error
    join_file: MISC/error
    leave_file: MISC/error
    locked_file: MISC/error
    no_input_file: MISC/error
{fields}
"""


def mistake(name: str, fields: str, *problems: str) -> None:
    """A conference whose own fields begin in line 10."""
    lines = "\n".join(f"    {line}" for line in fields.splitlines())
    MISTAKES.add(name, SLOT.replace("{fields}", lines), *problems)


mistake(
    "a room's name with a comma, which Asterisk would take for the next argument",
    'room: "a,b"',
    "f.yaml:10:11: `a,b` is no room (write letters, digits, _ and -, 60 at most)",
)
mistake(
    "a PIN with a letter, which is not repeated",
    'room: a\npin: "47x1"',
    "f.yaml:11:10: this is no PIN (write 1 to 16 digits, in quotes)",
)
mistake(
    "one PIN for all",
    'room: a\npin: "4711"\nmoderator_pin: "4711"',
    "f.yaml:12:20: everybody with the PIN would be a moderator (write another one than `pin`)",
)
mistake(
    "a PIN that makes moderators of moderators",
    'room: a\nmoderator: true\nmoderator_pin: "4711"',
    "f.yaml:12:20: whoever comes in here is a moderator already (write it as `pin`, or remove `moderator`)",
)
mistake(
    "a prompt for who never waits",
    "room: a\nwait_file: MISC/error",
    "f.yaml:11:16: it is never played (write `wait_for_moderator: true`, or remove it)",
)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_conference_is_told_where_it_is(name: str) -> None:
    MISTAKES.assert_told(name)
