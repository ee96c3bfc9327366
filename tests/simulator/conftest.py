"""A peer that sends AGI commands one by one, as a script would, and keeps every line that comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from ringflow.config import load_config
from ringflow.simulator.asterisk import Greeting, VirtualAsterisk
from ringflow.simulator.callee import Callee, callees_in_turn
from ringflow.simulator.caller import CallerStep, ScriptedCaller
from ringflow.simulator.channel import VirtualChannel
from ringflow.simulator.clock import VirtualClock
from ringflow.simulator.incoming_call import IncomingCall
from ringflow.simulator.stage import Stage
from ringflow.simulator.talks import VirtualTalks

ROOT = Path(__file__).parent.parent.parent
PROMPTS = {"ask": 2.0, "sorry": 1.0}


class ScriptPeer(asyncio.Protocol):
    """Sends the next command when the reply to the last one has come, then closes."""

    def __init__(self, commands: Sequence[str]) -> None:
        self.received = b""
        self._commands = list(commands)
        self._transport: asyncio.Transport | None = None
        self._greeted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        if not self._greeted:
            self._greeted = self.received.endswith(b"\n\n")
            if self._greeted:
                self._send()
        elif data != b"HANGUP\n" and not data.startswith(b"520-") and not data.startswith(b"Usage"):
            self._send()

    def _send(self) -> None:
        assert self._transport is not None
        if self._commands:
            self._transport.write(self._commands.pop(0).encode() + b"\n")
        else:
            self._transport.close()


@dataclass
class Played:
    """What came of a script: the lines after the greeting, and the parts to ask."""

    greeting: str
    lines: list[str]
    call: IncomingCall
    clock: VirtualClock
    caller: ScriptedCaller


class PlayScript(Protocol):
    """What the fixture `script` is."""

    async def __call__(
        self,
        commands: Sequence[str],
        steps: Sequence[CallerStep] = (),
        callees: tuple[Callee, ...] = (),
        missing_applications: frozenset[str] = frozenset(),
    ) -> Played: ...


async def play_script(
    commands: Sequence[str],
    steps: Sequence[CallerStep] = (),
    callees: tuple[Callee, ...] = (),
    missing_applications: frozenset[str] = frozenset(),
) -> Played:
    """Run commands against a virtual Asterisk whose caller follows `steps`."""
    clock = VirtualClock()
    caller = ScriptedCaller(clock, steps)
    call = IncomingCall(
        channel=VirtualChannel(clock, "18005550100", "441910000001"),
        line=caller,
        clock=clock,
        talks=VirtualTalks(clock),
        meet=callees_in_turn(callees),
        duration_of=PROMPTS.get,
        missing_applications=missing_applications,
    )
    call.channel.set_variable("__RINGFLOW_CHANNEL", call.channel.name)
    # One more, so that a HANGUP line right behind the last reply is seen too.
    peer = ScriptPeer([*commands, "NOOP"])
    await VirtualAsterisk(Greeting("18005550100", "441910000001"), call).carry(peer)
    greeting, _, rest = peer.received.decode().partition("\n\n")
    return Played(greeting, rest.splitlines()[:-1], call, clock, caller)


@pytest.fixture
def script() -> PlayScript:
    """Run AGI commands against a virtual Asterisk."""
    return play_script


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """A stage with this project's flows and prompts."""
    async with Stage.open(load_config(ROOT / "config.yaml", {})) as opened:
        yield opened
