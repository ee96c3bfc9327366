"""Slots that only lead on, wait or end the call: what is wrong in them, and exactly what is said about it."""

from __future__ import annotations

import pytest

from .mistakes import Mistakes

MISTAKES = Mistakes()


def mistake(name: str, slot: str, *problems: str) -> None:
    """A slot whose first line is line 3, before a slot `bye`."""
    lines = "\n".join(f"    {line}" for line in slot.splitlines()).replace("    ", "  - ", 1)
    MISTAKES.add(name, f"app: x\nslots:\n{lines}\n  - slot: hangup\n    id: bye\n", *problems)


mistake("a goto without a target", "slot: goto", "f.yaml:3:5: `to` is missing (add `to:`)")
mistake(
    "a goto to a slot that is not there",
    "slot: goto\nto: by",
    "f.yaml:4:9: no slot here has the id `by` (did you mean `bye`?)",
)
mistake(
    "a goto to an app without app:",
    "slot: goto\nto: x",
    "f.yaml:4:9: no slot here has the id `x` (for the app, write app:x)",
)
mistake(
    "a goto to an app that is not there",
    "slot: goto\nto: app:y\nid: here\n",
    "f.yaml:4:9: there is no app `y` (apps: x)",
    "f.yaml:6:5: bye cannot be reached (lead an exit to it, or remove it)",
)
mistake(
    "a goto with exits",
    "slot: goto\nto: bye\non: {done: next}",
    "f.yaml:5:5: this slot leads where `to` says (remove `on`)",
)
mistake(
    "a goto that leads to itself",
    "slot: goto\nid: here\nto: here",
    "f.yaml:3:5: this loop can never end: here -> here (lead one of its exits out of it)",
    "f.yaml:6:5: bye cannot be reached (lead an exit to it, or remove it)",
)
mistake(
    "a target that can be none",
    "slot: goto\nto: the end",
    "f.yaml:4:9: `to` cannot be `the end` (name a slot's id, app:NAME, return:EXIT, next or hangup)",
)
mistake(
    "seconds with a unit",
    "slot: wait\nseconds: 2s",
    "f.yaml:4:14: `2s` is not a number of seconds from 0 to 3600 (write seconds, such as 2 or 0.5)",
)
mistake(
    "a wait that is too long",
    "slot: wait\nseconds: 7200",
    "f.yaml:4:14: `7200` is not a number of seconds from 0 to 3600 (write seconds, such as 2 or 0.5)",
)
mistake(
    "an exit of a wait that no key ends",
    "slot: wait\nseconds: 2\non: {key: bye}",
    "f.yaml:5:10: with these fields, wait does not end by `key` (remove it)",
)
mistake(
    "a prompt in a slot that plays none",
    "slot: answer\nfile: MISC/error",
    "f.yaml:4:5: unknown key `file` (known here: id, on, slot)",
)
mistake(
    "an announcement of no prompt",
    "slot: progress\nfile: []",
    "f.yaml:4:5: `file` must have at least 1 entry",
)
mistake(
    "a SIP code for a cause",
    "slot: hangup\nid: first\ncause: 486",
    "f.yaml:5:12: `cause` must be at most 127, not `486`",
)
mistake(
    "a code that refuses nothing",
    "slot: hangup\nid: first\ncode: 200",
    "f.yaml:5:11: `code` must be at least 400, not `200`",
)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_its_place_and_its_mend(name: str) -> None:
    MISTAKES.assert_told(name)
