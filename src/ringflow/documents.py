"""YAML files, read with the position of every value."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import yaml

from ringflow.errors import DocumentError, Problem, ProblemCode
from ringflow.look_alikes import joined_dash, joined_pair, look_alike, name_in_braces, no_space_after_colon
from ringflow.wording import quoted
from ringflow.yaml_nodes import KNOWN_TAGS, MAX_DEPTH, PLAIN, compose, excess_depth, scalar_value
from ringflow.yaml_syntax import LINE_BREAK, syntax_problem

Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value] | None"
Location: TypeAlias = tuple[str | int, ...]

MAX_DOCUMENT_BYTES = 1_000_000
"""A file of 1,000 slots has a tenth of this; parsing takes up to 300 bytes of memory for each."""
MAX_VALUES = 500_000
_EMPTY_COMMENT = re.compile(r"(\s+)#\s*$")


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file as plain values; `place` tells where each one stands.

    `value` is made of dict, list, str, int, float, bool and None only. `places` has line and column (from 1)
    of every value, `key_places` of the key that it stands under. `sources` names what else was read than the
    file at `path`, by the location that its value was laid over. `problems` are what is wrong with it that
    leaves the rest to be read: whoever checks the value tells them too.
    """

    path: str
    value: Value
    places: dict[Location, tuple[int, int]] = field(repr=False)
    key_places: dict[Location, tuple[int, int]] = field(default_factory=dict, repr=False)
    sources: dict[Location, str] = field(default_factory=dict, repr=False)
    problems: tuple[Problem, ...] = ()

    def whole(self) -> Document:
        """This document. Raises `DocumentError` if it has problems."""
        if self.problems:
            raise DocumentError(self.problems)
        return self

    def overlaid(self, location: Location, other: Document) -> Document:
        """This document with `other` in the place of what stands at `location`, if anything does."""
        return Document(
            self.path,
            _replaced(self.value, location, other.value),
            _moved(self.places, location, other.places),
            _moved(self.key_places, location, other.key_places),
            {**self.sources, location: other.path},
            self.problems + other.problems,
        )

    def at(self, location: Location) -> Value:
        """The value at a location; None where there is nothing."""
        value = self.value
        for step in location:
            if isinstance(value, dict):
                value = value.get(str(step))
            elif isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
                value = value[step]
            else:
                return None
        return value

    def place(self, location: Location) -> tuple[int, int]:
        """Line and column (from 1) of a value, or of the nearest thing around it that is written down."""
        while location and location not in self.places:
            location = location[:-1]
        return self.places.get(location, (1, 1))

    def problem(
        self, location: Location, what: str, mend: str = "", *, code: ProblemCode = ProblemCode.FILE
    ) -> Problem:
        """A problem standing at the value at `location`."""
        return Problem(self.source(location), *self.place(location), what, mend, code)

    def key_problem(
        self, location: Location, what: str, mend: str = "", *, code: ProblemCode = ProblemCode.FILE
    ) -> Problem:
        """A problem standing at the key of the value at `location`."""
        line, column = self.key_places.get(location) or self.place(location)
        return Problem(self.source(location), line, column, what, mend, code)

    def source(self, location: Location) -> str:
        """The name of what the value at a location was read from."""
        for length in range(len(location), 0, -1):
            if location[:length] in self.sources:
                return self.sources[location[:length]]
        return self.path


def _replaced(value: Value, location: Location, inner: Value) -> Value:
    if not location:
        return inner
    around = value if isinstance(value, dict) else {}
    step = str(location[0])
    return {**around, step: _replaced(around.get(step), location[1:], inner)}


def _moved(
    places: dict[Location, tuple[int, int]], location: Location, inner: dict[Location, tuple[int, int]]
) -> dict[Location, tuple[int, int]]:
    around = {location[:length]: (1, 1) for length in range(1, len(location))}
    kept = {where: place for where, place in places.items() if where[: len(location)] != location}
    return around | kept | {(*location, *where): place for where, place in inner.items()}


def read_document(path: Path, shown_as: str | None = None) -> Document:
    """Read a YAML file. Raises `DocumentError`: not there, not UTF-8, too large, not YAML, too deep.

    What leaves the rest to be read is among the document's `problems`.
    """
    name = shown_as or str(path)
    return decode_document(read_bytes(path, name), name)


def read_bytes(path: Path, name: str, within: Path | None = None) -> bytes:
    """A file's bytes. Raises `DocumentError`: not there, not readable, larger than `MAX_DOCUMENT_BYTES`.

    `within`: a folder that links must not lead out of, so that what lies elsewhere is not quoted.
    """
    try:
        if within is not None and not path.resolve().is_relative_to(within.resolve()):
            mend = "put the file itself there"
            raise DocumentError([Problem(name, 0, 0, "is a link that leads out of its folder", mend)])
        if path.is_fifo():
            # Opening it would wait for somebody to write.
            raise DocumentError([Problem(name, 0, 0, "is a pipe, not a file")])
        with path.open("rb") as file:
            raw = file.read(MAX_DOCUMENT_BYTES + 1)
    except (OSError, ValueError, RuntimeError) as error:
        # RuntimeError: links that lead in a circle.
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise DocumentError([Problem(name, 0, 0, f"cannot be read: {why}")]) from error
    if len(raw) > MAX_DOCUMENT_BYTES:
        raise DocumentError([Problem(name, 0, 0, f"larger than {MAX_DOCUMENT_BYTES} bytes", "split it")])
    return raw


def decode_document(raw: bytes, path: str) -> Document:
    """Parse a file's bytes. Raises `DocumentError` as `parse_document` does, and for what is not UTF-8."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DocumentError(
            [_at_offset(path, raw, error.start, "is not UTF-8", "save it as UTF-8")]
        ) from error
    return parse_document(text, path)


def parse_document(text: str, path: str) -> Document:
    """Parse YAML text. Raises `DocumentError`: not YAML, merge keys, too deep, too much.

    A key that stands twice, and a tag, are among the document's `problems`.
    """
    text = text.removeprefix("\ufeff")
    raw = text.encode("utf-8", "replace")
    try:
        if (place := excess_depth(raw)) is not None:
            raise DocumentError([_too_much(path, *place)])
        node = compose(raw)
    except yaml.MarkedYAMLError as error:
        raise DocumentError([syntax_problem(text, path, error)]) from error
    except yaml.reader.ReaderError as error:
        raise DocumentError([_at_offset(path, raw, error.position, f"not YAML: {error.reason}")]) from error
    reader = _Reader(path, text)
    value = reader.read(node, ()) if node is not None else None
    if not reader.readable:
        raise DocumentError(reader.problems)
    places = reader.places or {(): (1, 1)}
    return Document(path, value, places, reader.key_places, problems=tuple(reader.problems))


def _at_offset(path: str, raw: bytes, offset: int, what: str, mend: str = "") -> Problem:
    line = raw.count(b"\n", 0, offset) + 1
    column = len(raw[raw.rfind(b"\n", 0, offset) + 1 : offset].decode("utf-8", "replace")) + 1
    return Problem(path, line, column, what, mend, ProblemCode.SYNTAX)


def _too_much(path: str, line: int, column: int) -> Problem:
    return Problem(path, line, column, f"deeper than {MAX_DEPTH} levels, or more than {MAX_VALUES} values")


class _Reader:
    """Turns PyYAML's nodes into values, remembering where each began."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.lines = LINE_BREAK.split(text)
        self.places: dict[Location, tuple[int, int]] = {}
        self.key_places: dict[Location, tuple[int, int]] = {}
        self.problems: list[Problem] = []
        self.too_much = False
        self.readable = True
        """Whether what is read is what was meant, but for what the problems name."""

    def read(self, node: yaml.Node, location: Location) -> Value:
        place = (node.start_mark.line + 1, node.start_mark.column + 1)
        self.places[location] = place
        # An alias may contain itself, or double at every level; nothing we read is deep or that wide.
        if len(location) > MAX_DEPTH or len(self.places) > MAX_VALUES:
            if not self.too_much:
                self.problems.append(_too_much(self.path, *place))
            self.too_much = True
        if self.too_much:
            self.readable = False
            return None
        if node.tag != PLAIN and not node.tag.startswith(KNOWN_TAGS):
            self.refuse(node, f"the tag {quoted(node.tag)} is not known", "remove it")
        if isinstance(node, yaml.ScalarNode):
            return self.read_scalar(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*location, index)) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self.read_mapping(node, location)
        raise AssertionError(f"unknown YAML node {node!r}")

    def read_scalar(self, node: yaml.ScalarNode) -> Value:
        if (
            node.value
            and node.tag == PLAIN
            and (found := _EMPTY_COMMENT.match(self.rest_of_line(node))) is not None
        ):
            offset = node.end_mark.column - node.start_mark.column + found.end(1)
            what, mend = "this # begins a comment that says nothing", "put quotes around text with # in it"
            self.refuse_at(node, offset, what, mend)
            return str(node.value)
        meant = self.meant_by(node)
        return scalar_value(node) if meant is None else meant

    def rest_of_line(self, node: yaml.Node) -> str:
        """What follows a node that begins and ends on one line."""
        end = node.end_mark
        if end.line != node.start_mark.line or end.line >= len(self.lines):
            return ""
        return self.lines[end.line][end.column :]

    def read_mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for key_node, value_node in node.value:
            key = self.read_key(key_node)
            if key is None:
                continue
            if (pair := joined_pair(key_node, value_node)) is not None:
                written = key[len(pair[0]) + 1 :]
                key, value_node = pair
                self.refuse_at(key_node, len(key), *no_space_after_colon(key, written))
            if key in found:
                begins_entry = bool(location) and isinstance(location[-1], int) and key == next(iter(found))
                mend = "keep one of them" + (", or begin a new entry by `- `" if begins_entry else "")
                self.refuse(key_node, f"the key {quoted(key)} stands here a second time", mend)
                continue
            inner = (*location, key)
            key_place = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            found[key] = self.read(value_node, inner)
            self.key_places[inner] = key_place
            if found[key] is None or not isinstance(value_node, yaml.ScalarNode):
                # An error about a whole list, or a missing value, is best shown at its key.
                self.places[inner] = key_place
        return found

    def read_key(self, node: yaml.Node) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            name = name_in_braces(node)
            what, mend = "a key must be a word", "text that begins with [ or { needs quotes"
            if name is not None:
                what, mend = f"`{{{name}}}` is not text to YAML", f"for the variable, write ${{{name}}}"
            self.refuse(node, what, mend)
            self.readable = False
            return None
        if node.value == "<<" and node.tag == PLAIN:
            self.refuse(node, "merge keys (<<) are not part of YAML 1.2", "write the keys out")
            self.readable = False
            return None
        if (words := joined_dash(node)) is not None:
            self.refuse(node, *words)
            self.readable = False
            return None
        meant = self.meant_by(node)
        return str(node.value) if meant is None else meant

    def meant_by(self, node: yaml.ScalarNode) -> str | None:
        """The text that a scalar only looks like, which is refused; None where it is what it looks like."""
        fault = look_alike(node)
        if fault is None:
            return None
        self.refuse_at(node, fault.offset, fault.what, fault.mend)
        # Behind a space that is none there may be what belongs elsewhere.
        self.readable = self.readable and not fault.hides_structure
        return fault.meant

    def refuse(self, node: yaml.Node, what: str, mend: str = "") -> None:
        self.refuse_at(node, 0, what, mend)

    def refuse_at(self, node: yaml.Node, offset: int, what: str, mend: str = "") -> None:
        mark = node.start_mark
        line, column = mark.line + 1, mark.column + 1 + offset
        self.problems.append(Problem(self.path, line, column, what, mend, ProblemCode.SYNTAX))
