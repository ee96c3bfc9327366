"""The same AGI commands to the virtual Asterisk and to a real one: what each replies, and what is heard.

Each script is a list of commands for one caller; callees stand behind the trunks that it dials.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise
from pathlib import Path
from typing import Protocol

from ringflow.lab import Lab, LabCaller
from ringflow.lab.call_values import HangUp, LabCallResult, Moment, TimedKeys, TimedSpeech
from ringflow.lab.calls import Callees
from ringflow.lab.scenario_plan import lab_callee
from ringflow.simulator.asterisk import Greeting, VirtualAsterisk
from ringflow.simulator.callee import Callee
from ringflow.simulator.caller import CallerStep, Keys, ScriptedCaller, Speaks, Waits
from ringflow.simulator.channel import ChannelState, VirtualChannel
from ringflow.simulator.clock import VirtualClock, Waiter
from ringflow.simulator.exchange import Exchange
from ringflow.simulator.incoming_call import IncomingCall, PromptDuration, Recording
from ringflow.simulator.talks import VirtualTalks

CLI = "441910000001"
NUMBERS = count(1)
TOLERANCE_MS = 400


class Peer(Protocol):
    """The other end of a FastAGI connection, as the lab's fixtures have it."""

    environment: dict[str, str]

    async def ask(self, command: str) -> str: ...


class Scripts(Protocol):
    """What the fixture `scripts` is."""

    def put(self, did: str, script: Callable[[Peer], Awaitable[None]]) -> None: ...

    async def ended(self, did: str) -> None: ...


class Script(asyncio.Protocol):
    """Sends one command after the other to a virtual Asterisk, and notes replies and their times."""

    def __init__(self, commands: Sequence[str], clock: VirtualClock) -> None:
        self.replies: list[str] = []
        self.at_ms: list[int] = []
        self._commands, self._clock = [*commands], clock
        self._greeted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        for line in data.decode().splitlines():
            if not self._greeted:
                self._greeted = not line
                continue
            if line != "HANGUP":
                self.replies.append(line)
                self.at_ms.append(self._clock.monotonic_ms())
        if self._greeted and len(self._commands) and data != b"HANGUP\n":
            self._transport.write(f"{self._commands.pop(0)}\n".encode())
        elif self._greeted and not self._commands:
            self._transport.close()


@dataclass
class Course:
    """The replies to a script, and how long each was waited for, in milliseconds."""

    replies: list[str] = field(default_factory=list)
    took_ms: list[int] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)
    heard: list[tuple[str, int, int]] = field(default_factory=list)
    """Each sound, with its beginning and end in milliseconds from the call's."""


def always_two_seconds(prompt: str) -> float | None:
    return 2.0


@dataclass
class VirtualSide:
    """One virtual Asterisk: its calls share a clock, conferences, and prompts."""

    duration_of: PromptDuration = always_two_seconds
    recordings_folder: Path | None = None
    clock: VirtualClock = field(default_factory=VirtualClock)
    exchange: Exchange = field(default_factory=Exchange)
    agents: dict[str, Callee] = field(default_factory=dict)
    """Who answers at a place, whichever call it is rung by."""

    async def run(
        self,
        commands: Sequence[str],
        callees: Sequence[Callee] = (),
        steps: Sequence[CallerStep] = (),
        *,
        state: ChannelState = ChannelState.RING,
    ) -> Course:
        """One call's course, and what its caller hears; `state` UP: it was made to who is the caller now."""
        began_ms = self.clock.monotonic_ms()
        caller = ScriptedCaller(self.clock, steps)
        call = IncomingCall(
            channel=VirtualChannel(self.clock, "18005550100", CLI, state, exchange=self.exchange),
            line=caller,
            recordings_folder=self.recordings_folder,
            clock=self.clock,
            talks=VirtualTalks(self.clock),
            meet=lambda index, target: self.agents[target] if target in self.agents else callees[index],
            duration_of=self.duration_of,
        )
        if state is ChannelState.UP:
            caller.answered()
        script = Script([*commands, "NOOP"], self.clock)
        await VirtualAsterisk(Greeting("18005550100", CLI), call).carry(script)
        took = [after - before for before, after in pairwise([began_ms, *script.at_ms])]
        return Course(
            script.replies[: len(commands)],
            took[: len(commands)],
            call.recordings,
            [(one.sound, one.began_ms - began_ms, (one.ended_ms or 0) - began_ms) for one in caller.heard],
        )

    async def run_all(self, parties: Sequence[Party]) -> list[Course]:
        """Several calls, which arrive one after the other."""
        self.clock.join(len(parties))

        async def run(party: Party) -> Course:
            await Waiter(self.clock).until(party.after_ms)
            try:
                return await self.run(party.commands, party.callees, party.steps)
            finally:
                self.clock.leave()

        return await asyncio.gather(*(run(party) for party in parties))


@dataclass(frozen=True)
class Party:
    """One caller of several: when the call arrives, what its script says, and what the caller does."""

    after_ms: int
    commands: Sequence[str]
    steps: Sequence[CallerStep] = ()
    callees: Sequence[Callee] = ()


async def virtual(
    commands: Sequence[str],
    callees: Sequence[Callee],
    steps: Sequence[CallerStep] = (),
    *,
    recordings_folder: Path | None = None,
) -> Course:
    return await VirtualSide(recordings_folder=recordings_folder).run(commands, callees, steps)


async def really_all(
    lab: Lab, scripts: Scripts, parties: Sequence[Party], agents: Mapping[str, Callees] | None = None
) -> list[tuple[Course, LabCallResult]]:
    """The same on a real Asterisk. `agents` are there for all of them, for as long as the first call is."""

    async def run(party: Party) -> tuple[Course, LabCallResult]:
        await asyncio.sleep(party.after_ms / 1000)
        callees: dict[str, Callees] = {
            f"callee{number:02}": lab_callee(one) for number, one in enumerate(party.callees, start=1)
        }
        if party is parties[0]:
            callees |= agents or {}
        return await real(lab, scripts, party.commands, callees, party.steps)

    return await asyncio.gather(*(run(party) for party in parties))


def as_telephone(did: str, steps: Sequence[CallerStep]) -> LabCaller:
    """A telephone that does the same, by the clock alone."""
    at_ms, speech, keys, hang_up = 0, list[TimedSpeech](), list[TimedKeys](), None
    for step in steps:
        if isinstance(step, Speaks):
            speech.append(TimedSpeech(at_ms, step.for_ms))
            at_ms += step.for_ms
        elif isinstance(step, Keys):
            begins_ms, gap_ms = at_ms + step.after_ms, step.every_ms - step.tone_ms
            keys.append(TimedKeys(begins_ms, step.keys, step.tone_ms, gap_ms))
            at_ms += step.after_ms + (len(step.keys) - 1) * step.every_ms + step.tone_ms
        elif isinstance(step, Waits):
            at_ms += step.for_ms
        else:
            hang_up = HangUp(Moment.ANSWERED, at_ms)
    return LabCaller(did, CLI, tuple(keys), hang_up, speech=tuple(speech))


async def real(
    lab: Lab,
    scripts: Scripts,
    commands: Sequence[str],
    callees: Mapping[str, Callees],
    steps: Sequence[CallerStep] = (),
) -> tuple[Course, LabCallResult]:
    course, loop = Course(), asyncio.get_running_loop()

    async def script(peer: Peer) -> None:
        for command in commands:
            began = loop.time()
            course.replies.append(await peer.ask(command))
            course.took_ms.append(round((loop.time() - began) * 1000))

    did = f"1800557{next(NUMBERS):04}"
    scripts.put(did, script)
    result = await lab.call(as_telephone(did, steps), callees)
    async with asyncio.timeout(5):
        await scripts.ended(did)
    return course, result
