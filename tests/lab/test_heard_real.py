"""What a caller hears on a real Asterisk of the slots that make sound: his own voice, music, a recording."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ringflow.config import load_config
from ringflow.lab import Lab
from ringflow.lab.both_worlds import BothWorlds, Comparison
from ringflow.lab.sound import Heard
from ringflow.simulator.scenario_files import ScenarioCase, read_scenarios

pytestmark = pytest.mark.lab

CASES: list[ScenarioCase] = read_scenarios(Path(__file__).with_name("heard.test.yaml"))
TOLERANCE_S = 0.3


@pytest.fixture(scope="module")
def played(started_lab: tuple[Lab, int]) -> dict[str, Comparison]:
    async def play() -> list[Comparison]:
        config = load_config(Path(__file__).parents[2] / "config.yaml")
        async with BothWorlds.open(config, started_lab[0]) as worlds:
            return await worlds.play_all(CASES)

    return {one.case.scenario.name: one for one in asyncio.run(play())}


def lasting_s(heard: tuple[Heard, ...]) -> float:
    return sum(one.ends - one.begins for one in heard)


@pytest.mark.parametrize(
    ("name", "heard_s"),
    [
        ("a caller hears himself", 1.0),
        ("a caller hears music", 2.0),
        ("a caller hears what he said before", 1.5),
        ("a caller who says nothing hears nothing", 0.0),
    ],
)
def test_what_is_to_be_heard_is_heard_for_so_long(
    played: dict[str, Comparison], name: str, heard_s: float
) -> None:
    one = played[name]
    if one.failure is not None:
        pytest.fail(one.failure, pytrace=False)
    (wire,) = one.wire
    assert abs(lasting_s(wire.voiced) - heard_s) < TOLERANCE_S
