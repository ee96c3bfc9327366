"""Which exits a slot has, and where their targets stand, by its fields as they are written.

A program that draws a flow while it is being edited cannot ask for every letter that is typed. These rules
say the same as `Slot.exits`, `Slot.targets` and `Slot.jumps`, as data: the conditions are JSON Schemas of the
slot's fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Condition: TypeAlias = Mapping[str, Any]
"""A JSON Schema of the fields of a slot as they are written. It has no `$ref`."""

_VARIABLE = r"\$\{"
VARIABLE_TEXT: Condition = {"type": "string", "pattern": _VARIABLE}
"""The schema of a text with a variable in it."""
_NESTING = 4
"""How deep a text with a variable in it is looked for."""


@dataclass(frozen=True, slots=True)
class ExitRule:
    """One exit, or one for each key or item of a field.

    `exit` is its name. Where that is None, each key of the mapping `each` is one, or each item of the list
    `each`, named by the item's `name`, or by `unnamed` with the item's number in place of `{}`.
    `target_path` are the steps from the slot to the target; `{}` in them is the exit's name, or the index of
    the item. The slot has the exit only where its fields match `when`. A name
    with a rule of its own is left out where a rule is for each key.
    """

    exit: str | None
    target_path: tuple[str, ...]
    each: str | None = None
    name: str | None = None
    unnamed: str | None = None
    when: Condition | None = None


@dataclass(frozen=True, slots=True)
class AppField:
    """A field that names an app, after `prefix`. `returns`: that app is called, and comes back."""

    field: str
    returns: bool
    prefix: str = ""


def fixed(exit_name: str, when: Condition | None = None, target_path: str | None = None) -> ExitRule:
    """Return the rule of one exit, of which the target stands in `on`, or in a field of its own."""
    return ExitRule(exit_name, ("on", exit_name) if target_path is None else (target_path,), when=when)


def each_key(field: str, targets: str) -> ExitRule:
    """Return the rule of exits that are named by the keys of a mapping; `targets` is where they are led."""
    return ExitRule(None, (targets, "{}"), each=field)


def given(field: str, *, even_empty: bool = False) -> Condition:
    """Return the condition that a field has a value; `even_empty`: an empty list is one too."""
    none: list[Any] = [None] if even_empty else [None, "", [], {}, False]
    return {"required": [field], "properties": {field: {"not": {"enum": none}}}}


def absent(field: str) -> Condition:
    """Return the condition that a field has no value."""
    return {"not": given(field)}


def matching(field: str, schema: Condition) -> Condition:
    """Return the condition that a field is there and matches."""
    return {"required": [field], "properties": {field: schema}}


def either(*conditions: Condition) -> Condition:
    """Return the condition that one of several holds."""
    return {"anyOf": list(conditions)}


def both(*conditions: Condition) -> Condition:
    """Return the condition that all of several hold."""
    return {"allOf": list(conditions)}


def some_value(schema: Condition) -> Condition:
    """Return the schema of a mapping of which one value matches."""
    return {"type": "object", "not": {"additionalProperties": {"not": schema}}}


def with_variable(depth: int = _NESTING) -> Condition:
    """Return the schema of a text, or of a list or mapping with a text, that has a variable in it."""
    options: list[Condition] = [VARIABLE_TEXT]
    if depth:
        inner = with_variable(depth - 1)
        options += [{"type": "array", "contains": inner}, some_value(inner)]
    return either(*options)


def default_rules(
    exits: tuple[str, ...], own_field: str | None, when: Mapping[str, Condition]
) -> Iterator[ExitRule]:
    """Yield the rules of a type whose exits are fixed, some of them under conditions, or stand in a field."""
    for name in exits:
        yield fixed(name, when.get(name))
    if own_field is not None:
        yield each_key(own_field, own_field)
