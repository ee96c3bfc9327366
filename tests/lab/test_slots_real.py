"""The scenarios of each slot type, and of some flows, simulated and then real: the same transcript."""

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
SLOTS = (
    "answer",
    "audio",
    "authenticate",
    "blocklist",
    "call_group",
    "condition",
    "conference",
    "debug",
    "echo",
    "goto",
    "hangup",
    "http",
    "language",
    "last_number",
    "lookup",
    "menu",
    "music",
    "number",
    "override",
    "progress",
    "record",
    "say",
    "schedule",
    "script",
    "set",
    "speed_dial",
    "store",
    "transfer_credit",
    "tts",
    "wait",
)
LONG = frozenset(
    (
        "a card that does not exist is locked as one that does",
        "a wrong PIN and an unknown card sound the same, and three of them have failed",
        "after too many wrong PINs a PIN alone is not enough, and the card's number is asked for too",
        "after too many wrong codes at the number the account is asked for too",
        "silence for that number is silence",
        "whoever mistypes that number is asked for the PIN again",
    )
)
"""Scenarios of a minute and more about wrong PINs that add up in the database; one of them is played."""
ONLY_SIMULATED = frozenset(("a telephone of Asterisk's is a member",))
"""The lab has callees behind trunks and URIs only."""
OF_PRICES = ("before", "after", "least_talk", "blocked", "max_cost", "trunks", "trunk_order", "ringback")
"""Fields of the slot `destination` whose scenarios are played; the others of them talk for hours."""


def cases_of(name: str) -> list[ScenarioCase]:
    return read_scenarios(ROOT / "tests" / "slots" / f"{name}.yaml")


def is_about_prices(case: ScenarioCase) -> bool:
    """And is refused by no code: Asterisk 16 does not have all of them."""
    slots = [slot for flow in case.flows.values() for slot in flow.slots if slot.slot == "destination"]
    says = any(name in slot.model_fields_set for slot in slots for name in OF_PRICES)
    return says and case.scenario.expect.reject is None


SHIPPED = ("appointment_reminder", "survey")
"""Shipped flows whose first scenario is played; the others of them wait for half a minute in silence."""

CASES = {
    f"{name}: {case.scenario.name}": case
    for name in SLOTS
    for case in cases_of(name)
    if case.scenario.name not in LONG | ONLY_SIMULATED
} | {f"destination: {case.scenario.name}": case for case in filter(is_about_prices, cases_of("destination"))}
CASES |= {
    f"{name}: {case.scenario.name}": case
    for name in SHIPPED
    for case in read_scenarios(ROOT / "app_flows" / f"{name}.test.yaml")[:1]
}


@pytest.fixture(scope="module")
def played(started_lab: tuple[Lab, int], request: pytest.FixtureRequest) -> dict[str, Comparison]:
    """The scenarios that were asked for, played at once: each is a real call in real time."""
    callspecs = [getattr(item, "callspec", None) for item in request.session.items]
    asked = {one.params.get("name") for one in callspecs if one is not None}
    cases = [case for name, case in CASES.items() if name in asked]

    async def play() -> list[Comparison]:
        config = load_config(ROOT / "config.yaml")
        async with BothWorlds.open(config, started_lab[0]) as worlds:
            return await worlds.play_all(cases)

    return {one.case.label: one for one in asyncio.run(play())}


@pytest.mark.parametrize("name", CASES)
def test_the_simulator_and_a_real_asterisk_agree(played: dict[str, Comparison], name: str) -> None:
    failure = played[CASES[name].label].failure
    if failure is not None:
        pytest.fail(failure, pytrace=False)
