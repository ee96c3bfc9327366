"""A prompt whose name is made when it is played: `IVR/${department}`, or `${message}`, a recording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticKnownError, core_schema

from ringflow.calls.json_value import JsonValue
from ringflow.flows.template import Template
from ringflow.sounds.library import is_prompt_name
from ringflow.wording import quoted

VARIABLE_PROMPT_PATTERN = r"\$\{"

_STAND_IN = "x"
"""For a variable, to see whether the rest can be part of a name."""


@dataclass(frozen=True, slots=True)
class VariablePrompt:
    """Text with `${...}` that names a prompt, or a recording. Usable as a pydantic field type."""

    template: Template

    def name(self, variables: Mapping[str, JsonValue]) -> str:
        """The name with the variables of a call: it may be none. Raises `TextError`."""
        return self.template.render(variables)

    def __str__(self) -> str:
        return self.template.text

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Accept text with a variable in it."""
        return core_schema.no_info_plain_validator_function(_validate)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Text, for editors."""
        return {
            "type": "string",
            "pattern": VARIABLE_PROMPT_PATTERN,
            "description": "a prompt's name with ${...} in it, or a variable that holds a recording",
        }


def _validate(value: object) -> VariablePrompt:
    if isinstance(value, VariablePrompt):
        return value
    if not isinstance(value, str):
        raise PydanticKnownError("string_type")
    if "${" not in value:
        # Another of the kinds that the field takes has the better words for it.
        raise ValueError("names no variable || a prompt is named as in IVR/ivr-please")
    template = Template.parse(value)
    parts = [part if isinstance(part, str) else _STAND_IN for part in template.parts]
    if not is_prompt_name("".join(parts)):
        raise ValueError(
            f"{quoted(value)} cannot name a prompt || name it as in IVR/${{choice}}, without an extension"
        )
    return VariablePrompt(template)
