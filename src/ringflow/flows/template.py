"""`${name}`, `${name.path}` and `${name|default}` in a flow's text: parsed at load, filled in by a call."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from ringflow.calls.json_value import MAX_VALUE_BYTES, JsonValue, as_text, look_up
from ringflow.errors import RingflowError
from ringflow.wording import quoted

VARIABLE_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[A-Za-z0-9_-]+)*")
"""A variable, and the path to a part of its value: `order.items.0.name`."""
_PIECE = re.compile(r"\$\{([^{}]*)\}")
_MEANT = re.compile(
    r"\{\{ *([A-Za-z][\w.]*) *\}\}|\{ *([A-Za-z][\w.]*) *\}|\$\(([A-Za-z][\w.]*)\)"
    r"|\$([A-Za-z][\w.]*)|%([A-Za-z][\w.]*)%|<([A-Za-z][\w.]*)>",
    re.ASCII,
)
"""How other systems write a variable."""
_SHELL_DEFAULT = re.compile(r"([a-z][a-z0-9_.]*)(?::-(.*)|-(?=[0-9]*$)([0-9]*))", re.ASCII)
MAX_TEXT_LENGTH = 1024
"""The longest text that a template becomes for Asterisk, in characters: a line of AGI holds 2,048 bytes."""


class TextError(RingflowError):
    """A text that cannot be filled in: a variable is not set, or the text becomes too long."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One `${name|default}`; `default` is None where there is none. `name` may be a path: `order.id`."""

    name: str
    default: str | None

    def value(self, variables: Mapping[str, JsonValue]) -> JsonValue:
        """The value that it names; the default where there is none, or null. Raises `TextError` without."""
        try:
            found = look_up(variables, self.name)
        except KeyError as missing:
            if self.default is None:
                what = f"`${{{self.name}}}` cannot be filled in: `{missing.args[0]}` is not set"
                raise TextError(f"{what}; set it first, or write ${{{self.name}|default}}") from None
            return self.default
        return self.default if found is None else found


@dataclass(frozen=True, slots=True)
class Template:
    """Text with references in it, in order. Usable as a pydantic field type."""

    text: str
    parts: tuple[str | Reference, ...]

    @classmethod
    def parse(cls, text: str) -> Template:
        """Raises ValueError for a reference that is not `${name}` or `${name|default}`."""
        parts: list[str | Reference] = []
        end = 0
        for match in _PIECE.finditer(text):
            parts.append(_literal(text[end : match.start()]))
            parts.append(_reference(match[1]))
            end = match.end()
        parts.append(_literal(text[end:]))
        return cls(text, tuple(part for part in parts if part != ""))

    @property
    def required(self) -> frozenset[str]:
        """Names that must be set for this text to be filled in."""
        return frozenset(part.name for part in self.references if part.default is None)

    @property
    def references(self) -> tuple[Reference, ...]:
        """Every reference, in order."""
        return tuple(part for part in self.parts if isinstance(part, Reference))

    @property
    def literals(self) -> tuple[str, ...]:
        """The text between the references, in order."""
        return tuple(part for part in self.parts if isinstance(part, str))

    @property
    def is_literal(self) -> bool:
        """Whether the text is the same in every call."""
        return not self.references

    def render(self, variables: Mapping[str, JsonValue], max_length: int = MAX_TEXT_LENGTH) -> str:
        """The text with every reference filled in: lists and objects as JSON, null as nothing.

        Raises `TextError` for a variable that is not set, and for more than `max_length` characters.
        """
        return self.join(
            (part if isinstance(part, str) else as_text(part.value(variables)) for part in self.parts),
            max_length,
        )

    def join(self, pieces: Iterable[str], max_length: int) -> str:
        """What was made of the parts as one text. Raises `TextError` for more than `max_length` characters.

        Those are counted and not kept: a thousand references to one long value would fill the memory.
        """
        found: list[str] = []
        length = 0
        for piece in pieces:
            length += len(piece)
            if length <= max_length:
                found.append(piece)
        if length > max_length:
            raise TextError(
                f"{quoted(self.text)} becomes {length} characters, and {max_length} are the most; name "
                "only a part of the value, such as ${order.id}"
            )
        return "".join(found)

    def value(self, variables: Mapping[str, JsonValue]) -> JsonValue:
        """The value of a text that is one reference and nothing else; any other text filled in.

        Raises `TextError`.
        """
        if len(self.parts) == 1 and isinstance(self.parts[0], Reference):
            return self.parts[0].value(variables)
        return self.render(variables, MAX_VALUE_BYTES)

    def __str__(self) -> str:
        return self.text

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Accept text, and a number where digits are meant."""
        return core_schema.no_info_plain_validator_function(_validate)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Text, for editors."""
        return {
            "type": ["string", "integer"],
            "description": "text with ${name}, ${name.part} or ${name|default}",
        }


def _validate(value: object) -> Template:
    if isinstance(value, Template):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if (
        isinstance(value, dict)
        and len(value) == 1
        and VARIABLE_NAME.fullmatch(name := str(next(iter(value))))
    ):
        raise ValueError(f"`{{{name}}}` is not a variable || write ${{{name}}}")
    if isinstance(value, float) and value.is_integer():
        raise ValueError(f"the digits of {value:g} are lost || write all of them")
    if not isinstance(value, str):
        raise ValueError("must be text || put quotes around it")  # noqa: TRY004 -- pydantic collects ValueError
    return Template.parse(value)


def meant_reference(text: str) -> str | None:
    """The `${name}` for which another sign was written (`{name}`, `$name`, `%name%`); None where none was."""
    for found in _MEANT.finditer(text):
        name = next(one for one in found.groups() if one).lower()
        if VARIABLE_NAME.fullmatch(name):
            return f"${{{name}}}"
    return None


def _literal(text: str) -> str:
    if "${" in text:
        begun = re.match(r"\s*([a-z][a-z0-9_.]*)", text.partition("${")[2])
        mend = f"write ${{{begun[1]}}}" if begun else "write ${name} or ${name|default}"
        raise ValueError(f"`${{` is not closed || {mend}")
    return text


def _reference(inside: str) -> Reference:
    name, bar, default = inside.partition("|")
    if not VARIABLE_NAME.fullmatch(name):
        if (of_shells := _SHELL_DEFAULT.fullmatch(inside)) is not None:
            meant = f"{of_shells[1]}|{of_shells[2] or of_shells[3] or ''}"
            raise ValueError(f"`${{{inside}}}` is not a variable || write ${{{meant}}}")
        meant = name.strip().lower().replace("-", "_")
        if VARIABLE_NAME.fullmatch(meant):
            raise ValueError(f"`${{{inside}}}` is not a variable || write ${{{meant}{bar}{default}}}")
        raise ValueError(f"`${{{inside}}}` is not a variable || write ${{name}} or ${{name|default}}")
    return Reference(name, default if bar else None)
