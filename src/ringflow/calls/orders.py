"""What an operator has ordered of a call in progress, until the call has done it.

A call obeys between two things that it does: before and after a prompt, an input, a leg, a slot. FastAGI has
no way to interrupt Asterisk in the middle of one. Where the manager interface can end it at once, the
registry of live calls has it do so.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from ringflow.agi.session import AgiSession
from ringflow.calls import events
from ringflow.calls.event_stream import CallEvents
from ringflow.errors import ChannelGone, RingflowError


@dataclass(frozen=True, slots=True)
class Redirection:
    """Where the call is to go on: at a slot of an app, by its label; None: at the first."""

    app: str
    slot: str | None


class Redirected(RingflowError):
    """An operator sends the call elsewhere. Raised in the middle of a slot, caught where slots are run."""

    def __init__(self, to: Redirection) -> None:
        self.to = to
        super().__init__(f"redirected to {to.app}")


class CallOrders:
    """The orders of one call. `hung_up_by` and `leg_hung_up_by`: the operator who ordered it, if one did."""

    def __init__(self, session: AgiSession, call_events: CallEvents) -> None:
        self.hung_up_by: str | None = None
        self.leg_hung_up_by: str | None = None
        self._session = session
        self._events = call_events
        self._redirection: Redirection | None = None
        self._prompts: deque[str] = deque()

    def hang_up(self, operator: str) -> None:
        """End the call."""
        self._tell(events.OrderKind.HANG_UP, "", operator)
        self.hung_up_by = operator

    def hang_up_leg(self, operator: str) -> None:
        """End the leg under way; the caller stays."""
        self._tell(events.OrderKind.HANG_UP_LEG, "", operator)
        self.leg_hung_up_by = operator

    def redirect(self, to: Redirection, operator: str) -> None:
        """Go on elsewhere; the last of several such orders counts."""
        detail = to.app if to.slot is None else f"{to.app}/{to.slot}"
        self._tell(events.OrderKind.REDIRECT, detail, operator)
        self._redirection = to

    def play(self, prompt: str, operator: str) -> None:
        """Have the caller hear a prompt, when there is time for it."""
        self.tell_played(prompt, operator)
        self._prompts.append(prompt)

    def tell_played(self, prompt: str, operator: str) -> None:
        """An operator has a prompt played in the talk."""
        self._tell(events.OrderKind.PLAY, prompt, operator)

    def say(self, text: str, prompt: str, operator: str) -> None:
        """Have the caller hear a text, which is spoken in a prompt, when there is time for it."""
        self.tell_said(text, operator)
        self._prompts.append(prompt)

    def tell_said(self, text: str, operator: str) -> None:
        """An operator has a text said in the talk."""
        self._tell(events.OrderKind.SAY, text, operator)

    def next_prompt(self) -> str | None:
        """Take the next prompt that is to be played."""
        return self._prompts.popleft() if self._prompts else None

    async def obey(self) -> None:
        """Do what ends what the call does now. Raises `ChannelGone`, `Redirected`."""
        if self.hung_up_by is not None:
            await self._session.hangup()
            raise ChannelGone("hangup")
        if self._redirection is not None:
            to, self._redirection = self._redirection, None
            raise Redirected(to)

    def _tell(self, order: events.OrderKind, detail: str, operator: str) -> None:
        self._events.emit(events.CallOrdered, order, detail, operator)
