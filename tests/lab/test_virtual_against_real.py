"""What no slot asks for yet: AGI commands to the virtual Asterisk and to a real one, and the same replies.

Each script is a list of commands for one caller; callees stand behind the trunks that it dials.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise

import pytest

from ringflow.lab import Lab, LabCallee, LabCaller
from ringflow.lab.call_values import LabCallResult
from ringflow.lab.scenario_plan import lab_callee
from ringflow.simulator.asterisk import Greeting, VirtualAsterisk
from ringflow.simulator.callee import Behaviour, Callee
from ringflow.simulator.caller import CallerStep, ScriptedCaller
from ringflow.simulator.channel import VirtualChannel
from ringflow.simulator.clock import VirtualClock
from ringflow.simulator.listening import IncomingCall
from ringflow.simulator.talks import VirtualTalks

CLI = "441910000001"
OUTCOME = 'GET FULL VARIABLE "${DIALSTATUS}|${HANGUPCAUSE}"'
NUMBERS = count(1)


@dataclass(frozen=True)
class Ringing:
    """Callees of one `Dial`, in order, and for how long they are rung."""

    callees: tuple[Callee, ...]
    ring_s: int = 10


def answers(after_ms: int, talk_ms: int | None = 600) -> Callee:
    return Callee(Behaviour.ANSWER, after_ms, talk_ms)


def refuses(code: int, after_ms: int) -> Callee:
    return Callee(Behaviour.REFUSE, after_ms, None, code)


GONE = Callee(Behaviour.UNAVAILABLE, 0, None)
NOBODY = Callee(Behaviour.NO_ANSWER, None, None)

PARALLEL = {
    "the first to answer wins": Ringing((answers(1800), answers(700))),
    "one is busy, the other answers": Ringing((refuses(486, 200), answers(900))),
    "one answers, and the other would have refused later": Ringing((refuses(486, 1500), answers(600))),
    "one is not there, the other answers": Ringing((GONE, answers(700))),
    "all are busy": Ringing((refuses(486, 300), refuses(600, 900))),
    "busy and congested": Ringing((refuses(503, 900), refuses(486, 300))),
    "congested and unknown": Ringing((refuses(404, 300), refuses(503, 900))),
    "nobody is there": Ringing((GONE, GONE)),
    "away and busy": Ringing((refuses(480, 300), refuses(486, 900))),
    "busy and away": Ringing((refuses(486, 300), refuses(480, 900))),
    "all are away": Ringing((refuses(480, 300), refuses(480, 900))),
    "busy, and nobody answers": Ringing((refuses(486, 300), NOBODY), ring_s=2),
    "nobody answers": Ringing((NOBODY, NOBODY), ring_s=2),
    "three, the last one answers": Ringing((refuses(486, 300), refuses(503, 600), answers(1200))),
}


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


async def virtual(
    commands: Sequence[str], callees: Sequence[Callee], steps: Sequence[CallerStep] = ()
) -> Course:
    clock = VirtualClock()
    call = IncomingCall(
        channel=VirtualChannel(clock, "18005550100", CLI),
        line=ScriptedCaller(clock, steps),
        clock=clock,
        talks=VirtualTalks(clock),
        meet=lambda index, target: callees[index],
        duration_of=lambda name: 2.0,
    )
    script = Script([*commands, "NOOP"], clock)
    await VirtualAsterisk(Greeting("18005550100", CLI), call).carry(script)
    took = [after - before for before, after in pairwise([0, *script.at_ms])]
    return Course(script.replies[: len(commands)], took[: len(commands)])


async def real(
    lab: Lab, scripts: object, commands: Sequence[str], callees: Mapping[str, LabCallee]
) -> tuple[Course, LabCallResult]:
    course, loop = Course(), asyncio.get_running_loop()

    async def script(peer: object) -> None:
        for command in commands:
            began = loop.time()
            course.replies.append(await peer.ask(command))  # type: ignore[attr-defined]
            course.took_ms.append(round((loop.time() - began) * 1000))

    did = f"1800557{next(NUMBERS):04}"
    scripts.put(did, script)  # type: ignore[attr-defined]
    result = await lab.call(LabCaller(did, CLI), callees)
    async with asyncio.timeout(5):
        await scripts.ended(did)  # type: ignore[attr-defined]
    return course, result


@pytest.mark.lab
@pytest.mark.parametrize("name", PARALLEL)
async def test_several_callees_that_ring_at_once(lab: Lab, scripts: object, name: str) -> None:
    ringing = PARALLEL[name]
    trunks = [f"callee{number:02}" for number in range(1, len(ringing.callees) + 1)]
    present = {
        trunk: lab_callee(callee)
        for trunk, callee in zip(trunks, ringing.callees, strict=True)
        if callee != GONE
    }
    places = "&".join(f"PJSIP/44@{trunk if trunk in present else 'nobody'}" for trunk in trunks)
    commands = ["ANSWER", f'EXEC Dial "{places},{ringing.ring_s},g"', OUTCOME]
    foretold = await virtual(commands, ringing.callees)
    came, wire = await real(lab, scripts, commands, present)
    assert came.replies == foretold.replies
    assert abs(came.took_ms[1] - foretold.took_ms[1]) < 400
    winner = min(
        (trunk for trunk in present if present[trunk].behaviour.value == "answer"),
        key=lambda trunk: present[trunk].answers_after_ms,
        default=None,
    )
    assert [trunk for trunk, one in wire.callees.items() if one.answered_at is not None] == [winner] * bool(
        winner
    )
