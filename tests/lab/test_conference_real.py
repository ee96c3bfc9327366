"""ConfBridge of the virtual Asterisk and of a real one: what callers of a room hear, and for how long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.lab.agi_scripts import TOLERANCE_MS, Course, Party, Scripts, VirtualSide, really_all

from ringflow.lab import Lab
from ringflow.lab.asterisk_files import MUSIC
from ringflow.lab.call_values import LabCallResult
from ringflow.simulator.caller import CallerStep, HangsUp, Keys, Speaks, Waits
from ringflow.simulator.line import Sound

pytestmark = pytest.mark.lab

QUIET = "SET VARIABLE CONFBRIDGE(user,quiet) yes"
RESULT = "GET VARIABLE CONFBRIDGE_RESULT"
LENGTHS_MS = {
    "only_person": 1000,
    "only_one": 500,
    "join": 300,
    "leave": 700,
    "locked": 900,
    "get_pin": 400,
    "invalid_pin": 600,
    "muted": 400,
    "unmuted": 800,
    "locked_now": 500,
    "participants_muted": 650,
    "error_menu": 450,
    "kicked": 550,
    "begin": 750,
    "leader_has_left": 350,
    "wait_for_leader": 850,
}
GAP_MS = 450
"""What is shorter is no silence between two sounds, where the machine is busy."""
EDGE_MS = 600
"""How far off a sound may begin or end: the calls of a real room do not arrive to the millisecond."""


class Sounds:
    """Tones of known lengths in place of the sounds of a bridge."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.chmod(0o755)
        for kind, length_ms in LENGTHS_MS.items():
            (folder / f"{kind}.alaw").write_bytes(MUSIC[: length_ms * 8])

    @property
    def commands(self) -> list[str]:
        return [f"SET VARIABLE CONFBRIDGE(bridge,sound_{kind}) {self._folder}/{kind}" for kind in LENGTHS_MS]

    def duration_of(self, prompt: str) -> float | None:
        return LENGTHS_MS[Path(prompt).name] / 1000


@pytest.fixture
def sounds(tmp_path: Path) -> Sounds:
    return Sounds(tmp_path)


def heard_ms(course: Course) -> list[tuple[int, int]]:
    """When a virtual caller heard a prompt, as stretches."""
    told = [(begin, end) for sound, begin, end in course.heard if sound not in set(Sound)]
    return list(_joined(sorted(told)))


def really_heard_ms(wire: LabCallResult) -> list[tuple[int, int]]:
    assert wire.answered_at is not None
    zero = wire.answered_at
    told = [(round((one.begins - zero) * 1000), round((one.ends - zero) * 1000)) for one in wire.voiced]
    return list(_joined(told))


def _joined(stretches: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    began: int | None = None
    for index, (begin, end) in enumerate(stretches):
        began = begin if began is None else began
        if index + 1 == len(stretches) or stretches[index + 1][0] - end > GAP_MS:
            yield began, end
            began = None


async def agree(
    lab: Lab, scripts: Scripts, sounds: Sounds, parties: Sequence[Party]
) -> tuple[list[Course], list[LabCallResult]]:
    """Both worlds reply the same, in the same time, and let the same be heard."""
    foretold = await VirtualSide(sounds.duration_of).run_all(parties)
    came = await really_all(lab, scripts, parties)
    for course, (real, wire) in zip(foretold, came, strict=True):
        assert real.replies == course.replies
        took = (real.took_ms[-2], course.took_ms[-2])
        assert abs(took[0] - took[1]) < TOLERANCE_MS, took
        stretches, really = heard_ms(course), really_heard_ms(wire)
        assert len(stretches) == len(really), (stretches, really)
        edges = zip(sum(stretches, ()), sum(really, ()), strict=True)
        assert all(abs(one - other) < EDGE_MS for one, other in edges), (stretches, really)
    return foretold, [wire for _, wire in came]


async def test_who_joins_and_leaves_is_announced_to_all_and_who_is_alone_is_told(
    lab: Lab, scripts: Scripts, sounds: Sounds
) -> None:
    count = "SET VARIABLE CONFBRIDGE(user,announce_user_count) yes"
    commands = ["ANSWER", *sounds.commands, count, "EXEC ConfBridge announced", RESULT]
    parties = [
        Party(0, commands, (Waits(8000), HangsUp())),
        Party(2500, commands, (Waits(3000), HangsUp())),
    ]
    (first, second), _ = await agree(lab, scripts, sounds, parties)
    told = [Path(sound).name for sound, *_ in first.heard if sound not in set(Sound)]
    assert told == ["only_person", "join", "join", "leave"]
    told = [Path(sound).name for sound, *_ in second.heard if sound not in set(Sound)]
    assert told == ["only_one", "join"]
    assert [one.replies[-1] for one in (first, second)] == ["200 result=1 (HANGUP)"] * 2


async def test_a_room_that_is_full_turns_away(lab: Lab, scripts: Scripts, sounds: Sounds) -> None:
    most = "SET VARIABLE CONFBRIDGE(bridge,max_members) 1"
    commands = ["ANSWER", *sounds.commands, QUIET, most, "EXEC ConfBridge full", RESULT]
    parties = [
        Party(0, commands, (Waits(3500), HangsUp())),
        Party(1500, commands, (Waits(6000), HangsUp())),
    ]
    (_, second), _ = await agree(lab, scripts, sounds, parties)
    assert second.replies[-2:] == ["200 result=-1", "200 result=1 (FAILED)"]


@pytest.mark.parametrize(
    ("keys", "result"), [("1234#", "HANGUP"), ("1#", "FAILED")], ids=["the right one", "a wrong one"]
)
async def test_a_pin_is_asked_for_three_times(
    lab: Lab, scripts: Scripts, sounds: Sounds, keys: str, result: str
) -> None:
    commands = [
        "ANSWER", *sounds.commands, QUIET,
        "SET VARIABLE CONFBRIDGE(user,pin) 1234", "EXEC ConfBridge secret", RESULT,
    ]  # fmt: skip
    steps: tuple[CallerStep, ...] = (Waits(700), Keys(keys), Waits(1500), Keys(keys), Waits(1500), Keys(keys))
    (only,), _ = await agree(lab, scripts, sounds, [Party(0, commands, (*steps, Waits(1500), HangsUp()))])
    assert only.replies[-1] == f"200 result=1 ({result})"


async def test_nobody_stays_longer_than_the_profile_says(lab: Lab, scripts: Scripts, sounds: Sounds) -> None:
    commands = [
        "ANSWER", *sounds.commands, QUIET,
        "SET VARIABLE CONFBRIDGE(user,timeout) 2", "EXEC ConfBridge short", RESULT,
    ]  # fmt: skip
    (only,), _ = await agree(lab, scripts, sounds, [Party(0, commands, (Waits(4000), HangsUp()))])
    assert only.replies[-2:] == ["200 result=0", "200 result=1 (TIMEOUT)"]


async def test_callers_in_a_room_hear_each_other_until_they_are_alone(lab: Lab, scripts: Scripts) -> None:
    commands = ["ANSWER", QUIET, "EXEC ConfBridge room"]
    parties = [
        Party(0, commands, (Waits(6000), HangsUp())),
        Party(1500, commands, (Waits(1500), Speaks(1000), Waits(500), HangsUp())),
    ]
    side = VirtualSide()
    foretold = await side.run_all(parties)
    assert [course.heard for course in foretold] == [
        [(Sound.CONFERENCE, 1500, 4500)],
        [(Sound.CONFERENCE, 0, 3000)],
    ]
    assert side.exchange.conferences == {}
    came = await really_all(lab, scripts, parties)
    assert [course.replies for course, _ in came] == [course.replies for course in foretold]
    took = [(a.took_ms[2], b.took_ms[2]) for a, (b, _) in zip(foretold, came, strict=True)]
    assert all(abs(one - other) < TOLERANCE_MS for one, other in took)
    (_, first), (_, second) = came
    speech_s = sum(stretch.ends - stretch.begins for stretch in first.voiced)
    assert abs(speech_s * 1000 - 1000) < TOLERANCE_MS
    assert second.answered_at is not None
    assert abs(first.voiced[0].begins - second.answered_at - 1.5) < TOLERANCE_MS / 1000
    assert second.voiced == ()


def option(kind: str, name: str, value: str = "yes") -> str:
    return f"SET VARIABLE CONFBRIDGE({kind},{name}) {value}"


@pytest.mark.parametrize("started_lab", ["forky", "bullseye"], indirect=True, scope="session")
async def test_menus_and_marked_users(lab: Lab, scripts: Scripts, sounds: Sounds) -> None:
    joins = ["ANSWER", *sounds.commands, option("user", "announce_only_user", "no")]
    menu = [
        option("menu", "0", "toggle_mute"),
        option("menu", "*1", "participant_count"),
        option("menu", "7", "admin_kick_last"),
        option("menu", "8", "admin_toggle_mute_participants"),
        option("menu", "9", "admin_toggle_conference_lock"),
        option("menu", "#", "leave_conference"),
    ]
    keys = ["EXEC ConfBridge keys", RESULT]
    marked = ["EXEC ConfBridge marked", RESULT]
    presses: tuple[CallerStep, ...] = (
        *(Waits(3500), Keys("0"), Waits(1900), Keys("8"), Waits(1900), Keys("9"), Waits(2900), Keys("7")),
        *(Waits(2500), Keys("#")),
    )
    others = (Waits(1400), Keys("79", 400), Waits(300), Keys("*1", 400), Waits(20_000), HangsUp())
    parties = [
        Party(0, [*joins, QUIET, option("user", "admin"), *menu, *keys], presses),
        Party(1500, [*joins, *menu, *keys], others),
        Party(8500, [*joins, *keys], (Waits(5000), HangsUp())),
        Party(0, [*joins, option("user", "wait_marked"), option("user", "end_marked"), *marked]),
        Party(3000, [*joins, option("user", "marked"), *marked], (Waits(4000), HangsUp())),
        Party(4500, [*joins, QUIET, *marked], (Waits(7000), HangsUp())),
    ]
    courses, _ = await agree(lab, scripts, sounds, parties)
    results = ["DTMF", "KICKED", "FAILED", "ENDMARKED", "HANGUP", "HANGUP"]
    assert [one.replies[-1] for one in courses] == [f"200 result=1 ({one})" for one in results]
