"""YAML 1.2 files read with the position of every value, and checked against pydantic models.

PyYAML reads YAML 1.1, in which `no` is false, `12:30` is 750 and `010` is eight. Its C parser is used only
as far as the node tree (`compose`), which still knows lines and columns; scalars are then resolved by
the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema), with one stricter rule: digits
with a leading zero are text, because in telephony they are dialled, not counted.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ringflow.errors import DocumentError, Problem

Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value] | None"
Location: TypeAlias = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)

MAX_DOCUMENT_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 64
MAX_VALUES = 500_000

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file as plain values; `place` tells where each one stands.

    `value` is made of dict, list, str, int, float, bool and None only.
    """

    path: str
    value: Value
    places: dict[Location, tuple[int, int]] = field(repr=False)

    def place(self, location: Location) -> tuple[int, int]:
        """Line and column (from 1) of a value, or of the nearest thing around it that is written down."""
        while location and location not in self.places:
            location = location[:-1]
        return self.places.get(location, (1, 1))

    def problem(self, location: Location, what: str, mend: str = "") -> Problem:
        """A problem standing at `location`."""
        line, column = self.place(location)
        return Problem(self.path, line, column, what, mend)


def read_document(path: Path, shown_as: str | None = None) -> Document:
    """Read a YAML file. Raises `DocumentError`: not there, not UTF-8, too large, not YAML, a key twice."""
    name = shown_as or str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DocumentError([Problem(name, 0, 0, f"cannot be read: {error.strerror}")]) from error
    if len(raw) > MAX_DOCUMENT_BYTES:
        raise DocumentError([Problem(name, 0, 0, f"larger than {MAX_DOCUMENT_BYTES} bytes", "split it")])
    try:
        return parse_document(raw.decode("utf-8"), name)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        raise DocumentError([Problem(name, line, column, "is not UTF-8", "save it as UTF-8")]) from error


def parse_document(text: str, path: str) -> Document:
    """Parse YAML text. Raises `DocumentError` as `read_document` does."""
    loader = yaml.CSafeLoader(text)
    try:
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise DocumentError([Problem(path, line, column, f"not YAML: {error.problem}")]) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise DocumentError([Problem(path, 0, 0, f"not YAML: {error}")]) from error
    finally:
        loader.dispose()
    reader = _Reader(path)
    value = reader.read(node, ()) if node is not None else None
    if reader.problems:
        raise DocumentError(reader.problems)
    return Document(path, value, reader.places)


class _Reader:
    """Turns PyYAML's nodes into values, remembering where each began."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.places: dict[Location, tuple[int, int]] = {}
        self.problems: list[Problem] = []
        self.too_much = False

    def read(self, node: yaml.Node, location: Location) -> Value:
        mark = node.start_mark
        self.places[location] = (mark.line + 1, mark.column + 1)
        # An alias may contain itself, or double at every level; nothing we read is deep or that wide.
        if len(location) > MAX_DEPTH or len(self.places) > MAX_VALUES:
            if not self.too_much:
                self.refuse(node, f"deeper than {MAX_DEPTH} levels, or more than {MAX_VALUES} values")
            self.too_much = True
        if self.too_much:
            return None
        if isinstance(node, yaml.ScalarNode):
            return self.read_scalar(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*location, index)) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self.read_mapping(node, location)
        raise AssertionError(f"unknown YAML node {node!r}")

    def read_scalar(self, node: yaml.ScalarNode) -> Value:
        text: str = node.value
        if not node.tag.startswith("tag:yaml.org,2002:"):
            self.refuse(node, f"the tag {node.tag} is not known", "remove it")
        if node.style in ("'", '"', "|", ">") or node.tag == "tag:yaml.org,2002:str":
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.fullmatch(text) and len(text) < 4000:
            return int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
        return text

    def read_mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for key_node, value_node in node.value:
            key = self.read_key(key_node)
            if key is None:
                continue
            if key in found:
                self.refuse(key_node, f"the key `{key}` stands here a second time", "keep one of them")
                continue
            found[key] = self.read(value_node, (*location, key))
            if not isinstance(value_node, yaml.ScalarNode) or value_node.value == "":
                # An error about a whole list, or a missing value, is best shown at its key.
                self.places[(*location, key)] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            self.places[(*location, f"{key}:key")] = (
                key_node.start_mark.line + 1,
                key_node.start_mark.column + 1,
            )
        return found

    def read_key(self, node: yaml.Node) -> str | None:
        if isinstance(node, yaml.ScalarNode) and isinstance(node.value, Hashable):
            if node.value == "<<" and node.style is None:
                self.refuse(node, "merge keys (<<) are not part of YAML 1.2", "write the keys out")
                return None
            return str(node.value)
        self.refuse(node, "a key must be a word")
        return None

    def refuse(self, node: yaml.Node, what: str, mend: str = "") -> None:
        mark = node.start_mark
        self.problems.append(Problem(self.path, mark.line + 1, mark.column + 1, what, mend))


def check_model(
    model: type[Model], document: Document, value: Value, location: Location = ()
) -> tuple[Model | None, list[Problem]]:
    """Validate `value`, which stands at `location`; gives the model, or every problem with its position."""
    try:
        return model.model_validate(value), []
    except ValidationError as error:
        return None, [_explain(model, document, location, one) for one in error.errors(include_url=False)]


def _explain(model: type[BaseModel], document: Document, location: Location, error: ErrorDetails) -> Problem:
    # Unions and validators put names of their own into `loc`; only what stands in the file leads anywhere.
    full = _written(document, location, tuple(error["loc"]))
    name = str(error["loc"][-1]) if error["loc"] else ""
    kind = error["type"]
    if kind == "extra_forbidden":
        known = ", ".join(sorted(_field_names(model))) if len(error["loc"]) == 1 else ""
        key = (*full[:-1], f"{name}:key") if full else full
        return document.problem(
            key, f"unknown key `{name}`", f"known here: {known}" if known else "remove it"
        )
    if kind == "missing":
        return document.problem(full, f"`{name}` is missing", f"add `{name}:`")
    message = str(error["msg"]).removeprefix("Value error, ")
    what, _, mend = message.partition(" || ")
    return document.problem(full, f"`{name}`: {what}" if name else what, mend)


def _written(document: Document, location: Location, rest: Location) -> Location:
    for step in rest:
        if (*location, step) in document.places:
            location = (*location, step)
    return location


def _field_names(model: type[BaseModel]) -> list[str]:
    return [info.alias or name for name, info in model.model_fields.items()]
