"""Slot `hangup`: ends the call, with a SIP code where it was never answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from ringflow.flows.slot import PRINTABLE_PATTERN, SinglePrompt, Slot

if TYPE_CHECKING:
    from ringflow.calls.call import Call


class Hangup(Slot):
    """Ends the call."""

    fixed_exits: ClassVar[tuple[str, ...]] = ("done",)
    ends_call: ClassVar[bool] = True

    file: SinglePrompt | None = None
    """A prompt to play first; playing answers the call."""
    code: Annotated[int, Field(ge=400, le=699)] | None = None
    """The SIP status code for a call that has not been answered: it is refused with it."""
    reason: Annotated[str, Field(max_length=80, pattern=PRINTABLE_PATTERN)] = "Refused By Flow"
    """The reason in the log, with `code`."""

    async def run(self, call: Call) -> str:
        """Say goodbye, or refuse."""
        if self.file is not None:
            await call.media.play(self.file)
        if self.code is not None and not call.answered:
            await call.reject(self.code, self.reason)
        return "done"
