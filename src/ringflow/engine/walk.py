"""From slot to slot: each names an exit, the flow says where it leads. An app that is called is a frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import structlog

from ringflow.calls import events
from ringflow.calls.call import Call
from ringflow.calls.orders import Redirected, Redirection
from ringflow.calls.outcome import Outcome
from ringflow.errors import ChannelGone, PeerSilent, ProtocolViolation, RingflowError
from ringflow.flows.flow import End, Flow, Return, ToApp
from ringflow.flows.slot import DONE, Jump, Slot, Subroutine
from ringflow.plain_text import plain

log = structlog.get_logger("ringflow.engine")

MAX_SLOTS_IN_A_CALL = 1000
"""`check` refuses loops that cannot end; this ends those that a caller keeps going."""

MAX_FRAMES = 16
"""How many apps may be under way in a call, each called by the one before; an app may call itself."""

JUMP = "jump"
"""The exit, in events, of a slot that itself led the call to another app."""

REDIRECTED = "redirected"
"""The same of a slot in which an operator sent the call elsewhere."""


FAILED = "failed"
"""The same of a slot that failed in an app that says where the call goes on."""

LIMIT = "limit"
"""The same of a slot to which a call came that reached one of its app's limits."""

MAX_FAILURES = 3
"""How often a call goes on after a failure."""

SLOTS_AFTER_FAILURE = 50
"""How many slots it may come to then at least, where it went through as many as a call may."""


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


class Walk:
    """One call's way through the flow's slots, and those of the apps it leads to and calls.

    Where a slot fails, or a limit is reached, the call goes on at `on_error` of the app, or of the nearest
    app that called it and has one: at most `MAX_FAILURES` times, and not before another slot has ended.
    """

    def __init__(self, call: Call, flow: Flow, flows: Mapping[str, Flow]) -> None:
        self._call = call
        self._flows = flows
        self._frames = [_Frame(flow)]
        self._visits: Counter[tuple[str, int]] = Counter()
        self._failures = 0
        self._is_recovering = False
        self._is_overtime = False
        self._is_left = False
        """Whether the slot in which the call was has been left, and the next one not been entered."""
        call.variables.begin_app(flow.settings.variables)

    async def run(self) -> Ended:
        """Go from slot to slot until there is no next one. Raises `FlowFault`, and what slots raise."""
        left = MAX_SLOTS_IN_A_CALL
        while True:
            try:
                if not left:
                    raise FlowFault(f"the call went through {MAX_SLOTS_IN_A_CALL} slots")
                left -= 1
                ended = await self._step()
            except (ChannelGone, Redirected, ProtocolViolation, PeerSilent):
                raise
            except Exception as error:  # noqa: BLE001 -- the boundary of a slot: the app may say where to go on
                self._recover(error)
                left = max(left, SLOTS_AFTER_FAILURE)
                ended = None
            if ended is not None:
                return ended

    def flows_after_hangup(self) -> Iterator[tuple[Flow, int]]:
        """What is to run after the caller is gone, each with its frame, the innermost app's first."""
        for depth in reversed(range(len(self._frames))):
            after = self._frames[depth].flow.on_hangup
            if after is not None:
                yield after, depth

    async def _step(self) -> Ended | None:
        """Run one slot, and go where it leads; gives how the call ended if it did."""
        call, frame = self._call, self._frames[-1]
        slot = frame.slot
        flow = frame.flow
        call.spoken.enter_app(flow.settings.own_language, flow.settings.languages or ())
        call.events.enter_slot(flow.app, flow.revision, flow.label(frame.index), slot.slot)
        self._is_left = False
        reached = self._limit_reached()
        if reached is not None:
            return self._end_by_limit(reached)
        try:
            await call.media.obey()
            result = await slot.run(call)
        except Redirected as redirected:
            self._redirect(redirected.to)
            return None
        if isinstance(result, Subroutine):
            self._begin_frame(result)
            return None
        self._is_recovering = False
        if isinstance(result, Jump):
            self._tell_left(JUMP, result.app)
            self._go_on_in(result.app)
            return None
        return self._leave(result)

    def _limit_reached(self) -> str | None:
        """Why the call may not run this slot; sets until when talks may last."""
        frame = self._frames[-1]
        self._visits[frame.flow.app, frame.index] += 1
        longest_s = None if self._is_overtime else self._longest_s()
        self._call.outgoing.ends_at_ms = None if longest_s is None else round(longest_s * 1000)
        if longest_s is not None and self._call.events.elapsed_ms() >= longest_s * 1000:
            # What the app does about it is not limited again.
            self._is_overtime = True
            self._call.outgoing.ends_at_ms = None
            return f"the call has lasted {longest_s:g} s, the longest that `longest_call` allows"
        most = frame.flow.settings.limits.visits
        if most is not None and self._visits[frame.flow.app, frame.index] > most:
            return f"the call came to {frame.place} more often than `visits` allows: {most}"
        return None

    def _longest_s(self) -> float | None:
        limits = (frame.flow.settings.limits.longest_call for frame in self._frames)
        return min((one for one in limits if one is not None), default=None)

    def _end_by_limit(self, why: str) -> Ended | None:
        self._call.note("limit", why)
        if self._goes_on_after_failure(LIMIT):
            return None
        self._tell_left(LIMIT)
        return Ended(Outcome.LIMIT, why)

    def _recover(self, error: Exception) -> None:
        """Go on where the app wants calls to go that fail; raises the error again where it does not say."""
        call = self._call
        where = self._frames[-1].place
        if not self._goes_on_after_failure(FAILED):
            raise error
        what = f"{type(error).__name__}: {plain(str(error))}"
        call.variables.give_error(where, what)
        call.note("recovered", f"{where} failed: {what}")
        if isinstance(error, RingflowError):
            log.error("slot failed", slot=where, error=type(error).__name__, detail=str(error)[:500])
        else:
            log.error("slot failed", slot=where, exc_info=error)

    def _goes_on_after_failure(self, exit_name: str) -> bool:
        handler = next((one for one in reversed(self._frames) if one.flow.settings.on_error), None)
        if handler is None or self._is_recovering or self._failures >= MAX_FAILURES:
            return False
        step = handler.flow.error_step()
        target = self._find(step.app) if isinstance(step, ToApp) else None
        self._failures += 1
        self._is_recovering = True
        while self._frames[-1] is not handler:
            self._abandon_frame(exit_name)
        if not self._is_left:
            self._tell_left(exit_name, target.app if target is not None else None)
        if target is not None:
            self._enter(target)
        elif isinstance(step, int):
            handler.index = step
        return True

    def _tell_left(self, exit_name: str, app: str | None = None) -> None:
        self._is_left = True
        self._call.events.emit(events.SlotLeft, self._frames[-1].slot.slot, exit_name, app)

    def _leave(self, exit_name: str) -> Ended | None:
        """The innermost frame's slot ended by this exit; so may the slots that called its app, one by one."""
        came_from = ""
        while True:
            frame = self._frames[-1]
            self._call.left_by_exit(frame.slot.sip_code(exit_name))
            self._tell_left(exit_name)
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
        self._is_left = True
        self._call.variables.begin_app(flow.settings.variables)

    def _end_frame(self, exit_name: str) -> None:
        frame = self._frames.pop()
        self._call.events.end_frame(exit_name)
        self._is_left = False
        self._call.variables.end_frame(frame.results)

    def _abandon_frame(self, exit_name: str) -> None:
        """The innermost app ends in the middle: what it has not finished has no results."""
        if not self._is_left:
            self._tell_left(exit_name)
        self._frames[-1].results = {}
        self._end_frame(exit_name)

    def _go_on_in(self, app: str) -> None:
        self._enter(self._find(app))

    def _enter(self, flow: Flow) -> None:
        frame = self._frames[-1]
        frame.flow, frame.index = flow, 0
        self._call.variables.enter_app(flow.app)
        self._call.variables.begin_app(flow.settings.variables)

    def _redirect(self, to: Redirection) -> None:
        """Go on where an operator wants the call: no slot that called an app waits for it any more."""
        while len(self._frames) > 1:
            self._abandon_frame(REDIRECTED)
        (frame,) = self._frames
        self._tell_left(REDIRECTED, to.app)
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
