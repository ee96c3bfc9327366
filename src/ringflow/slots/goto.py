"""Slot `goto`: the call goes on at another slot, or in another app."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

from ringflow.flows.exit_rules import ExitRule, fixed
from ringflow.flows.slot import DONE, FieldProblem, Slot, SlotGroup, Target

if TYPE_CHECKING:
    from ringflow.calls.call import Call


class Goto(Slot):
    """Goes on elsewhere."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.LOGIC

    to: Target
    """Where the call goes on: a slot's id, `app:NAME`, `return:EXIT`, `next` or `hangup`."""

    @classmethod
    def exit_rules(cls) -> tuple[ExitRule, ...]:
        """Its only exit, and where it leads."""
        return (fixed(DONE, target_path="to"),)

    @property
    def targets(self) -> Mapping[str, str]:
        """That of `to`."""
        return {**self.on, DONE: self.to}

    def written_at(self, exit_name: str) -> tuple[str | int, ...]:
        """Where it goes on stands in `to`."""
        return ("to",) if exit_name == DONE else super().written_at(exit_name)

    def problems(self) -> Iterator[FieldProblem]:
        """Exits: it has one, and that leads where `to` says."""
        if self.on:
            yield FieldProblem("on", "this slot leads where `to` says", "remove `on`")

    async def run(self, call: Call) -> str:
        """Nothing more than that."""
        return DONE
