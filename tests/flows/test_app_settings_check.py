"""What `check` says of what a file says of its app as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from pydantic import TypeAdapter

from ringflow.flows.check import check_flows
from ringflow.flows.draft import Draft
from ringflow.flows.header import SlotDefaults
from ringflow.flows.load import draft_from_bytes
from ringflow.flows.registry import slot_types
from ringflow.flows.schema import flow_schema
from ringflow.flows.slot import Slot, VariableName
from ringflow.flows.surroundings import Surroundings
from ringflow.flows.template import Template

from .mistakes import Library

if TYPE_CHECKING:
    from ringflow.calls.call import Call

PLAY = "  - {slot: audio, file: MISC/error}\n"
ASK = "  - {slot: ivr, file: MISC/error, result: number, on: {no_input: next, invalid: next}}\n"
BYE = "  - {slot: hangup, id: bye}\n"


class Marks(Slot):
    """A slot that needs no caller."""

    needs_caller: ClassVar[bool] = False

    text: Template
    name: VariableName | None = None

    def sets(self) -> Mapping[str, frozenset[str]]:
        return {"done": frozenset({self.name})} if self.name else {}

    async def run(self, call: Call) -> str:
        return "done"


TYPES: Mapping[str, type[Slot]] = {**slot_types(), "marks": Marks}


def draft(text: str, name: str = "f.yaml") -> Draft:
    return draft_from_bytes(text.encode(), TYPES, name)


def problems(*texts: str) -> list[str]:
    drafts = [draft(text, f"{'fgh'[number]}.yaml") for number, text in enumerate(texts)]
    return [str(one) for one in check_flows(drafts, Surroundings(prompts=Library()))]


def app(head: str, *slots: str, name: str = "x") -> str:
    return f"app: {name}\n{head}\nslots:\n{''.join(slots)}"


# --- defaults


def test_a_default_is_taken_by_every_slot_that_has_the_field_and_does_not_give_it() -> None:
    own = "  - {slot: ivr, file: MISC/error, result: a, attempts: 5, on: {no_input: next, invalid: next}}\n"
    flow = draft(
        app("defaults: {attempts: 2, barge_in: false, invalid_file: MISC/error}", ASK, own, BYE)
    ).flow
    assert flow is not None
    taken = [(getattr(slot, "attempts", None), getattr(slot, "barge_in", None)) for slot in flow.slots]
    assert taken == [(2, False), (5, False), (None, None)]
    assert getattr(flow.slots[0], "invalid_file", None) == "MISC/error"


@pytest.mark.parametrize("action", ["dial", "store", "list", "delete"])
def test_a_default_that_a_slot_has_no_use_for_is_no_mistake_of_the_slot(action: str) -> None:
    ways = "on: {empty: next, no_input: next, invalid: next, unknown: next}"
    if action == "list":
        ways = "on: {empty: next, unknown: next}"
    elif action == "store":
        ways = "on: {no_input: next, invalid: next, unknown: next}"
    slot = f"  - {{slot: speed_dial, action: {action}, {ways}}}\n"
    head = (
        "defaults: {invalid_file: MISC/error, no_input_file: MISC/error, first_digit_timeout: 4, attempts: 2}"
    )
    found = [one for one in problems(app(head, slot, BYE)) if "there is no prompt" not in one]
    assert [one for one in found if "have no prompt" not in one] == []
    # What the slot's author writes is one.
    written = slot.replace("speed_dial,", "speed_dial, invalid_file: MISC/error,")
    never = [one for one in problems(app(head, written, BYE)) if "never plays it" in one]
    assert len(never) == (action == "list")


def test_a_default_that_contradicts_a_slot_is_reported_where_it_stands() -> None:
    record = "  - {slot: record, result: r, silence: 0, longest: 600, on: {no_input: next}}\n"
    (found,) = (one for one in problems(app('defaults: {terminators: ""}', record, BYE)) if "ends it" in one)
    assert found.startswith("f.yaml:2:25: nothing but its longest time ends it")


def test_a_prompt_that_is_missing_in_the_defaults_is_reported_there_and_once() -> None:
    assert problems(app("defaults: {invalid_file: IVR/nope}", ASK, ASK)) == [
        "f.yaml:2:26: there is no prompt `IVR/nope` (ringflow sounds import FILE --as IVR/nope)"
    ]


@pytest.mark.parametrize("name", SlotDefaults.model_fields)
def test_every_default_belongs_to_a_slot_type(name: str) -> None:
    assert [kind for kind, type_ in slot_types().items() if name in type_.model_fields]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("first_digit_timeout", 300),
        ("first_digit_timeout", 0.01),
        ("inter_digit_timeout", 300),
        ("attempts", 1),
        ("attempts", 10),
        ("no_input_attempts", 10),
        ("invalid_attempts", 10),
        ("terminators", "*#0"),
        ("terminators", ""),
        ("timeout", 1),
        ("timeout", 600),
        ("barge_in", False),
        ("invalid_file", "A/b"),
        ("no_input_file", "A/b"),
    ],
)
def test_the_bounds_of_a_default_are_those_that_all_its_slot_types_share(name: str, value: object) -> None:
    SlotDefaults.model_validate({name: value})
    for kind in slot_types().values():
        if name in kind.model_fields and name not in kind.without_default:
            annotation = kind.model_fields[name].rebuild_annotation()
            TypeAdapter(annotation).validate_python(value)


def test_how_long_a_callee_may_ring_says_nothing_of_how_long_a_script_may_run() -> None:
    script = "  - {slot: script, script: pinless.js, on: {failed: next}}\n"
    found = problems(app("defaults: {timeout: 60}", script, BYE))
    assert [one for one in found if "timeout" in one] == []


# --- variables


def test_a_variable_of_the_app_is_set_in_its_slots_and_in_nobody_elses() -> None:
    uses = "  - {slot: audio, file: {say: '${a}', as: digits, language: en}}\n"
    found = problems(
        app("variables: {a: 1}", uses, "  - {slot: app, call: y}\n"), app("title: y", uses, name="y")
    )
    assert [one for one in found if "prompt" not in one] == [
        (
            "g.yaml:4:31: `${a}` may be unset: app:x/app[2] calls y without it among the `arguments` "
            "(write ${a|default}, or set it first)"
        )
    ]


def test_a_variable_of_an_app_stays_set_in_the_app_that_the_call_goes_on_to() -> None:
    leads = "  - {slot: audio, file: MISC/error, on: {done: 'app:y'}}\n"
    uses = "  - {slot: destination, external: '${a}${b}'}\n"
    assert problems(app("variables: {a: 1}", leads), app("variables: {b: 2}", uses, name="y")) == []
    (problem,) = problems(app("title: x", leads), app("variables: {b: 2}", uses, name="y"))
    assert problem.startswith("g.yaml:4:35: unknown variable `a`")


# --- on_error


def test_a_slot_that_only_a_failure_leads_to_is_reached() -> None:
    assert (
        problems(app("on_error: sorry", PLAY, BYE, "  - {slot: hangup, id: sorry, file: MISC/error}\n")) == []
    )
    (problem,) = problems(app("title: x", PLAY, BYE, "  - {slot: hangup, id: sorry}\n"))
    assert "sorry cannot be reached" in problem


def test_what_a_slot_sets_is_not_certain_where_a_failure_leads() -> None:
    dial = "  - {slot: destination, id: dial, external: '${number}'}\n"
    asks = ASK.replace("{no_input: next, invalid: next}", "{no_input: hangup, invalid: hangup, done: dial}")
    assert problems(app("on_error: bye", asks, BYE, dial)) == []
    (problem,) = problems(app("on_error: dial", asks, dial))
    assert problem.startswith(
        "f.yaml:5:45: `${number}` may be unset: ivr[1] may fail, and only `done` sets it ("
    )


def test_a_failure_is_no_way_out_of_a_loop() -> None:
    loop = "  - {slot: audio, id: again, file: MISC/error, on: {done: again}}\n"
    (problem,) = problems(app("on_error: bye", loop, BYE))
    assert "this loop can never end: again -> again" in problem


@pytest.mark.parametrize("limit", ["visits: 5", "longest_call: 60"])
def test_a_loop_that_a_limit_of_its_app_ends_is_none_without_an_end(limit: str) -> None:
    loop = "  - {slot: audio, id: again, file: MISC/error, on: {done: again}}\n"
    assert problems(app(f"limits: {{{limit}}}", loop)) == []


def test_an_app_that_only_failures_lead_to_is_none_where_calls_begin() -> None:
    uses = "  - {slot: destination, external: '${a}'}\n"
    assert problems(app("on_error: app:y\nvariables: {a: 1}", PLAY), app("title: y", uses, name="y")) == []


# --- on_hangup


def test_slots_after_the_hang_up_know_what_every_call_has_and_the_apps_variables_alone() -> None:
    last = "on_hangup:\n  - {slot: marks, text: '${did} ${a} ${number}'}\nvariables: {a: 1}"
    assert problems(app(last, ASK)) == [
        (
            "f.yaml:3:25: `${number}` may be unset: nothing sets it before this slot "
            "(write ${number|default}, or set it first)"
        )
    ]
    assert problems(app(last.replace("number}", "number|}"), ASK)) == []


def test_slots_after_the_hang_up_may_set_variables_for_each_other() -> None:
    last = "on_hangup:\n  - {slot: marks, text: x, name: a}\n  - {slot: marks, text: '${a}'}"
    assert problems(app(last, PLAY)) == []


def test_the_flow_has_its_slots_after_the_hang_up_with_labels_of_their_own() -> None:
    flow = draft(app("on_hangup: [{slot: marks, text: x}, {slot: marks, id: m, text: y}]", PLAY)).flow
    assert flow is not None
    assert flow.on_hangup is not None
    assert [flow.on_hangup.label(index) for index in (0, 1)] == ["on_hangup:marks[1]", "on_hangup:m"]


# --- mistakes


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (
            "defaults: {first_digit_timout: 3}",
            "2:12: unknown key `first_digit_timout` (did you mean `first_digit_timeout`? known here:",
        ),
        ("defaults: {attempts: 11}", "2:22: `attempts` must be at most 10, not `11`"),
        ("defaults: {barge_in: perhaps}", "2:22: `barge_in` must be true or false, not `perhaps`"),
        ("defaults: [attempts]", "2:1: `defaults` must be a mapping"),
        ("variables: {a: '${did}'}", "2:16: `a`: `${did}` is not filled in here (write a value without"),
        ("variables: {did: x}", "2:13: `did` cannot be set: it is given to every call (choose another name)"),
        ("variables: {A: x}", "2:13: `variables`"),
        ("limits: {longest_call: 0}", "2:24: `longest_call` must be more than 0, not `0`"),
        ("limits: {visit: 3}", "2:10: unknown key `visit` (did you mean `visits`?"),
        ("on_error: by", "2:11: no slot here has the id `by` (did you mean `bye`?)"),
        ("on_error: app:z", "2:11: there is no app `z` (apps: x)"),
        (
            "on_error: 'return:done'",
            "2:11: `on_error` cannot be `return:done` (name a slot's id or app:NAME)",
        ),
        (
            "on_hangup: [{slot: audio, file: MISC/error}]",
            "2:20: `audio` needs a caller, and on_hangup runs after the caller is gone",
        ),
        ("on_hangup: [{slot: markz, text: x}]", "2:20: unknown slot type `markz` (did you mean `marks`?"),
        (
            "on_hangup: [{slot: marks, text: x, on: {done: bye}}]",
            "2:47: no slot here has the id `bye`",
        ),
        (
            "on_hangup: [{slot: marks, text: x, on: {done: 'app:x'}}]",
            "2:47: `app:x` leads out of on_hangup, and the call is over (lead it to a slot of on_hangup,",
        ),
        ("on_hangup: [{slot: marks, text: x, on: {fail: next}}]", "2:41: marks has no exit `fail`"),
        ("on_hangup: {slot: marks}", "2:1: `on_hangup` must be a list"),
        ("on_hangup: []", "2:1: `on_hangup` must have at least 1 entry"),
        (
            "on_hangup: [{slot: marks, text: x, id: m}, {slot: marks, text: y, id: m}]",
            "2:71: the id `m` is already",
        ),
    ],
)
def test_a_mistake_is_told_at_its_place_with_what_to_do(head: str, told: str) -> None:
    (problem,) = problems(app(head, PLAY, BYE))
    assert problem.removeprefix("f.yaml:").startswith(told), problem


def test_a_mistake_in_a_slot_does_not_hide_one_in_the_head() -> None:
    found = problems(app("on_error: nowhere\nvariables: {did: 1}", PLAY.replace("file", "fiel"), BYE))
    assert [one.partition(":")[2].partition(": ")[0] for one in found] == ["2:11", "3:13", "5:19"]


def test_the_schema_has_all_of_it() -> None:
    schema = flow_schema(TYPES)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    good = {
        "app": "x",
        "language": "en",
        "languages": ["en", "es"],
        "defaults": {"attempts": 2, "invalid_file": "MISC/error"},
        "variables": {"a": {"b": [1]}},
        "limits": {"longest_call": 60, "visits": 5},
        "on_error": "app:y",
        "on_hangup": [{"slot": "marks", "text": "x"}],
        "slots": [{"slot": "hangup"}],
    }
    assert list(validator.iter_errors(good)) == []
    for wrong in (
        {"defaults": {"attempts": 99}},
        {"on_hangup": [{"slot": "hangup"}]},
        {"on_error": "return:x"},
    ):
        assert list(validator.iter_errors(good | wrong))
