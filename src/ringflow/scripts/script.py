"""A script with the local modules that it loads, ready to be sent to a worker."""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass

BUILT_IN = frozenset(
    {"cxRest", "cxHelper", "cxKV", "cxCurl", "axios"}
    | {f"{prefix}{name}" for prefix in ("", "node:") for name in ("crypto", "buffer", "url")}
)
"""Modules that the prelude has."""
LIBRARY_LINES = 2000
"""Scripts begin behind so many lines: what a stack has of an earlier line is of the prelude."""

_PLACE = re.compile(r"<input>:(\d+):(\d+)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a script's folder. `line` and `column` count from 1; 0: not known."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Script:
    """`source` is the program that a worker evaluates; `files` are its modules, the script itself first.

    `lines_before` has, for each file, the line of the program before its first. `paths` says which module
    each file means by which name. `revision` is a digest of all of it.
    """

    name: str
    source: str
    files: tuple[str, ...]
    lines_before: tuple[int, ...]
    paths: dict[str, dict[str, int]]
    revision: str

    def place_in(self, stack: str) -> Place:
        """Return the first place of a stack that is in one of the files; else the script."""
        for found in _PLACE.finditer(stack):
            place = self._place_in_program(int(found[1]), int(found[2]))
            if place is not None:
                return place
        return Place(self.files[0])

    def place_at_offset(self, offset: int) -> Place:
        """Return the place of a character of the program; of one that is in no file, the script."""
        line = self.source.count("\n", 0, offset) + 1
        place = self._place_in_program(line, offset - self.source.rfind("\n", 0, offset))
        return place or Place(self.files[0])

    def place_of_field(self, *names: str) -> Place:
        """Return the last place where the first of these fields is set that stands in the script.

        One that is named and not set counts too, and after all of them `main`. A run tells what it gave back,
        and not by which line: this is where to look.
        """
        for name in (*names, "main"):
            word = rf"(?<!\w){re.escape(name)}(?!\w)"
            for pattern in (rf"{word}['\"\]]*\s*(?:=(?!=)|:)", word):
                if found := list(re.finditer(pattern, self.source)):
                    return self.place_at_offset(found[-1].start())
        return Place(self.files[0])

    def _place_in_program(self, line: int, column: int) -> Place | None:
        number = bisect.bisect_left(self.lines_before, line) - 1
        after = self._line_after(number)
        if number >= 0 and line < max(after, self.lines_before[number] + 2):
            return Place(self.files[number], line - self.lines_before[number], column)
        return None

    def _line_after(self, number: int) -> int:
        if number + 1 < len(self.files):
            return self.lines_before[number + 1]
        return self.source.count("\n") + 1
