"""The rules by which programs draw a slot's exits say the same as the slot itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from ringflow.documents import parse_document
from ringflow.flows.load import draft_from_value
from ringflow.flows.reference import examples, page_text
from ringflow.flows.registry import slot_types
from ringflow.flows.slot import Slot

ROOT = Path(__file__).parents[2]

CASES: Mapping[str, list[Mapping[str, Any]]] = {
    "audio": [
        {"file": "A/b"},
        {"file": "A/b", "until": "#"},
        {"file": "A/b", "until": ""},
        {"file": "A/${b}"},
        {"file": ["A/b", "A/${b}"]},
        {"file": {"say": "${b}"}},
    ],
    "authenticate": [
        {},
        {"by": "cli"},
        {"by": ["cli"]},
        {"by": ["cli", "card"]},
        {"by": "cli", "password": "if_set"},
        {"by": "cli", "password": "no"},
    ],
    "call_group": [{"members": ["1"]}, {"members": [{"device": "desk"}], "on": {"busy": "x"}}],
    "condition": [
        {"cases": [{"if": {"value": "${a}", "equals": 1}, "to": "x"}]},
        {"cases": [{"name": "n", "all": [{"value": "${a}", "in_list": "l"}], "to": "x"}], "otherwise": "y"},
        {"cases": [{"any": {"value": "${a}", "in_list": "l"}, "to": "x"}], "on": {"failed": "y"}},
        {
            "cases": [
                {"if": {"value": "${a}", "equals": 1}, "to": "x"},
                {"if": {"value": "${a}", "in_list": "l"}, "to": "y"},
            ]
        },
    ],
    "conference": [
        {"room": "r"},
        {"room": "r", "pin": "1", "most": 5, "longest": 60, "on": {"full": "x"}},
        {"room": "r", "moderator_pin": "1", "ends_with_moderator": True},
        {"room": "r", "ends_with_moderator": False, "pin": None},
    ],
    "destination": [
        {"external": "1"},
        {"internal": "other"},
        {"external": "1", "least_talk": 5},
        {"external": "1", "max_cost": "0.10"},
        {"external": "1", "blocked": []},
        {"external": "1", "blocked_list": "l", "on": {"busy": "x"}},
    ],
    "goto": [{"to": "x"}],
    "hangup": [{}],
    "ivr": [
        {"file": "A/b", "result": "r"},
        {"file": "A/b", "result": "r", "transfer_on_failure": "4412345678"},
        {"file": "A/b", "result": "r", "transfer_on_failure": "app:other"},
    ],
    "language": [
        {"options": {1: "en"}},
        {"by": ["customer"]},
        {"by": ["customer", "keys"], "options": {1: "en"}},
        {"to": "es"},
        {"to": "${l}"},
    ],
    "menu": [
        {"file": "A/b", "options": {1: "x", "*1": "app:o"}},
        {"file": "A/b", "options": {1: "x"}, "extensions": 3, "result": "r", "on": {"no_input": "x"}},
    ],
    "blocklist": [
        {"in_lists": ["a"]},
        {"in_lists": ["a"], "action": "check"},
        {"in_lists": ["a"], "action": "add"},
    ],
    "music": [{"seconds": 5}, {"seconds": 5, "until": "#"}],
    "number": [{}, {"wrong_limit": 3}, {"codes": {"*1": "x"}}],
    "record": [
        {"result": "r"},
        {"result": "r", "review_file": "A/b"},
        {"result": "r", "review_file": "A/b", "keys": {"discard": ""}},
        {"result": "r", "review_file": "A/b", "keys": {"discard": "5"}},
    ],
    "schedule": [
        {},
        {"hours": {"mon": "09:00-17:00"}},
        {"override": "o"},
        {"holidays": [{"day": "12-25"}]},
        {"periods": {"lunch": {"mon": "12:00-13:00"}}, "hours": {"mon": "09:00-17:00"}},
    ],
    "script": [
        {"script": "pinless"},
        {"script": "pinless", "on": {"failed": "x", "blocked": "y", "done": "z"}},
    ],
    "set": [
        {"variables": {"a": 1}},
        {"variables": {"a": "${b}"}},
        {"variables": {"a": {"increase": 1, "at_most": 3}}},
        {"variables": {"a": {"increase": 1}}},
        {"variables": {"a": {"calculate": "1 + 2"}}},
        {"variables": {"a": {"calculate": "${b} + 2"}}},
        {"variables": {"a": {"value": {"b": ["${c}"]}}}},
        {"split": {"left": 50, "right": 50}},
        {"split": {"left": 50, "right": 50}, "variables": {"a": {"join": ["${b}"]}}},
    ],
    "speed_dial": [{}, {"action": "store"}, {"action": "list"}, {"action": "delete"}],
    "wait": [{"seconds": 3}, {"seconds": "${s}"}, {"seconds": 3, "keys": "#"}, {"seconds": 3, "keys": 5}],
    "app": [{"call": "other"}, {"call": "other", "on": {"busy": "x", "done": "y"}}],
}


def written_slots() -> Iterator[tuple[str, Slot, Mapping[str, Any]]]:
    for kind, cases in CASES.items():
        for number, fields in enumerate(cases):
            yield f"{kind} {number}", slot_types()[kind].model_validate({"slot": kind, **fields}), fields
    for kind, of in slot_types().items():
        for number, text in enumerate(examples(page_text(of))):
            yield from slots_of(text, f"{kind}.md {number}")
    for path in (ROOT / "app_flows").glob("*.yaml"):
        if not path.name.endswith(".test.yaml"):
            yield from slots_of(path.read_text(), path.name)


def slots_of(text: str, name: str) -> Iterator[tuple[str, Slot, Mapping[str, Any]]]:
    draft = draft_from_value(parse_document(text, name), (), slot_types(), "example")
    for index, (slot, fields) in enumerate(zip(draft.slots, draft.raw_slots(), strict=True)):
        if slot is not None and isinstance(fields, dict):
            yield f"{name} {index}", slot, fields


def by_rules(kind: type[Slot], fields: Mapping[str, Any]) -> dict[str, tuple[str | int, ...]]:
    found: dict[str, tuple[str | int, ...]] = {}
    own = {rule.exit for rule in kind.exit_rules()}
    for rule in kind.exit_rules():
        if rule.when is not None and not Draft202012Validator(rule.when).is_valid(fields):
            continue
        if rule.exit is not None:
            found.setdefault(rule.exit, rule.target_path)
            continue
        each = fields.get(rule.each or "") or {}
        if isinstance(each, list):
            for index, item in enumerate(each):
                name = item.get(rule.name) or (rule.unnamed or "").replace("{}", str(index + 1))
                found.setdefault(name, tuple(index if step == "{}" else step for step in rule.target_path))
        else:
            for key in (str(one) for one in each if one not in own):
                found.setdefault(key, tuple(key if step == "{}" else step for step in rule.target_path))
    return found


SLOTS = list(written_slots())


@pytest.mark.parametrize(("slot", "fields"), [one[1:] for one in SLOTS], ids=[one[0] for one in SLOTS])
def test_the_rules_say_which_exits_a_slot_has_and_where_they_are_led(
    slot: Slot, fields: Mapping[str, Any]
) -> None:
    kind = type(slot)
    found = by_rules(kind, fields)
    assert list(found) == list(slot.exits)
    assert {name: slot.written_at(name) for name in slot.exits} == found
    main = kind.main_exit_name or next(iter(found), None)
    assert (main if main in found else None) == slot.main_exit
    for app in kind.app_fields:
        value = fields.get(app.field)
        named = isinstance(value, str) and value.startswith(app.prefix)
        apps = {value.removeprefix(app.prefix)} if named and value else set()
        called = slot.app_call()
        assert apps == (({called.app} if called else set()) if app.returns else slot.jumps())
    if not kind.app_fields:
        assert slot.named_apps() == frozenset()


def test_a_case_of_every_condition_is_here() -> None:
    conditional = {kind for kind, of in slot_types().items() if any(one.when for one in of.exit_rules())}
    assert conditional <= CASES.keys()
