"""NDJSON files as rows of text: a JSON object on each line, whose names are the columns.

Such a file is what lists are exported as, so its rows can come back as they went; the last line, which says
that it is the last, is no row. Numbers keep the digits
that they were written with, `true` and `false` become `yes` and `no`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ringflow.errors import DocumentError, Problem
from ringflow.plain_text import plain

MAX_BYTES = 200_000_000
END = "end"
"""The one name on the last line of an export."""
_UTF_8_MARK = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n"


class _FaultyLine(Exception):
    """What is wrong with a line, and what to do about it."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what)
        self.mend = mend


@dataclass(frozen=True, slots=True)
class ObjectLine:
    """A line (from 1) and its values as text, by name."""

    line: int
    cells: Mapping[str, str]


def holds_objects(path: Path) -> bool:
    """Whether a file begins as NDJSON does. No header of a sheet begins with a brace."""
    try:
        with path.open("rb") as file:
            head = file.read(1000)
    except OSError:
        return False  # whoever reads the file next says why it cannot be read
    return head.removeprefix(_UTF_8_MARK).lstrip(_BLANK).startswith(b"{")


def read_object_lines(
    path: Path, null: Mapping[str, str], aliases: Mapping[str, str], ignored: Collection[str]
) -> tuple[Sequence[ObjectLine], Sequence[Problem]]:
    """Read every line; with what is wrong with those that cannot be read.

    `null` has the names that are known, and what null means for each as text. Raises `DocumentError` for a
    file that is too large.
    """
    name = str(path)
    if path.stat().st_size > MAX_BYTES:
        raise DocumentError([Problem(name, 0, 0, f"has more than {MAX_BYTES // 1_000_000} MB", "divide it")])
    found: list[ObjectLine] = []
    problems: list[Problem] = []
    for number, line in enumerate(path.read_bytes().removeprefix(_UTF_8_MARK).split(b"\n"), start=1):
        if not line.strip(_BLANK):
            continue
        try:
            pairs = _object(line)
            if [given for given, _ in pairs] != [END]:
                found.append(ObjectLine(number, _cells(pairs, null, aliases, ignored)))
        except _FaultyLine as error:
            problems.append(Problem(name, number, 1, str(error), error.mend))
    return found, problems


def _object(line: bytes) -> list[tuple[str, Any]]:
    """Return the names and values of an object in their order, those that come twice too."""
    mend = 'write one JSON object on each line, such as {"number": "18005550100"}'
    try:
        # What is in an object as a value becomes a list of pairs too, and is refused later.
        value = json.loads(line, object_pairs_hook=_Pairs, parse_int=str, parse_float=str, parse_constant=_no)
    except UnicodeDecodeError:
        raise _FaultyLine("is not in UTF-8", "save the file in UTF-8") from None
    except RecursionError:
        raise _FaultyLine("is nested too deeply", mend) from None
    except json.JSONDecodeError as error:
        raise _FaultyLine(f"is not JSON: {error.msg} at character {error.colno}", mend) from None
    except ValueError as error:
        raise _FaultyLine(f"is not JSON: {error}", mend) from None
    if not isinstance(value, _Pairs):
        raise _FaultyLine("is no JSON object", mend)
    return value


class _Pairs(list[tuple[str, Any]]):
    """An object as it was read."""


def _no(constant: str) -> Any:
    raise ValueError(f"{constant} is no value")


def _cells(
    pairs: Sequence[tuple[str, Any]],
    null: Mapping[str, str],
    aliases: Mapping[str, str],
    ignored: Collection[str],
) -> dict[str, str]:
    cells: dict[str, str] = {}
    for given, value in pairs:
        name = aliases.get(given, given)
        if name in ignored:
            continue
        if name not in null:
            raise _FaultyLine(f"unknown field `{plain(given)[:32]}`", f"known: {', '.join(null)}")
        if name in cells:
            raise _FaultyLine(f"the field `{name}` stands here a second time", "keep one of them")
        cells[name] = null[name] if value is None else _text(name, value)
    return cells


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, str):
        raise _FaultyLine(f"{name}: is an object or a list", "write it as text")
    # PostgreSQL takes neither a NUL nor a half of a surrogate pair.
    if "\0" in value or value.encode(errors="ignore").decode() != value:
        raise _FaultyLine(
            f"{name}: has a character that no text can have", "take out NUL and lone surrogates"
        )
    return value.strip()
