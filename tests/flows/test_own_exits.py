"""Exits that a slot's own fields name: checked, drawn, in the schema, and taken by calls and scenarios."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from pydantic import Field

from ringflow.calls.call import Call
from ringflow.config import load_config
from ringflow.documents import parse_document
from ringflow.errors import DocumentError
from ringflow.flows.check import check_flows
from ringflow.flows.draft import Draft
from ringflow.flows.flow import End, ToApp
from ringflow.flows.graph import Graph
from ringflow.flows.load import draft_from_bytes
from ringflow.flows.reference import reference_text
from ringflow.flows.registry import slot_types
from ringflow.flows.schema import flow_schema
from ringflow.flows.slot import OwnExits, Prompt, Slot
from ringflow.flows.surroundings import Surroundings
from ringflow.simulator.judgement import play
from ringflow.simulator.scenario_files import exits_to_take, read_scenarios
from ringflow.simulator.stage import Stage

ROOT = Path(__file__).parents[2]


class Keypad(Slot):
    """Offers a choice by keys."""

    fixed_exits: ClassVar[tuple[str, ...]] = ("no_input", "invalid")
    own_exits: ClassVar[OwnExits | None] = OwnExits("^[0-9*#]$", "each key of `keys`")

    file: Prompt
    """Names the choices."""
    keys: Annotated[str, Field(pattern=r"^[0-9*#]+$")]
    """The keys that can be chosen."""

    @property
    def exits(self) -> tuple[str, ...]:
        return (*self.keys, *self.fixed_exits)

    @property
    def main_exit(self) -> str | None:
        return None

    async def run(self, call: Call) -> str:
        collected = await call.media.collect(self.file, max_digits=1, terminators="", fixed_length=True)
        if collected.nothing:
            return "no_input"
        return collected.digits if collected.digits in self.keys else "invalid"


TYPES: Mapping[str, type[Slot]] = {**slot_types(), "keypad": Keypad}
AUDIO = "  - {slot: audio, id: %s, file: MISC/error}\n"


def flow(*slots: str, app: str = "a") -> Draft:
    return draft_from_bytes(f"app: {app}\nslots:\n{''.join(slots)}".encode(), TYPES, f"{app}.yaml")


def keypad(**on: str) -> str:
    targets = ", ".join(f"{key.lstrip('_')}: {target}" for key, target in on.items())
    return f"  - {{slot: keypad, file: IVR/x, keys: '12', on: {{{targets}}}}}\n"


def problems(*drafts: Draft) -> list[str]:
    return [str(problem) for problem in check_flows(drafts, Surroundings())]


def test_an_exit_that_the_fields_name_leads_where_the_flow_says() -> None:
    draft = flow(keypad(_1="two", _2="app:b", no_input="hangup"), AUDIO % "one", AUDIO % "two")
    assert draft.flow is not None
    steps = {name: draft.flow.step(0, name) for name in ("1", "2", "no_input", "invalid")}
    assert steps == {"1": 2, "2": ToApp("b"), "no_input": End.HANGUP, "invalid": End.UNMAPPED}


def test_no_exit_of_a_slot_without_a_main_one_leads_on_by_itself() -> None:
    assert problems(flow(keypad(), AUDIO % "after")) == [
        "a.yaml:4:5: after cannot be reached (lead an exit to it, or remove it)"
    ]


def test_a_flow_with_such_exits_has_no_problems_where_each_leads_somewhere() -> None:
    menu = keypad(_1="one", _2="'app:b'", no_input="one", invalid="one")
    assert problems(flow(menu, AUDIO % "one"), flow(AUDIO % "x", app="b")) == []


def test_a_key_that_the_fields_do_not_name_is_no_exit_of_this_slot() -> None:
    assert problems(flow(keypad(_1="one", _3="three"), AUDIO % "one", AUDIO % "three")) == [
        "a.yaml:3:58: with these fields, keypad does not end by `3` (its exits: 1, 2, no_input, invalid)"
    ]


def test_what_can_be_no_exit_of_the_type_is_refused_with_those_of_the_slot() -> None:
    (problem,) = problems(flow(keypad(_1="hangup", noinput="hangup")))
    assert problem.startswith("a.yaml:3:61: keypad has no exit `noinput` (did you mean `no_input`?")
    assert problem.endswith("exits of keypad: 1, 2, no_input, invalid)")


def test_targets_of_such_exits_are_checked() -> None:
    assert [one.partition(" (")[0] for one in problems(flow(keypad(_1="nowhere", _2="'app:none'")))] == [
        "a.yaml:3:53: no slot here has the id `nowhere`",
        "a.yaml:3:65: there is no app `none`",
    ]


def test_the_exits_of_a_slot_whose_field_is_wrong_are_not_guessed() -> None:
    wrong = "  - {slot: keypad, file: IVR/x, keys: 'a', on: {1: hangup, 7: hangup}}\n"
    assert [one.partition(" (")[0] for one in problems(flow(wrong))] == ["a.yaml:3:39: `keys` cannot be `a`"]


def test_an_exit_beside_on_is_told_where_it_belongs() -> None:
    stray = "  - {slot: keypad, file: IVR/x, keys: '1', 1: hangup}\n"
    assert problems(flow(stray)) == ["a.yaml:3:44: `1` does not belong here (write it under `on:`, indented)"]


def test_the_graph_has_a_way_for_each_exit_of_the_slot() -> None:
    draft = flow(keypad(_1="one", invalid="one"), AUDIO % "one")
    edges = Graph({"a": draft}).edges["a", 0]
    assert [(edge.exit, edge.target) for edge in edges] == [
        ("1", ("a", 1)),
        ("2", None),
        ("no_input", None),
        ("invalid", ("a", 1)),
    ]


@pytest.mark.parametrize(("exit_name", "fits"), [("1", True), ("#", True), ("invalid", True), ("12", False)])
def test_the_schema_takes_exits_of_the_form_that_the_type_tells(exit_name: str, fits: bool) -> None:
    validator = Draft202012Validator(flow_schema(TYPES))
    Draft202012Validator.check_schema(validator.schema)
    slot: dict[str, Any] = {"slot": "keypad", "file": "IVR/x", "keys": "12", "on": {exit_name: "next"}}
    assert validator.is_valid({"app": "a", "slots": [slot]}) is fits
    slot["on"] = {exit_name: "go there"}
    assert not validator.is_valid({"app": "a", "slots": [slot]})


def test_the_reference_says_which_exits_the_fields_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringflow.flows.reference.page_text", lambda kind: "A page.\n")
    assert "Exits: each key of `keys`, `no_input`, `invalid`." in reference_text({"keypad": Keypad})


SCENARIOS = """\
flow:
  - {slot: keypad, file: IVR/ivr-please, keys: "12", on: {1: next}}
  - {slot: audio, file: MISC/goodbye}
scenarios:
  - {name: one, caller: [{hears: IVR/ivr-please}, {keys: "1"}], expect: {outcome: completed}}
  - {name: two, caller: [{hears: IVR/ivr-please}, {keys: "2"}], expect: {outcome: "2"}}
  - {name: another, caller: [{hears: IVR/ivr-please}, {keys: "9"}], expect: {outcome: invalid}}
  - {name: silence, expect: {outcome: no_input}}
"""


async def exits_left(path: Path) -> set[str]:
    cases = read_scenarios(path, TYPES)
    taken: set[str] = set()
    async with Stage.open(load_config(ROOT / "config.yaml")) as stage:
        for case in cases:
            judgement = await play(case, stage)
            assert judgement.failure is None, judgement.failure
            exits = judgement.calls[0].carried.exits
            taken |= {one.exit_name for one in exits if one.slot_type == "keypad"}
    return exits_to_take(cases, "keypad", Keypad) - taken


async def test_scenarios_take_such_exits_and_calls_end_by_them(tmp_path: Path) -> None:
    path = tmp_path / "keypad.yaml"
    path.write_text(SCENARIOS)
    assert await exits_left(path) == set()


async def test_a_key_that_no_scenario_presses_is_left(tmp_path: Path) -> None:
    path = tmp_path / "keypad.yaml"
    path.write_text(SCENARIOS.replace('keys: "12"', 'keys: "12*"'))
    assert await exits_left(path) == {"*"}


def outcome_problems(tmp_path: Path, outcome: str, flow_text: str) -> list[str]:
    path = tmp_path / "x.test.yaml"
    path.write_text(f"{flow_text}scenarios: [{{name: a, expect: {{outcome: {outcome}}}}}]\n")
    try:
        read_scenarios(path, TYPES)
    except DocumentError as error:
        return [str(problem).partition(": ")[2] for problem in error.problems]
    return []


def test_a_scenario_cannot_expect_an_exit_that_no_slot_of_its_flows_has(tmp_path: Path) -> None:
    slots = "flow: [{slot: keypad, file: a/b, keys: '12'}]\n"
    assert outcome_problems(tmp_path, "'2'", slots) == []
    assert outcome_problems(tmp_path, "'3'", slots)[0].startswith("no call ends by `3` (outcomes: ")
    # The flow itself is in another file.
    assert outcome_problems(tmp_path, "'3'", "") == []
    assert outcome_problems(tmp_path, "'3'", slots.replace("'}]", "', on: {1: 'app:other'}}]")) == []
    assert outcome_problems(tmp_path, "not good", "")[0].startswith("no call ends by `not good` (outcomes: ")
    returns = "flow: [{slot: audio, file: a/b, on: {done: 'return:vip'}}]\n"
    assert outcome_problems(tmp_path, "vip", returns) == []
    assert len(outcome_problems(tmp_path, "vap", returns)) == 1
    assert outcome_problems(tmp_path, "complete", "") == [
        "no call ends by `complete` (did you mean `completed`?)"
    ]


def test_a_document_may_write_a_key_as_a_number() -> None:
    assert parse_document("on: {1: next}", "x.yaml").value == {"on": {"1": "next"}}
