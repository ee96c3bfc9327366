"""Slot `answer`: answers the call, if nothing has done so yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ringflow.flows.slot import DONE, Slot, SlotGroup

if TYPE_CHECKING:
    from ringflow.calls.call import Call


class Answer(Slot):
    """Answers the call."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.CALLS

    async def run(self, call: Call) -> str:
        """Answer, once."""
        await call.media.answer()
        return DONE
