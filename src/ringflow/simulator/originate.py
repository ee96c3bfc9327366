"""Calls that a virtual Asterisk makes to somebody: `Originate`, as application and as manager action.

Who is called meets it as any callee would. One who answers is a caller from then on: the call runs the
dialplan at the extension that was named, and comes to Ringflow, answered already. What Asterisk says of the
others is in docs/asterisk-facts.md: all refusals are failures, only ringing in vain is told from them. Then
a call comes to Ringflow too, from no channel to the extension `failed`, which [ringflow-incoming] has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from ringflow.calls.clock import Clock
from ringflow.simulator.callee import Behaviour, Callee
from ringflow.simulator.clock import Companion, wait_until


class Outcome(StrEnum):
    """How somebody met a call, by ORIGINATE_STATUS."""

    ANSWERED = "SUCCESS"
    NO_ANSWER = "RINGING"
    FAILED = "FAILED"


REASONS = {Outcome.ANSWERED: "4", Outcome.NO_ANSWER: "3", Outcome.FAILED: "0"}
"""`Reason` of the manager interface's OriginateResponse."""


@dataclass(frozen=True, slots=True)
class Originated:
    """What Asterisk says of a call that it was told to make."""

    outcome: Outcome
    channel: str

    @property
    def reason(self) -> str:
        """As the manager interface has it."""
        return REASONS[self.outcome]


FAILED_EXTENSION = "failed"
FAILED_CHANNEL = "OutgoingSpoolFailed"
"""Where the dialplan is run for nobody, and on which channel (pbx_outgoing_attempt in main/pbx.c)."""


@dataclass(frozen=True, slots=True)
class OriginatedCall:
    """A call that was made to somebody; `callee` is how it was met.

    `extension` is where it runs the dialplan; `caller_id` is the number shown, empty for none.
    """

    target: str
    extension: str
    channel: str
    callee: Callee
    caller_id: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def answered(self) -> bool:
        """Whether somebody is there; else the channel is down, and REASON says what there was."""
        return self.extension != FAILED_EXTENSION


CarryCall: TypeAlias = Callable[[OriginatedCall], Awaitable[None]]
MeetCalled: TypeAlias = Callable[[str], Callee]


def nobody_there(target: str) -> Callee:
    """No endpoint has this name."""
    return Callee(Behaviour.UNAVAILABLE, 0, None)


async def hangs_up_at_once(call: OriginatedCall) -> None:
    """There is no dialplan for it."""


class OriginatedCalls:
    """Those of one Asterisk. `meet` says how who is called meets it, `carry` runs the dialplan for it."""

    def __init__(self, meet: MeetCalled = nobody_there, carry: CarryCall = hangs_up_at_once) -> None:
        self.meet = meet
        self.carry = carry
        self._made = 0
        self._carried: set[asyncio.Task[None]] = set()

    async def originate(
        self,
        clock: Clock,
        target: str,
        extension: str,
        timeout_s: float,
        caller_id: str = "",
        variables: Mapping[str, str] | None = None,
    ) -> Originated:
        """Ring somebody for `timeout_s` at most. Returns when that is decided; the call itself goes on.

        Who waits for it is a party of the clock: the call whose script asks for it.
        """
        callee = self.meet(target)
        self._made += 1
        channel = f"{target.split('@')[-1]}-{self._made:08x}"
        gives_up_ms = clock.monotonic_ms() + round(timeout_s * 1000)
        acts_ms = clock.monotonic_ms() + (callee.after_ms or 0)
        if callee.waits or acts_ms > gives_up_ms:
            await wait_until(clock, gives_up_ms)
            return self._fail(clock, target, callee, Outcome.NO_ANSWER)
        await wait_until(clock, acts_ms)
        if callee.behaviour is not Behaviour.ANSWER:
            return self._fail(clock, target, callee, Outcome.FAILED)
        call = OriginatedCall(target, extension, channel, callee, caller_id, variables or {})
        self._start(clock, call)
        return Originated(Outcome.ANSWERED, channel)

    def _fail(self, clock: Clock, target: str, callee: Callee, outcome: Outcome) -> Originated:
        reason = {"REASON": REASONS[outcome]}
        self._start(clock, OriginatedCall(target, FAILED_EXTENSION, FAILED_CHANNEL, callee, "", reason))
        return Originated(outcome, FAILED_CHANNEL)

    def in_background(self, clock: Clock, work: Callable[[], Awaitable[object]]) -> None:
        """Do something for which no call waits, such as an `Originate` with the option `a`."""
        companion = Companion(clock)

        async def run() -> None:
            try:
                await work()
            finally:
                companion.leave()

        task = asyncio.create_task(run(), name="originated")
        self._carried.add(task)
        task.add_done_callback(self._carried.discard)

    async def finished(self) -> None:
        """All calls that were made are over."""
        while self._carried:
            await asyncio.gather(*self._carried)

    def _start(self, clock: Clock, call: OriginatedCall) -> None:
        self.in_background(clock, lambda: self.carry(call))
