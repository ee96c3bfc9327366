"""Queue of the virtual Asterisk and of a real one: who is rung, when, and what QUEUESTATUS says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.lab.agi_scripts import TOLERANCE_MS, Course, Party, Scripts, VirtualSide, really_all

from ringflow.lab import Lab
from ringflow.lab.asterisk_files import MUSIC
from ringflow.lab.call_values import LabCallResult
from ringflow.lab.scenario_plan import lab_callee
from ringflow.simulator.call_queue import CallQueue
from ringflow.simulator.callee import Behaviour, Callee
from ringflow.simulator.caller import HangsUp, Waits
from ringflow.simulator.line import Sound

pytestmark = pytest.mark.lab

TONES_MS = {"next": 400, "there": 500, "calls": 600, "thanks": 300, "often": 700}
OPTIONS = {"autofill": "yes", "ringinuse": "no", "timeout": "3", "retry": "1"}
QUEUES: dict[str, dict[str, str]] = {
    "all": {"strategy": "ringall"},
    "linear": {"strategy": "linear"},
    "memory": {"strategy": "rrmemory"},
    "short": {"strategy": "ringall", "maxlen": "1"},
    "strict": {"strategy": "ringall", "joinempty": "no"},
    "leave": {"strategy": "ringall", "leavewhenempty": "yes"},
    "named": {"strategy": "linear", "setinterfacevar": "yes", "setqueueentryvar": "yes"},
    "said": {
        "strategy": "linear",
        "announce-frequency": "3",
        "min-announce-frequency": "1",
        "announce-position": "yes",
        "announce-holdtime": "no",
        "queue-youarenext": "next",
        "queue-thereare": "there",
        "queue-callswaiting": "calls",
        "queue-thankyou": "thanks",
    },
    "figures": {"strategy": "linear"},
    "often": {"strategy": "linear", "periodic-announce": "often", "periodic-announce-frequency": "2"},
}
"""Their options; values that name tones become paths."""

STATUS = 'GET FULL VARIABLE "${QUEUESTATUS}|${QUEUEPOSITION}|${ABANDONED}"'


def answers(after_ms: int, talk_ms: int | None = 1000) -> Callee:
    return Callee(Behaviour.ANSWER, after_ms, talk_ms)


def refuses(after_ms: int = 300) -> Callee:
    return Callee(Behaviour.REFUSE, after_ms, None, 486)


NOBODY = Callee(Behaviour.NO_ANSWER, None, None)


@dataclass
class Queues:
    """The same queues in both worlds."""

    folder: Path
    lab: Lab

    def _options(self, name: str) -> dict[str, str]:
        given = OPTIONS | QUEUES[name]
        return {key: f"{self.folder}/{one}" if one in TONES_MS else one for key, one in given.items()}

    def load(self) -> None:
        parts = ["[general]\npersistentmembers = no\n"]
        for name in QUEUES:
            lines = [f"{key} = {value}" for key, value in self._options(name).items()]
            parts.append("\n".join([f"[{name}]", *lines]) + "\n")
        for name, length_ms in TONES_MS.items():
            (self.folder / f"{name}.alaw").write_bytes(MUSIC[: length_ms * 8])
        (self.lab.asterisk().folder / "etc" / "queues.conf").write_text("\n".join(parts))
        self.lab.asterisk().ask("module load app_queue.so")
        self.lab.asterisk().ask("queue reload all")

    def side(self, agents: dict[str, Callee]) -> VirtualSide:
        side = VirtualSide(self._duration_s, agents=agents)
        side.exchange.queues = {name: CallQueue(self._options(name)) for name in QUEUES}
        return side

    def _duration_s(self, prompt: str) -> float | None:
        length_ms = TONES_MS.get(Path(prompt).name)
        return None if length_ms is None else length_ms / 1000


@pytest.fixture(scope="module")
def queues(started_lab: tuple[Lab, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Queues]:
    made = Queues(tmp_path_factory.mktemp("queues"), started_lab[0])
    made.load()
    yield made
    started_lab[0].asterisk().ask("module unload app_queue.so")


AGENTS = ("callee01", "callee02", "callee03")


def place(agent: str) -> str:
    return f"PJSIP/{agent}"


async def agree(
    lab: Lab,
    scripts: Scripts,
    queues: Queues,
    agents: dict[str, Callee],
    parties: Sequence[Party],
    off_ms: int = TOLERANCE_MS,
    turns: int = 2,
) -> tuple[list[Course], list[LabCallResult]]:
    side = queues.side({place(name): one for name, one in agents.items()})
    foretold = await side.run_all(parties)
    callees = {name: (lab_callee(one),) * turns for name, one in agents.items()}
    came = await really_all(lab, scripts, parties, callees)
    for course, (real, _) in zip(foretold, came, strict=True):
        assert real.replies == course.replies
        took = list(zip(real.took_ms, course.took_ms, strict=True))
        assert all(abs(one - other) < off_ms for one, other in took), took
    return foretold, [wire for _, wire in came]


def script(
    queue: str, *members: str, options: str = "c", timeout: str = "", more: Sequence[str] = ()
) -> list[str]:
    added = [f"EXEC AddQueueMember {queue},{place(one)}" for one in members]
    removed = [f"EXEC RemoveQueueMember {queue},{place(one)}" for one in members]
    return ["ANSWER", *added, f"EXEC Queue {queue},{options},,,{timeout}", STATUS, *more, *removed]


LONG = (Waits(15_000), HangsUp())


def shift(queue: str, for_ms: int) -> Party:
    """An agent is a member for so long. It is no caller; its call keeps the real agent's telephone there."""
    member = f"{queue},{place('callee01')}"
    commands = ["ANSWER", f"EXEC AddQueueMember {member}", f"EXEC Wait {for_ms / 1000}"]
    return Party(0, [*commands, f"EXEC RemoveQueueMember {member}"], (Waits(for_ms + 2000), HangsUp()))


CASES: dict[str, tuple[list[str], dict[str, Callee]]] = {
    "all ring and the first answers": (
        script("all", *AGENTS[:2]), {"callee01": answers(2000), "callee02": answers(800)}
    ),
    "one is busy, the other answers": (
        script("all", *AGENTS[:2]), {"callee01": refuses(), "callee02": answers(800)}
    ),
    "nobody answers in time": (
        script("all", "callee01", timeout="5"), {"callee01": NOBODY}
    ),
    "all are busy": (script("all", "callee01", timeout="5"), {"callee01": refuses()}),
    "without c the call ends with the talk": (
        script("all", "callee01", options=""), {"callee01": answers(500)}
    ),
    "one round only": (script("all", "callee01", options="n"), {"callee01": NOBODY}),
    "linear: the next after one that does not answer": (
        script("linear", *AGENTS[:2]), {"callee01": NOBODY, "callee02": answers(500)}
    ),
    "linear: the next at once after a busy one": (
        script("linear", *AGENTS[:2]), {"callee01": refuses(), "callee02": answers(500)}
    ),
    "no members": (script("all", timeout="2"), {}),
    "no such queue": (script("nowhere"), {}),
    "nobody may join an empty one": (script("strict"), {}),
    "who is there leaves an empty one": (script("leave"), {}),
    "who answered": (
        script("named", "callee01", more=['GET FULL VARIABLE "${MEMBERINTERFACE}|${QEORIGINALPOS}"']),
        {"callee01": answers(500)},
    ),
}  # fmt: skip


LATE = frozenset({"nobody answers in time", "all are busy", "no members"})


@pytest.mark.parametrize("name", CASES)
async def test_one_caller(lab: Lab, scripts: Scripts, queues: Queues, name: str) -> None:
    commands, agents = CASES[name]
    # A time-out counts whole seconds of the clock, and its first may have passed in part.
    off_ms = 1000 + TOLERANCE_MS if name in LATE else TOLERANCE_MS
    await agree(lab, scripts, queues, agents, [Party(0, commands, (Waits(15_000), HangsUp()))], off_ms=off_ms)


FIGURES = (
    'GET FULL VARIABLE "'
    + "|".join(
        ["${QUEUE_EXISTS(figures)}", "${QUEUE_EXISTS(nowhere)}", "${QUEUE_WAITING_COUNT(figures)}"]
        + [f"${{QUEUE_MEMBER(figures,{what})}}" for what in ("count", "logged", "free", "ready")]
    )
    + '"'
)
STATUSES = 'GET FULL VARIABLE "${AQMSTATUS}|${RQMSTATUS}|${PQMSTATUS}|${UPQMSTATUS}"'


async def test_members_are_added_paused_counted_and_removed(
    lab: Lab, scripts: Scripts, queues: Queues
) -> None:
    commands = ["ANSWER", FIGURES]
    for step in (
        "AddQueueMember figures,PJSIP/callee01",
        "AddQueueMember figures,PJSIP/callee01",
        "AddQueueMember nowhere,PJSIP/callee01",
        "AddQueueMember figures,PJSIP/44@callee02",
        "PauseQueueMember figures,PJSIP/callee01",
        "PauseQueueMember figures,PJSIP/nobody",
        "UnpauseQueueMember ,PJSIP/callee01",
        "UnpauseQueueMember figures,PJSIP/nobody",
        "RemoveQueueMember figures,PJSIP/callee01",
        "RemoveQueueMember figures,PJSIP/callee01",
        "RemoveQueueMember nowhere,PJSIP/callee01",
        "RemoveQueueMember figures,PJSIP/44@callee02",
    ):
        commands += [f"EXEC {step}", STATUSES, FIGURES]
    (course,), _ = await agree(lab, scripts, queues, {}, [Party(0, commands, (Waits(3000), HangsUp()))])
    assert course.replies[3:5] == ["200 result=1 (ADDED|||)", "200 result=1 (1|0|0|1|1|1|1)"]


async def test_who_came_first_is_served_first_and_one_agent_takes_one_call_at_a_time(
    lab: Lab, scripts: Scripts, queues: Queues
) -> None:
    call = ["ANSWER", "EXEC Queue all,c", STATUS]
    parties = [shift("all", 12_000), *(Party(at, call, LONG) for at in (500, 1200, 1900))]
    agents = {"callee01": answers(300, 1500)}
    # Callers look once a second whether an agent is free.
    foretold, wires = await agree(lab, scripts, queues, agents, parties, off_ms=1400, turns=3)
    assert [one.replies[-1] for one in foretold[1:]] == ["200 result=1 (CONTINUE|1|)"] * 3
    ends = [wire.ended_at or 0 for wire in wires[1:]]
    assert ends == sorted(ends)
    # Three talks of 1.5 s, one after the other.
    assert ends[2] - ends[0] > 2 * 1.5


async def test_a_caller_of_high_priority_goes_before_others(
    lab: Lab, scripts: Scripts, queues: Queues
) -> None:
    call = ["ANSWER", "EXEC Queue all,c", STATUS]
    first = ["ANSWER", "SET VARIABLE QUEUE_PRIO 5", *call[1:]]
    parties = [
        shift("all", 12_000),
        Party(500, call, LONG),
        Party(1000, call, LONG),
        Party(1700, first, LONG),
    ]
    agents = {"callee01": answers(300, 2000)}
    foretold, wires = await agree(lab, scripts, queues, agents, parties, off_ms=3000, turns=3)
    assert (wires[3].ended_at or 0) + 1 < (wires[2].ended_at or 0)
    assert foretold[3].took_ms[2] + 1000 < foretold[2].took_ms[1]


async def test_a_queue_that_is_full_takes_nobody(lab: Lab, scripts: Scripts, queues: Queues) -> None:
    call = ["ANSWER", "EXEC Queue short,c,,,3", STATUS]
    parties = [Party(0, call, (Waits(6000), HangsUp())), Party(1000, call, (Waits(2000), HangsUp()))]
    foretold, _ = await agree(lab, scripts, queues, {}, parties, off_ms=1100)
    assert foretold[1].replies[-1] == "200 result=1 (FULL||)"


@pytest.mark.parametrize(
    ("queue", "tones"), [("said", ["there", "calls", "thanks"]), ("often", ["often", "often"])]
)
async def test_what_is_announced_to_who_waits(
    lab: Lab, scripts: Scripts, queues: Queues, queue: str, tones: list[str]
) -> None:
    parties = [
        Party(at, ["ANSWER", f"EXEC Queue {queue},c,,,{timeout}", STATUS], (Waits(12_000), HangsUp()))
        for at, timeout in ((0, 8), (300, 5))
    ]
    foretold, _ = await agree(lab, scripts, queues, {}, parties, off_ms=1400)
    told = [Path(sound).name for sound, *_ in foretold[1].heard if sound not in set(Sound)]
    assert told[: len(tones)] == tones
