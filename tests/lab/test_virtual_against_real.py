"""What no slot asks for yet: AGI commands to the virtual Asterisk and to a real one, and the same replies.

Each script is a list of commands for one caller; callees stand behind the trunks that it dials.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.lab.agi_scripts import TOLERANCE_MS, Scripts, real, virtual

from ringflow.lab import Lab
from ringflow.lab.scenario_plan import lab_callee
from ringflow.simulator.callee import Behaviour, Callee
from ringflow.simulator.caller import CallerStep, HangsUp, Keys, Speaks, Waits

OUTCOME = 'GET FULL VARIABLE "${DIALSTATUS}|${HANGUPCAUSE}"'
SAMPLES_PER_MS = 8
SILENT = frozenset({0xFF, 0x7F, 0xFE, 0x7E})
"""Silence in G.711 mu-law."""


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
