"""What slots have in common that go on until a key: the exit `key`, and where it has to lead."""

from __future__ import annotations

from collections.abc import Iterator

from ringflow.flows.slot import FieldProblem, Slot

KEY = "key"
"""The exit of a slot that one of the keys in its `until` has ended."""


def key_problems(slot: Slot, until: str, result: str | None) -> Iterator[FieldProblem]:
    """Keys that would end the call, and a variable that no key gets into."""
    if until and KEY not in slot.on:
        what = "a key would end the call: the exit `key` leads nowhere"
        yield FieldProblem("until", what, "write where it leads: on: {key: next}")
    if result is not None and not until:
        yield FieldProblem("result", "no key gets into `result` without `until`", "add `until`")
