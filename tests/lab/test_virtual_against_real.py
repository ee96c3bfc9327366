"""What no slot asks for yet: AGI commands to the virtual Asterisk and to a real one, and the same replies.

Each script is a list of commands for one caller; callees stand behind the trunks that it dials.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise
from pathlib import Path
from typing import Protocol

import pytest

from ringflow.lab import Lab, LabCallee, LabCaller
from ringflow.lab.call_values import HangUp, LabCallResult, Moment, TimedKeys, TimedSpeech
from ringflow.lab.scenario_plan import lab_callee
from ringflow.simulator.asterisk import Greeting, VirtualAsterisk
from ringflow.simulator.callee import Behaviour, Callee
from ringflow.simulator.caller import CallerStep, HangsUp, Keys, ScriptedCaller, Speaks, Waits
from ringflow.simulator.channel import VirtualChannel
from ringflow.simulator.clock import VirtualClock, Waiter
from ringflow.simulator.incoming_call import IncomingCall, Recording
from ringflow.simulator.talks import VirtualTalks

CLI = "441910000001"
OUTCOME = 'GET FULL VARIABLE "${DIALSTATUS}|${HANGUPCAUSE}"'
NUMBERS = count(1)
SAMPLES_PER_MS = 8
TOLERANCE_MS = 400
SILENT = frozenset({0xFF, 0x7F, 0xFE, 0x7E})
"""Silence in G.711 mu-law."""


class Peer(Protocol):
    """The other end of a FastAGI connection, as the lab's fixtures have it."""

    async def ask(self, command: str) -> str: ...


class Scripts(Protocol):
    """What the fixture `scripts` is."""

    def put(self, did: str, script: Callable[[Peer], Awaitable[None]]) -> None: ...

    async def ended(self, did: str) -> None: ...


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
    recordings: list[Recording] = field(default_factory=list)


async def virtual(
    commands: Sequence[str],
    callees: Sequence[Callee],
    steps: Sequence[CallerStep] = (),
    *,
    clock: VirtualClock | None = None,
    caller: ScriptedCaller | None = None,
    rooms: dict[str, list[IncomingCall]] | None = None,
    recordings_folder: Path | None = None,
) -> Course:
    clock = clock or VirtualClock()
    began_ms = clock.monotonic_ms()
    call = IncomingCall(
        channel=VirtualChannel(clock, "18005550100", CLI),
        line=caller or ScriptedCaller(clock, steps),
        rooms=rooms if rooms is not None else {},
        recordings_folder=recordings_folder,
        clock=clock,
        talks=VirtualTalks(clock),
        meet=lambda index, target: callees[index],
        duration_of=lambda name: 2.0,
    )
    script = Script([*commands, "NOOP"], clock)
    await VirtualAsterisk(Greeting("18005550100", CLI), call).carry(script)
    took = [after - before for before, after in pairwise([began_ms, *script.at_ms])]
    return Course(script.replies[: len(commands)], took[: len(commands)], call.recordings)


def as_telephone(did: str, steps: Sequence[CallerStep]) -> LabCaller:
    """A telephone that does the same, by the clock alone."""
    at_ms, speech, keys, hang_up = 0, list[TimedSpeech](), list[TimedKeys](), None
    for step in steps:
        if isinstance(step, Speaks):
            speech.append(TimedSpeech(at_ms, step.for_ms))
            at_ms += step.for_ms
        elif isinstance(step, Keys):
            keys.append(TimedKeys(at_ms + step.after_ms, step.keys))
            at_ms += step.after_ms + step.tone_ms
        elif isinstance(step, Waits):
            at_ms += step.for_ms
        else:
            hang_up = HangUp(Moment.ANSWERED, at_ms)
    return LabCaller(did, CLI, tuple(keys), hang_up, speech=tuple(speech))


async def real(
    lab: Lab,
    scripts: Scripts,
    commands: Sequence[str],
    callees: Mapping[str, LabCallee],
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


@pytest.mark.lab
@pytest.mark.parametrize("name", PARALLEL)
async def test_several_callees_that_ring_at_once(lab: Lab, scripts: Scripts, name: str) -> None:
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
    assert abs(came.took_ms[1] - foretold.took_ms[1]) < TOLERANCE_MS
    winner = min(
        (trunk for trunk in present if present[trunk].behaviour.value == "answer"),
        key=lambda trunk: present[trunk].answers_after_ms,
        default=None,
    )
    assert [trunk for trunk, one in wire.callees.items() if one.answered_at is not None] == [winner] * bool(
        winner
    )


@dataclass(frozen=True)
class Recorded:
    """What a caller does while a recording runs, and what is read of it: its length and its speech, in ms."""

    command: str
    steps: tuple[CallerStep, ...]
    reply: str
    length_ms: int
    spoken_ms: int


RECORDINGS = {
    "to a key": Recorded(
        '"#" 8000', (Waits(500), Speaks(1500), Keys("#", after_ms=1000)), "35 (dtmf)", 2800, 1500
    ),
    "to its time": Recorded('"#" 2000', (Waits(500), Speaks(800)), "0 (timeout)", 2000, 800),
    "to silence": Recorded('"#" 9000 s=2', (Speaks(1000),), "6000 (timeout)", 2000, 1000),
    "to the hang-up": Recorded('"#" 9000', (Speaks(700), Waits(800), HangsUp()), "-1 (hangup)", 1500, 700),
    "over a key that ends nothing": Recorded('"#" 3000', (Keys("1"), Speaks(500)), "0 (timeout)", 3000, 500),
}


@pytest.mark.lab
@pytest.mark.parametrize("name", RECORDINGS)
async def test_a_recording_has_what_the_caller_said(
    lab: Lab, scripts: Scripts, name: str, tmp_path: Path
) -> None:
    one, file = RECORDINGS[name], tmp_path / "recording"
    commands = ["ANSWER", f"RECORD FILE {file} ulaw {one.command}"]
    foretold = await virtual(commands, (), one.steps)
    (recording,) = foretold.recordings
    assert (recording.length_ms, recording.spoken_ms) == (one.length_ms, one.spoken_ms)
    course, _ = await real(lab, scripts, commands, {}, one.steps)
    number, way, position = parted(course.replies[1])
    expected, expected_way, _ = parted(foretold.replies[1])
    assert (way, f"{expected} {expected_way}") == (expected_way, one.reply)
    # At the end of its time the reply has the milliseconds that were left.
    assert abs(number - expected) < (TOLERANCE_MS if way == "(timeout)" else 1)
    sound = file.with_suffix(".ulaw").read_bytes()
    # While a key is pressed no sound comes, and a busy machine is late.
    assert abs(len(sound) / SAMPLES_PER_MS - one.length_ms) < TOLERANCE_MS
    assert abs(position / SAMPLES_PER_MS - one.length_ms) < TOLERANCE_MS
    assert abs(sum(value not in SILENT for value in sound) / SAMPLES_PER_MS - one.spoken_ms) < TOLERANCE_MS


@pytest.mark.lab
async def test_a_recording_that_cannot_be_written_is_told_from_a_hang_up(
    lab: Lab, scripts: Scripts, tmp_path: Path
) -> None:
    commands = ["ANSWER", f'RECORD FILE {tmp_path}/nowhere/one ulaw "#" 2000', "CHANNEL STATUS"]
    course, _ = await real(lab, scripts, commands, {}, ())
    assert course.replies[1:] == ["200 result=-1 (writefile)", "200 result=6"]
    foretold = await virtual(commands, (), recordings_folder=tmp_path)
    assert foretold.replies == course.replies


def parted(reply: str) -> tuple[int, str, int]:
    """The number, the way in which it ended, and the position, of a reply to `RECORD FILE`."""
    number, way, position = reply.removeprefix("200 result=").split(" ")
    return int(number), way, int(position.removeprefix("endpos="))


ROOM = "EXEC ConfBridge room"


@pytest.mark.lab
async def test_callers_in_a_room_hear_each_other_until_they_are_alone(lab: Lab, scripts: Scripts) -> None:
    quiet = "SET VARIABLE CONFBRIDGE(user,quiet) yes"
    entering = [(0, (Waits(6000), HangsUp())), (1500, (Waits(1500), Speaks(1000), Waits(500), HangsUp()))]
    clock, rooms = VirtualClock(), dict[str, list[IncomingCall]]()
    callers = []

    async def enter(after_ms: int, steps: Sequence[CallerStep]) -> Course:
        await Waiter(clock).until(after_ms)
        caller = ScriptedCaller(clock, steps)
        callers.append(caller)
        try:
            return await virtual(["ANSWER", quiet, ROOM], (), clock=clock, caller=caller, rooms=rooms)
        finally:
            clock.leave()

    clock.join(len(entering))
    foretold = await asyncio.gather(*(enter(*one) for one in entering))
    heard = [[(one.began_ms, one.ended_ms) for one in caller.heard] for caller in callers]
    assert heard == [[(1500, 4500)], [(1500, 4500)]]
    assert rooms == {"room": []}

    async def enter_really(after_ms: int, steps: Sequence[CallerStep]) -> tuple[Course, LabCallResult]:
        await asyncio.sleep(after_ms / 1000)
        return await real(lab, scripts, ["ANSWER", quiet, ROOM], {}, steps)

    came = await asyncio.gather(*(enter_really(*one) for one in entering))
    assert [course.replies for course, _ in came] == [course.replies for course in foretold]
    took = [(a.took_ms[2], b.took_ms[2]) for a, (b, _) in zip(foretold, came, strict=True)]
    assert all(abs(one - other) < TOLERANCE_MS for one, other in took)
    (_, first), (_, second) = came
    speech_s = sum(stretch.ends - stretch.begins for stretch in first.voiced)
    assert abs(speech_s * 1000 - 1000) < TOLERANCE_MS
    assert second.answered_at is not None
    assert abs(first.voiced[0].begins - second.answered_at - 1.5) < TOLERANCE_MS / 1000
    assert second.voiced == ()
