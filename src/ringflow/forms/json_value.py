"""Forms as JSON: objects of their fields, times as RFC 3339 in UTC."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from ringflow.moments import Moment

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def json_value(value: object) -> object:
    """Return the value as `json.dumps` takes it, at any depth.

    Names are not touched: a form names its fields as they are shown, and the keys of a mapping, such as the
    variables of a call, belong to whoever set them.
    """
    if isinstance(value, Moment):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return json_object(value)
    if isinstance(value, Mapping):
        return {name: json_value(one) for name, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [json_value(one) for one in value]
    return value


def json_text(value: object) -> str:
    """Return the value as indented JSON."""
    return json.dumps(json_value(value), indent=2)


def json_object(form: DataclassInstance) -> dict[str, object]:
    """Return a form as an object, to which more may be added."""
    return {field.name: json_value(getattr(form, field.name)) for field in fields(form)}


def seconds(length_ms: int | None) -> float | None:
    """Return a length as programs get it: seconds, with three decimals at most."""
    return None if length_ms is None else length_ms / 1000
