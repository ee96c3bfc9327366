"""Scenarios of the call path and of the prepaid card, simulated and then real: one story."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ringflow.config import load_config
from ringflow.lab import Lab
from ringflow.lab.both_worlds import BothWorlds, Comparison
from ringflow.simulator.scenario_files import ScenarioCase, read_scenarios

pytestmark = pytest.mark.lab

ROOT = Path(__file__).parents[2]
CASES = [
    # The longest first: all are played at once.
    *read_scenarios(ROOT / "app_flows" / "prepaid_card.test.yaml"),
    *read_scenarios(ROOT / "app_flows" / "pinless_card.test.yaml"),
    *read_scenarios(ROOT / "app_flows" / "scripts" / "pinless.test.yaml"),
    *read_scenarios(Path(__file__).with_name("follow_on.test.yaml")),
    *read_scenarios(Path(__file__).with_name("late_keys.test.yaml")),
    *read_scenarios(Path(__file__).with_name("call_path.test.yaml")),
    *read_scenarios(Path(__file__).with_name("causes.test.yaml")),
    *read_scenarios(Path(__file__).with_name("scripts.test.yaml")),
    *read_scenarios(Path(__file__).with_name("trunk_scripts.test.yaml")),
    *read_scenarios(Path(__file__).with_name("parties.test.yaml")),
    *read_scenarios(Path(__file__).with_name("failover.test.yaml")),
    *read_scenarios(Path(__file__).with_name("frames.test.yaml")),
    *read_scenarios(Path(__file__).with_name("app_settings.test.yaml")),
    *read_scenarios(Path(__file__).with_name("caller_id.test.yaml")),
]


@pytest.fixture(scope="module")
def played(started_lab: tuple[Lab, int]) -> dict[str, Comparison]:
    """All scenarios, played at once: each is a real call in real time."""

    async def play() -> list[Comparison]:
        config = load_config(ROOT / "config.yaml")
        async with BothWorlds.open(config, started_lab[0]) as worlds:
            return await worlds.play_all(CASES)

    return {one.case.scenario.name: one for one in asyncio.run(play())}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.scenario.name)
def test_the_simulator_and_a_real_asterisk_agree(played: dict[str, Comparison], case: ScenarioCase) -> None:
    failure = played[case.scenario.name].failure
    if failure is not None:
        pytest.fail(failure, pytrace=False)


@pytest.mark.parametrize(
    ("name", "least_s", "most_s"),
    [
        ("fourteen digits need no hash key", 0.36, 0.9),
        ("fourteen digits and the hash key", -0.1, 0.34),
        ("done", -0.1, 0.34),
    ],
)
def test_only_a_full_number_without_a_terminator_is_dialled_later_than_its_last_key(
    played: dict[str, Comparison], name: str, least_s: float, most_s: float
) -> None:
    one = played[name]
    (simulated,), (wire,) = one.simulated, one.wire
    assert wire.answered_at is not None
    last = simulated.timeline.keys[-1]
    released_at = wire.answered_at + (last.at_ms + last.length_ms) / 1000
    (callee,) = wire.callees.values()
    assert least_s < callee.invited_at - released_at < most_s
