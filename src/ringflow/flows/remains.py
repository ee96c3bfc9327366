"""What remains of a slot less what is wrong in it, so that the rest is checked at once too."""

from __future__ import annotations

from functools import cache
from typing import Any, get_args, get_origin

from pydantic import Field, create_model
from pydantic.fields import FieldInfo

from ringflow.documents import Location, Value
from ringflow.flows.slot import NOT_SAID, Slot


@cache
def remains_type(kind: type[Slot]) -> type[Slot]:
    """A slot type with `NOT_SAID` in required fields of text that are not given; a mapping is then empty."""
    optional: dict[str, Any] = {
        name: _stand_in(info)
        for name, info in kind.model_fields.items()
        if info.is_required() and name != "slot" and _takes_text(info.annotation)
    }
    return create_model(kind.__name__, __base__=kind, **optional)


def without(wrong: set[Location], value: Value, location: Location) -> Value:
    """A value, which stands at `location`, less what inside of it stands at `wrong`.

    A list of which nothing is left is gone too.
    """
    if isinstance(value, dict):
        left = {
            key: without(wrong, inner, (*location, key))
            for key, inner in value.items()
            if (*location, key) not in wrong
        }
        return {key: inner for key, inner in left.items() if inner != [] or value[key] == []}
    if isinstance(value, list):
        return [
            without(wrong, inner, (*location, index))
            for index, inner in enumerate(value)
            if (*location, index) not in wrong
        ]
    return value


def _stand_in(info: FieldInfo) -> tuple[Any, Any]:
    """A field's annotation, and what stands for its value; a default is not checked, so it may be empty."""
    is_mapping = get_origin(info.annotation) is dict
    return info.rebuild_annotation(), Field(default_factory=dict) if is_mapping else NOT_SAID


def _takes_text(annotation: object) -> bool:
    return annotation is str or any(_takes_text(inner) for inner in get_args(annotation))
