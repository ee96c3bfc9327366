"""Random flows: every slot type by its schema, and where the exits of each slot lead.

Nothing here knows a slot type by its name: a new one takes part as soon as it has a schema.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any, TypeAlias

from hypothesis import strategies as st
from pydantic import ValidationError

from ringflow.flows.key_options import OPTION_PATTERN
from ringflow.flows.schema import Schema, slot_schema
from ringflow.flows.slot import (
    APP_PREFIX,
    KEYS_PATTERN,
    PROMPT_PATTERN,
    TARGET_PATTERN,
    VARIABLE_PATTERN,
    Slot,
)
from ringflow.flows.spoken import CALL_WORDS

Written: TypeAlias = dict[str, Any]
"""A slot, flow or scenario as it stands in its file."""

MAX_SLOTS = 5
MAX_APPS = 3
MAX_REPAIRS = 12
VARIABLES = ("number", "choice", "pin")
OPTIONS = ("1", "2", "4", "0", "*", "#", "44", "4#", "*1")
TEXTS = (
    "441234567890", "441234567899", "+442071234567", "493012345678", "0044 20 7123 4567", "112", "*98",
    "${number|441234567890}", "44${choice|1234567890}", "${cli|441910000009}", "sip:desk@pbx.example",
    "sip:desk@elsewhere.example", "app:other1", "441910000009", "[0-9]{2,4}", "1|2|3", "hello",
)  # fmt: skip
"""Texts for fields whose schema says no more than that they are text; one that does not fit is left out."""
OWN_FIELDS = frozenset({"slot", "id", "on"})
LONGEST_S = 4
"""No field makes a caller wait for longer, so that a call through many slots ends in time."""


def one_in(number: int) -> st.SearchStrategy[bool]:
    """True so seldom; shrinks to False."""
    return st.integers(1, number).map(lambda drawn: drawn == number)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What random flows are made of: the slot types, and prompts.

    `library` has every prompt that is there, those of languages too; None: no prompt is looked for.
    """

    types: Mapping[str, type[Slot]]
    prompts: Sequence[str]
    library: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class RandomFlows:
    """Apps by their names, the first of which is `main`; `loops`: a call may come to a slot again."""

    apps: Mapping[str, Sequence[tuple[Slot, Written]]]
    loops: bool


@st.composite
def random_flows(draw: st.DrawFn, words: Vocabulary) -> RandomFlows:
    """One to three apps. Half of them only ever lead on, so that whatever the caller does they end."""
    loops = draw(one_in(4))
    names = ["main", *(f"other{number}" for number in range(1, draw(st.integers(1, MAX_APPS))))]
    apps = {}
    for place, name in enumerate(names):
        others = [one for one in names if one != name] if loops else names[place + 1 :]
        apps[name] = draw(_slots(words, others, loops))
    return RandomFlows(apps, loops)


@st.composite
def _slots(draw: st.DrawFn, words: Vocabulary, others: list[str], loops: bool) -> list[tuple[Slot, Written]]:
    kinds = draw(st.lists(st.sampled_from(_by_weight(words)), min_size=1, max_size=MAX_SLOTS))
    # Nothing follows a slot that ends the call, unless an exit leads to it.
    kinds.sort(key=lambda kind: words.types[kind].ends_call)
    slots: list[tuple[Slot, Written]] = []
    for place, kind in enumerate(kinds):
        slot, written = draw(_slot(words, kind, others))
        written["id"] = _id(place)
        first = 0 if loops else place + 1
        targets = [
            "next",
            "next",
            "hangup",
            *(_id(other) for other in range(first, len(kinds)) if other != place),
        ]
        targets += [f"{APP_PREFIX}{other}" for other in others]
        exits = [name for name in slot.exits if name != slot.main_exit]
        leads = {name: draw(st.sampled_from(targets)) for name in exits if draw(st.integers(0, 3))}
        for name, target in () if slot.ends_call else leads.items():
            _write(written, slot.written_at(name), target)
        slots.append((slot, written))
    return [slots[place] for place in _reached(slots)]


def _write(written: Written, steps: tuple[str | int, ...], target: str) -> None:
    """Write a target where the slot has it: under `on`, or in a field of its own."""
    around: Any = written
    for step in steps[:-1]:
        around = around[step] if isinstance(step, int) else around.setdefault(step, {})
    around[steps[-1]] = target


def _by_weight(words: Vocabulary) -> list[str]:
    """The slot types, each as often as it has exits: more can go wrong where more can happen."""
    weights = {
        name: len(_schema(name, kind)["properties"].get("on", {}).get("properties", ()))
        for name, kind in sorted(words.types.items())
    }
    return [name for name, weight in weights.items() for _ in range(max(1, weight))]


def _id(place: int) -> str:
    return f"s{place + 1}"


def _reached(slots: list[tuple[Slot, Written]]) -> list[int]:
    """The places of those slots that a call can come to."""
    reached, todo = set[int](), [0]
    places = {_id(place): place for place in range(len(slots))}
    while todo:
        place = todo.pop()
        if place in reached or place >= len(slots):
            continue
        reached.add(place)
        slot, written = slots[place]
        targets = list(type(slot).model_validate(written).targets.values())
        if slot.main_exit is not None and not slot.ends_call:
            targets.append("next")
        todo += [place + 1 if target == "next" else places.get(target, len(slots)) for target in targets]
    return sorted(reached)


@st.composite
def _slot(draw: st.DrawFn, words: Vocabulary, kind: str, others: list[str]) -> tuple[Slot, Written]:
    """One slot that loads: fields that do not fit, alone or together, are left out again."""
    schema = _schema(kind, words.types[kind])
    fields: Schema = {name: field for name, field in schema["properties"].items() if name not in OWN_FIELDS}
    written: Written = {"slot": kind}
    for name, field in fields.items():
        if name in schema["required"] or draw(one_in(4)):
            written[name] = draw(_value(words, field, others))
    untried = [name for name in fields if name not in written]
    for _ in range(MAX_REPAIRS):
        wrong = _wrong_field(words, kind, written, others)
        if wrong is None:
            return words.types[kind].model_validate(written), written
        if wrong in written and wrong not in OWN_FIELDS:
            del written[wrong]
            if wrong in schema["required"]:
                written[wrong] = draw(_value(words, fields[wrong], others))
        elif untried:
            # It needs one of several fields, and has none of them.
            name = untried.pop(0)
            written[name] = draw(_value(words, fields[name], others))
    # The simplest of slots instead: what has no fields that it must have.
    simple = {"slot": next(name for name in sorted(words.types) if not _needs_fields(words, name))}
    return words.types[simple["slot"]].model_validate(simple), simple


def _needs_fields(words: Vocabulary, name: str) -> bool:
    if set(_schema(name, words.types[name])["required"]) - OWN_FIELDS:
        return True
    return _wrong_field(words, name, {"slot": name}, []) is not None


@cache
def _schema(name: str, kind: type[Slot]) -> Schema:
    return slot_schema(name, kind)


def _wrong_field(words: Vocabulary, kind: str, written: Written, apps: list[str]) -> str | None:
    """A field that does not fit, or that needs an app or a prompt that is not there."""
    try:
        slot = words.types[kind].model_validate(written)
    except ValidationError as error:
        where = error.errors()[0]["loc"]
        return str(where[0]) if where else "slot"
    gone = slot.named_apps() - set(apps)
    leads = (name for name, value in written.items() if str(value).removeprefix(APP_PREFIX) in gone)
    unspoken = (
        field
        for field, prompt in slot.prompts()
        if words.library is not None and not prompt.startswith(CALL_WORDS) and prompt not in words.library
    )
    problems = (problem.field for problem in slot.problems())
    return next(chain(leads, problems, unspoken), None)


def _value(words: Vocabulary, schema: Schema, others: list[str]) -> st.SearchStrategy[Any]:
    """Values that a field's schema allows."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of(*(_value(words, option, others) for option in schema["anyOf"]))
    kind = schema.get("type")
    if kind == "boolean":
        return st.booleans()
    if kind in ("integer", "number"):
        return _number(schema)
    if kind == "array":
        if "prefixItems" in schema:
            return st.tuples(*(_value(words, one, others) for one in schema["prefixItems"])).map(list)
        inner = _value(words, schema.get("items", {}), others)
        return st.lists(inner, min_size=schema.get("minItems", 0), max_size=3)
    if kind == "object":
        return _object(words, schema, others)
    return _text(words, schema, others)


def _number(schema: Schema) -> st.SearchStrategy[Any]:
    least, most = schema.get("minimum", 0), schema.get("maximum", 1_000_000)
    if schema["type"] == "number":
        return st.sampled_from([0.5, 1, 1.5, 2, LONGEST_S])
    if least >= 100:
        return st.integers(least, most)
    return st.integers(least, min(most, LONGEST_S)) | st.sampled_from([min(most, LONGEST_S * 4), least])


def _object(words: Vocabulary, schema: Schema, others: list[str]) -> st.SearchStrategy[Any]:
    named: Schema = schema.get("properties", {})
    if named:
        required = {name: _value(words, named[name], others) for name in schema.get("required", ())}
        optional = {name: _value(words, one, others) for name, one in named.items() if name not in required}
        return st.fixed_dictionaries(required, optional=optional)
    for pattern, one in schema.get("patternProperties", {}).items():
        if pattern == VARIABLE_PATTERN:
            return st.dictionaries(st.sampled_from(VARIABLES), _value(words, one, others), max_size=2)
        if pattern == OPTION_PATTERN:
            targets = _value(words, one, others)
            return st.dictionaries(st.sampled_from(OPTIONS), targets, min_size=1, max_size=4)
    inner = schema.get("additionalProperties")
    values = _value(words, inner, others) if isinstance(inner, dict) else st.just("x")
    return st.dictionaries(st.sampled_from(["X-One", "X-Two"]), values, max_size=2)


def _text(words: Vocabulary, schema: Schema, others: list[str]) -> st.SearchStrategy[str]:
    by_pattern = {
        PROMPT_PATTERN: st.sampled_from(list(words.prompts)),
        VARIABLE_PATTERN: st.sampled_from(VARIABLES),
        OPTION_PATTERN: st.sampled_from(OPTIONS),
        KEYS_PATTERN: st.sampled_from(["#", "*", "", "*#", "0#"]),
        TARGET_PATTERN: st.sampled_from(["next", "hangup"]),
    }
    pattern = schema.get("pattern")
    if pattern in by_pattern:
        return by_pattern[pattern]
    return st.sampled_from([*TEXTS, *others])
