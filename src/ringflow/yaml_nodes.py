"""YAML 1.2 text as PyYAML's nodes, which know their lines and columns, and its scalars as values.

PyYAML reads YAML 1.1, in which `no` is false, `12:30` is 750 and `010` is eight. Its C parser is used only
as far as the node tree; scalars are then resolved by the core schema of YAML 1.2
(https://yaml.org/spec/1.2.2/#103-core-schema), with one stricter rule: digits with a leading zero or plus,
and numbers in other bases, are text, because in telephony `010` and `+441910000001` are dialled, not counted.
"""

from __future__ import annotations

import math
import re

import yaml
from yaml._yaml import CParser
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.resolver import BaseResolver

MAX_DEPTH = 64
PLAIN = "?"
"""The tag of a scalar without quotes and tag, whose text decides what it is."""
KNOWN_TAGS = "tag:yaml.org,2002:"

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_MAX_INTEGER_DIGITS = 4000


class _Loader(CParser, Composer, SafeConstructor, BaseResolver):
    """PyYAML's C parser up to the node tree, without the scalar types of YAML 1.1."""

    def __init__(self, raw: bytes) -> None:
        CParser.__init__(self, raw)
        SafeConstructor.__init__(self)
        BaseResolver.__init__(self)

    def resolve(self, kind: type[yaml.Node], value: str | None, implicit: tuple[bool, bool]) -> str:
        """Leave plain scalars unresolved (`PLAIN`), so that `!!str 5` can be told from `5`."""
        if kind is yaml.ScalarNode and implicit[0]:
            return PLAIN
        return str(super().resolve(kind, value, implicit))  # type: ignore[no-untyped-call]


def compose(raw: bytes) -> yaml.Node | None:
    """The only document of UTF-8 bytes that passed `excess_depth`, None where they are empty.

    Raises `yaml.MarkedYAMLError`, or `yaml.reader.ReaderError` for characters that YAML does not allow.
    """
    node: yaml.Node | None = _Loader(raw).get_single_node()
    return node


def excess_depth(raw: bytes) -> tuple[int, int] | None:
    """Line and column (from 1) where the text is deeper than `MAX_DEPTH`; None where it nowhere is.

    Raises as `compose` does. PyYAML's C composer calls itself for every level and does not look at its
    stack: 50,000 brackets end the whole process. The event parser does not.
    """
    parser, depth = CParser(raw), 0
    while (event := parser.get_event()) is not None:
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                mark = event.start_mark
                return (mark.line + 1, mark.column + 1) if mark else (0, 0)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return None


def scalar_value(node: yaml.ScalarNode) -> str | int | float | bool | None:
    """What a scalar stands for by the core schema and the rule above."""
    text: str = node.value
    if node.tag != PLAIN:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text) and len(text) <= _MAX_INTEGER_DIGITS:
        return int(text)
    if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text
