"""The manager interface of the virtual Asterisk, as far as Ringflow has calls made by it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ringflow.simulator.callee import Behaviour, Callee, MeetCallee, callees_in_turn
from ringflow.simulator.clock import Companion, VirtualClock
from ringflow.simulator.line import Line
from ringflow.simulator.local_channel import CalledParty, DiallingHalf
from ringflow.simulator.scenario import ScenarioCall
from ringflow.simulator.virtual_call import CarriedCall

if TYPE_CHECKING:
    from ringflow.ami.actions import ApplicationTarget, DialplanTarget, OriginateResult

ANSWERED, FAILED = "4", "0"
"""`Reason` of OriginateResponse."""

NOBODY = Callee(Behaviour.UNAVAILABLE, 0, None)
"""Who is met by a call that no scenario foresees."""


class CarryHalf(Protocol):
    """Carries one half of a Local channel through Ringflow; `is_up`: somebody is on the line already."""

    def __call__(
        self, extension: str, channel: str, line: Line, meet: MeetCallee, *, is_up: bool
    ) -> Coroutine[Any, Any, CarriedCall]:
        """Return what came of it."""
        ...


@dataclass(slots=True)
class MadeCall:
    """A call that Ringflow had made: the half that dialled, and the one in the app, if somebody answered.

    `script`: who was called, None where the scenario does not foresee the call.
    """

    script: ScenarioCall | None
    dialling: CarriedCall | None = None
    line: DiallingHalf | None = None
    in_app: CarriedCall | None = None
    party: CalledParty | None = None


class VirtualLink:
    """Makes calls as `AmiLink` has them made, in virtual time.

    `carry` is set before the first call. `foreseen`: who is called, in the order of the calls; a scenario
    that asks for a call itself says by `expect` who that is. `meeting`: whom those who were called call.
    """

    is_up = True

    def __init__(
        self,
        clock: VirtualClock,
        foreseen: Sequence[ScenarioCall] = (),
        meeting: Callable[[ScenarioCall], MeetCallee] = lambda script: callees_in_turn(script.callees),
    ) -> None:
        self.carry: CarryHalf | None = None
        self.made: list[MadeCall] = []
        self._clock = clock
        self._foreseen = deque(foreseen)
        self._meeting = meeting
        self._asked: deque[ScenarioCall] = deque()
        self._running: set[asyncio.Task[None]] = set()

    def expect(self, script: ScenarioCall) -> None:
        """The call that is made next is this one."""
        self._asked.append(script)

    async def finished(self) -> None:
        """Wait until all calls that were made are over."""
        while self._running:
            await asyncio.gather(*self._running)

    async def originate(
        self,
        channel: str,
        target: DialplanTarget | ApplicationTarget,
        *,
        caller_id: str = "",
        variables: Mapping[str, str] | None = None,
        timeout_s: float = 30.0,
        codecs: str = "",
    ) -> OriginateResult:
        """As `AmiLink`; of a Local channel, `channel` dials, and `target` is where its other half goes."""
        # Most calls have nobody called, and need not load these.
        from ringflow.ami.actions import DialplanTarget, OriginateOutcome, OriginateResult

        waiting = self._asked or self._foreseen
        made = MadeCall(waiting.popleft() if waiting else None)
        self.made.append(made)
        is_decided = asyncio.get_running_loop().create_future()
        name = f"{channel.removesuffix('/n')}-{len(self.made):08x}"

        def answered() -> None:
            if isinstance(target, DialplanTarget):
                assert made.line is not None
                steps = made.script.steps if made.script is not None else ()
                made.party = CalledParty(self._clock, steps, made.line)
                self._start(lambda: in_app(made.party))
            is_decided.set_result(ANSWERED)

        def over() -> None:
            if not is_decided.done():
                is_decided.set_result(FAILED)
            if made.party is not None:
                made.party.cut_off()

        async def dial(line: DiallingHalf) -> None:
            meet = callees_in_turn(made.script.called_parties if made.script is not None else (NOBODY,))
            extension = channel.removeprefix("Local/").partition("@")[0]
            made.dialling = await self._carried(extension, f"{name};2", line, meet, is_up=False)

        async def in_app(party: CalledParty | None) -> None:
            assert party is not None
            assert isinstance(target, DialplanTarget)
            meet = self._meeting(made.script) if made.script is not None else callees_in_turn(())
            made.in_app = await self._carried(target.extension, f"{name};1", party, meet, is_up=True)

        line = made.line = DiallingHalf(self._clock, answered, over)
        self._start(lambda: dial(line))
        reason = await is_decided
        outcome = OriginateOutcome.ANSWERED if reason == ANSWERED else OriginateOutcome.FAILED
        return OriginateResult(outcome, f"{name};1", "", reason)

    async def device_states(self) -> dict[str, str]:
        """No device has a state of its own: whoever is called is tried."""
        return {}

    async def evaluate(self, expression: str) -> str:
        """Every endpoint is there."""
        return expression

    async def _carried(
        self, extension: str, channel: str, line: Line, meet: MeetCallee, *, is_up: bool
    ) -> CarriedCall:
        assert self.carry is not None, "set before the first call"
        return await self.carry(extension, channel, line, meet, is_up=is_up)

    def _start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Carry a half from now on, as a party of the clock."""
        companion = Companion(self._clock)

        async def run() -> None:
            try:
                await work()
            finally:
                companion.leave()

        task = asyncio.create_task(run(), name="half of a Local channel")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
