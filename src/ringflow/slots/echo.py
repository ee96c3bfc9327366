"""Slot `echo`: the caller hears what he says, to try the line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from ringflow.calls.echo import NoEcho
from ringflow.flows.slot import DONE, ONE_KEY_PATTERN, SinglePrompt, Slot, SlotGroup

if TYPE_CHECKING:
    from ringflow.calls.call import Call

FAILED = "failed"


class Echo(Slot):
    """Sends the caller's sound back."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.SOUND
    fixed_exits: ClassVar[tuple[str, ...]] = (DONE, FAILED)

    file: SinglePrompt | None = None
    """Played before."""
    longest: Annotated[float, Field(ge=1, le=3600)] = 60.0
    """Seconds after which it ends."""
    until: Annotated[str, Field(pattern=ONE_KEY_PATTERN)] = "#"
    """The key that ends it. `#` always does."""

    async def run(self, call: Call) -> str:
        """Echo until the key or the time."""
        if self.file is not None:
            await call.media.play(self.file)
        try:
            await call.media.echo(self.until, round(self.longest * 1000))
        except NoEcho as error:
            call.note("no_echo", str(error))
            return FAILED
        return DONE
