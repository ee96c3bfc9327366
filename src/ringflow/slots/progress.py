"""Slot `progress`: lets the caller hear something before the call is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from ringflow.flows.slot import DONE, AnyPrompt, Slot, SlotGroup

if TYPE_CHECKING:
    from ringflow.calls.call import Call


class Progress(Slot):
    """Plays prompts before the call is answered."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.CALLS

    file: AnyPrompt | Annotated[tuple[AnyPrompt, ...], Field(min_length=1, max_length=20)] | None = None
    """The prompt, or several, played in order. Without one the way for sound is opened, and no more."""

    async def run(self, call: Call) -> str:
        """Open the way for sound, and play them all."""
        await call.media.play_early(
            *(self.file if isinstance(self.file, tuple) else () if self.file is None else (self.file,))
        )
        return DONE
