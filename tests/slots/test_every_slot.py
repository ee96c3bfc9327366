"""Every slot type has its page and its scenarios, and the scenarios take every exit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import ringflow.slots
from ringflow.config import load_config
from ringflow.documents import parse_document
from ringflow.flows.load import draft_from_value
from ringflow.flows.registry import slot_types
from ringflow.flows.slot import SlotGroup
from ringflow.simulator.judgement import play
from ringflow.simulator.scenario_files import ScenarioCase, exits_to_take, read_scenarios
from ringflow.simulator.stage import Stage

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PAGES = Path(ringflow.slots.__path__[0])


def examples(page: str) -> Iterator[str]:
    for part in page.split("```yaml\n")[1:]:
        yield part.partition("```")[0]


@cache
def exits_left(name: str) -> frozenset[str]:
    """The exits of a slot type that its scenarios do not take."""

    async def play_all(cases: list[ScenarioCase]) -> frozenset[str]:
        taken: set[str] = set()
        async with Stage.open(load_config(ROOT / "config.yaml")) as stage:
            for case in cases:
                judgement = await play(case, stage)
                assert judgement.calls, judgement.failure
                exits = [one for call in judgement.calls for one in call.carried.exits]
                taken |= {one.exit_name for one in exits if one.slot_type == name}
        return frozenset(exits_to_take(cases, name, slot_types()[name]) - taken)

    return asyncio.run(play_all(read_scenarios(HERE / f"{name}.yaml")))


def test_every_slot_says_under_which_heading_people_find_it() -> None:
    # `slot_group` of the class: the console's palette has these headings.
    groups = {name: kind.slot_group for name, kind in slot_types().items()}
    assert [name for name, group in groups.items() if group is SlotGroup.OTHER] == []
    assert (groups["menu"], groups["condition"]) == (SlotGroup.CALLERS, SlotGroup.LOGIC)


@pytest.mark.parametrize("name", slot_types())
def test_a_slot_has_a_page_whose_example_loads(name: str) -> None:
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    found = list(examples(page))
    assert found, f"slots/{name}.md shows no example"
    shown: set[str] = set()
    for example in found:
        document = parse_document(example, f"slots/{name}.md")
        draft = draft_from_value(document, (), slot_types(), name)
        assert draft.flow is not None, draft.problems
        shown |= {slot.slot for slot in draft.flow.slots}
    assert name in shown


@pytest.mark.parametrize("name", slot_types())
def test_a_slot_has_scenarios(name: str) -> None:
    assert (HERE / f"{name}.yaml").is_file(), f"write tests/slots/{name}.yaml"


@pytest.mark.parametrize("name", slot_types())
def test_the_scenarios_of_a_slot_take_every_exit(name: str) -> None:
    assert exits_left(name) == frozenset()


def test_no_scenarios_are_left_of_a_slot_that_is_gone() -> None:
    assert {path.stem for path in HERE.glob("*.yaml")} <= set(slot_types())
