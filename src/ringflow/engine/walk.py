"""From slot to slot: each names an exit, the flow says where it leads. An app that is called is a frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ringflow.calls import events
from ringflow.calls.call import Call
from ringflow.calls.orders import Redirected, Redirection
from ringflow.calls.outcome import Outcome
from ringflow.errors import RingflowError
from ringflow.flows.flow import End, Flow, Return, ToApp
from ringflow.flows.slot import DONE, Jump, Slot, Subroutine

MAX_SLOTS_IN_A_CALL = 1000
"""`check` refuses loops that cannot end; this ends those that a caller keeps going."""

MAX_FRAMES = 16
"""How many apps may be under way in a call, each called by the one before; an app may call itself."""

JUMP = "jump"
"""The exit, in events, of a slot that itself led the call to another app."""

REDIRECTED = "redirected"
"""The same of a slot in which an operator sent the call elsewhere."""


@dataclass(slots=True)
class Ended:
    """How the flow ended, and why if not simply at its end."""

    outcome: str
    reason: str


class FlowFault(RingflowError):
    """A flow that cannot go on: an app that is gone, or far too many slots or frames."""


@dataclass(slots=True)
class _Frame:
    """An app under way: the slot in which it is, and what the slot that called it wants of its variables."""

    flow: Flow
    index: int = 0
    results: Mapping[str, str] = field(default_factory=dict)

    @property
    def slot(self) -> Slot:
        return self.flow.slots[self.index]

    @property
    def place(self) -> str:
        return f"{self.flow.app}/{self.flow.label(self.index)}"


async def walk(call: Call, flow: Flow, flows: Mapping[str, Flow]) -> Ended:
    """Run the flow's slots, and those of the apps it leads to and calls, until there is no next one.

    Raises `FlowFault`.
    """
    running = _Walk(call, flow, flows)
    for _ in range(MAX_SLOTS_IN_A_CALL):
        ended = await running.step()
        if ended is not None:
            return ended
    raise FlowFault(f"the call went through {MAX_SLOTS_IN_A_CALL} slots")


class _Walk:
    def __init__(self, call: Call, flow: Flow, flows: Mapping[str, Flow]) -> None:
        self._call = call
        self._flows = flows
        self._frames = [_Frame(flow)]

    async def step(self) -> Ended | None:
        """Run one slot, and go where it leads; gives how the call ended if it did."""
        call, frame = self._call, self._frames[-1]
        slot = frame.slot
        flow = frame.flow
        call.spoken.enter_app(flow.settings.own_language, flow.settings.languages or ())
        call.events.enter_slot(flow.app, flow.revision, flow.label(frame.index), slot.slot)
        try:
            await call.media.obey()
            result = await slot.run(call)
        except Redirected as redirected:
            self._redirect(redirected.to)
            return None
        if isinstance(result, Subroutine):
            self._begin_frame(result)
            return None
        if isinstance(result, Jump):
            call.events.emit(events.SlotLeft, slot.slot, JUMP, result.app)
            self._go_on_in(result.app)
            return None
        return self._leave(result)

    def _leave(self, exit_name: str) -> Ended | None:
        """The innermost frame's slot ended by this exit; so may the slots that called its app, one by one."""
        came_from = ""
        while True:
            frame = self._frames[-1]
            self._call.left_by_exit(frame.slot.sip_code(exit_name))
            self._call.events.emit(events.SlotLeft, frame.slot.slot, exit_name, None)
            step = frame.flow.step(frame.index, exit_name)
            if isinstance(step, int):
                frame.index = step
                return None
            if isinstance(step, ToApp):
                self._go_on_in(step.app)
                return None
            if step is End.HANGUP:
                return Ended(Outcome.COMPLETED, "")
            came_from = (came_from or frame.place) if step is End.UNMAPPED else ""
            exit_name = _returned(step, exit_name)
            if len(self._frames) == 1:
                return _ended(step, exit_name, frame, came_from)
            self._end_frame(exit_name)

    def _begin_frame(self, called: Subroutine) -> None:
        if len(self._frames) >= MAX_FRAMES:
            raise FlowFault(f"apps call each other more than {MAX_FRAMES} deep")
        flow = self._find(called.app)
        self._call.variables.begin_frame(flow.app, called.arguments, called.secret)
        self._call.events.begin_frame(flow.app)
        self._frames.append(_Frame(flow, results=called.results))

    def _end_frame(self, exit_name: str) -> None:
        frame = self._frames.pop()
        self._call.events.end_frame(exit_name)
        self._call.variables.end_frame(frame.results)

    def _go_on_in(self, app: str) -> None:
        frame = self._frames[-1]
        frame.flow, frame.index = self._find(app), 0
        self._call.variables.enter_app(app)

    def _redirect(self, to: Redirection) -> None:
        """Go on where an operator wants the call: no slot that called an app waits for it any more."""
        told = self._call.events
        while len(self._frames) > 1:
            frame = self._frames[-1]
            told.emit(events.SlotLeft, frame.slot.slot, REDIRECTED, None)
            # What an app has not finished has no results.
            frame.results = {}
            self._end_frame(REDIRECTED)
        (frame,) = self._frames
        told.emit(events.SlotLeft, frame.slot.slot, REDIRECTED, to.app)
        self._go_on_in(to.app)
        if to.slot is not None:
            frame.index = frame.flow.index_of_label(to.slot) or 0

    def _find(self, app: str) -> Flow:
        flow = self._flows.get(app)
        if flow is None:
            raise FlowFault(f"the app {app} is gone")
        return flow


def _returned(step: Return | End, exit_name: str) -> str:
    """The exit by which an app returns whose slot led here by `exit_name`."""
    if isinstance(step, Return):
        return step.exit
    return DONE if step is End.FINISHED else exit_name


def _ended(step: Return | End, exit_name: str, frame: _Frame, came_from: str) -> Ended:
    """How a call ends whose first app returns: nothing called it."""
    if exit_name == DONE and step is not End.UNMAPPED:
        return Ended(Outcome.COMPLETED, "")
    if isinstance(step, Return):
        return Ended(exit_name, f"{frame.place} returned {exit_name}, and no app called {frame.flow.app}")
    source = f" ({came_from} ended so)" if came_from != frame.place else ""
    return Ended(exit_name, f"{frame.place} ended by {exit_name}, which leads nowhere{source}")
