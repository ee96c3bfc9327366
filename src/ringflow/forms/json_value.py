"""Forms as JSON: objects of their fields, times as RFC 3339 in UTC."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ringflow.moments import Moment

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


_PLAIN = frozenset({str, int, float, bool, type(None)})
"""Of exactly these types are most values; their subclasses may be shown otherwise."""


def json_value(value: object) -> object:
    """Return the value as `json.dumps` takes it, at any depth.

    Names are not touched: a form names its fields as they are shown, and the keys of a mapping, such as the
    variables of a call, belong to whoever set them.
    """
    if type(value) in _PLAIN:
        return value
    if isinstance(value, Moment):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    # mypy takes the class for its values, which may have no hash.
    if (names := _names(type(value))) is not None:  # type: ignore[arg-type]
        return {name: json_value(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {name: json_value(one) for name, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [json_value(one) for one in value]
    return value


@cache
def _names(kind: type[Any]) -> tuple[str, ...] | None:
    """Return the names of a form's fields; None: it is no form."""
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else None


def json_text(value: object) -> str:
    """Return the value as indented JSON."""
    return json.dumps(json_value(value), indent=2)


def json_object(form: DataclassInstance) -> dict[str, object]:
    """Return a form as an object, to which more may be added."""
    return {field.name: json_value(getattr(form, field.name)) for field in fields(form)}


def seconds(length_ms: int | None) -> float | None:
    """Return a length as programs get it: seconds, with three decimals at most."""
    return None if length_ms is None else length_ms / 1000
