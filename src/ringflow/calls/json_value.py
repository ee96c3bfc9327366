"""Values of a call's variables: what JSON can hold, within bounds; paths such as `items.0` lead into them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TypeAlias

from ringflow.errors import RingflowError

JsonValue: TypeAlias = "str | int | float | bool | list[JsonValue] | dict[str, JsonValue] | None"

MAX_VALUE_BYTES = 16 * 1024
"""The largest value of one variable, as JSON in UTF-8. A longer text cannot be stored, and is never cut."""

MAX_CALL_BYTES = 128 * 1024
"""The most that all variables of a call may hold together, those of all its frames."""

_INDEX = re.compile(r"[0-9]{1,6}")
"""No list has more entries than `MAX_VALUE_BYTES`, and Python reads no number of thousands of digits."""

MAX_NESTING = 16
"""How deep lists and objects may stand in each other."""


class UnusableValue(RingflowError):
    """A value that a variable cannot hold: too large, too deeply nested, or not JSON."""


def own_copy(name: str, value: JsonValue) -> tuple[JsonValue, int]:
    """A copy of `value` for the variable `name`, which nobody else can change, and its size in bytes.

    Raises `UnusableValue`.
    """
    if isinstance(value, str):
        size = len(value.encode("utf-8", "surrogatepass"))
        _check_size(name, size)
        return value, size
    _check_nesting(name, value, MAX_NESTING)
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise UnusableValue(f"`{name}` cannot be set, its value is not JSON: {error}") from error
    size = len(text.encode("utf-8", "surrogatepass"))
    _check_size(name, size)
    copied: JsonValue = json.loads(text)
    return copied, size


def _check_size(name: str, size: int) -> None:
    if size > MAX_VALUE_BYTES:
        raise UnusableValue(
            f"`{name}` cannot be set: {size} bytes, and a value has at most {MAX_VALUE_BYTES}; keep only the "
            "parts that the flow needs"
        )


def _check_nesting(name: str, value: object, left: int) -> None:
    if isinstance(value, list | dict):
        if not left:
            raise UnusableValue(
                f"`{name}` cannot be set: it is nested more than {MAX_NESTING} deep; keep only the parts "
                "that the flow needs"
            )
        for inner in value.values() if isinstance(value, dict) else value:
            _check_nesting(name, inner, left - 1)


def as_text(value: JsonValue) -> str:
    """A value as it stands in text: text as it is, nothing for null, anything else as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def look_up(variables: Mapping[str, JsonValue], path: str) -> JsonValue:
    """The value at `path`: `customer.id`, a given name with a dot in it, or `order.items.0.name`.

    A step is the name of an object's field, or the number of a list's entry, from 0. Raises KeyError with
    the part of the path that is not there.
    """
    if path in variables:
        return variables[path]
    name, *steps = path.split(".")
    value = variables[name]
    for number, step in enumerate(steps, start=1):
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and _INDEX.fullmatch(step) and int(step) < len(value):
            value = value[int(step)]
        else:
            raise KeyError(".".join((name, *steps[:number])))
    return value
