"""Slot `audio`: plays one prompt, or several in a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ringflow.flows.slot import AnyPrompt, Slot

if TYPE_CHECKING:
    from ringflow.calls.call import Call


class Audio(Slot):
    """Plays prompts to their end."""

    file: AnyPrompt | Annotated[tuple[AnyPrompt, ...], Field(min_length=1, max_length=20)]
    """The prompt, or a list of prompts, played in order. `{say: ...}` in place of a prompt are words."""

    async def run(self, call: Call) -> str:
        """Play them all."""
        await call.media.play(*(self.file if isinstance(self.file, tuple) else (self.file,)))
        return "done"
