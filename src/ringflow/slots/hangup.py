"""Slot `hangup`: ends the call, with a SIP code where it was never answered, or with a Q.850 cause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from ringflow.flows.slot import DONE, PRINTABLE_PATTERN, SinglePrompt, Slot, SlotGroup

if TYPE_CHECKING:
    from ringflow.calls.call import Call


class Hangup(Slot):
    """Ends the call."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.CALLS
    fixed_exits: ClassVar[tuple[str, ...]] = (DONE,)
    ends_call: ClassVar[bool] = True

    file: SinglePrompt | None = None
    """A prompt to play first. Playing it answers the call; with `code` or `cause` it does not."""
    code: Annotated[int, Field(ge=400, le=699)] | None = None
    """The SIP status code for a call that has not been answered: it is refused with it."""
    cause: Annotated[int, Field(ge=1, le=127)] | None = None
    """The Q.850 cause that the caller's network is told. A call that has not been answered is refused with
    `code`, or where that is missing with the SIP code that stands for the cause."""
    reason: Annotated[str, Field(max_length=80, pattern=PRINTABLE_PATTERN)] = "Refused By Flow"
    """The reason in the log, for a call that is refused."""

    async def run(self, call: Call) -> str:
        """Say goodbye, or refuse."""
        if self.file is not None:
            refuses = self.code is not None or self.cause is not None
            await (call.media.play_early if refuses else call.media.play)(self.file)
        if self.code is not None and not call.answered:
            await call.reject(self.code, self.reason)
        elif self.cause is not None:
            await call.hang_up(self.cause, self.reason)
        return DONE
