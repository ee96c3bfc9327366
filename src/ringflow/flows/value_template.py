"""A JSON value in a flow, such as an argument, with `${...}` in its texts: filled in when a call runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from ringflow.calls.json_value import JsonValue
from ringflow.flows.template import Template

_Node: TypeAlias = "Template | int | float | list[_Node] | dict[str, _Node] | None"


@dataclass(frozen=True, slots=True)
class ValueTemplate:
    """A value of which every text is a template. Usable as a pydantic field type."""

    node: _Node

    @property
    def templates(self) -> Iterator[Template]:
        """Every text in it, in order."""
        return _templates(self.node)

    def render(self, variables: Mapping[str, JsonValue]) -> JsonValue:
        """The value with every text filled in; one that is a single reference becomes the value it names.

        Raises `TextError`.
        """
        return _rendered(self.node, variables)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Accept any value that a flow file can hold."""
        return core_schema.no_info_plain_validator_function(lambda value: cls(_parsed(value)))

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Anything, for editors."""
        return {"description": "any value, its texts with ${name}, ${name.part} or ${name|default}"}


def _parsed(value: JsonValue) -> _Node:
    if isinstance(value, str):
        return Template.parse(value)
    if isinstance(value, list):
        return [_parsed(inner) for inner in value]
    if isinstance(value, dict):
        return {key: _parsed(inner) for key, inner in value.items()}
    return value


def _templates(node: _Node) -> Iterator[Template]:
    if isinstance(node, Template):
        yield node
    elif isinstance(node, list | dict):
        for inner in node.values() if isinstance(node, dict) else node:
            yield from _templates(inner)


def _rendered(node: _Node, variables: Mapping[str, JsonValue]) -> JsonValue:
    if isinstance(node, Template):
        return node.value(variables)
    if isinstance(node, list):
        return [_rendered(inner, variables) for inner in node]
    if isinstance(node, dict):
        return {key: _rendered(inner, variables) for key, inner in node.items()}
    return node
