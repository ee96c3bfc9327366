"""How long the texts are that a regular expression matches as a whole, if some characters only can occur.

A set of lengths is an integer: bit n is set where n characters are possible. Sequences, choices and
repetitions are then sums, unions and fixed points, without a search through texts. An anchor or a word
boundary is taken to hold everywhere, so that lengths which are not in the set are certain to be impossible.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_ESCAPED_CLASSES: dict[str, Callable[[str], bool]] = {
    "d": str.isdigit, "D": lambda key: not key.isdigit(),
    "w": str.isalnum, "W": lambda key: not key.isalnum(),
    "s": lambda key: False, "S": lambda key: True,
}  # fmt: skip
_ANCHORS = "AzbB"
_COUNT = re.compile(r"\{([0-9]+)(,?)([0-9]*)\}")
_GROUP = re.compile(r"\((?:\?(?::|P?<[A-Za-z_]\w*>))?")
_NOTHING = 1
"""The set of the length 0."""


class _Unknown(Exception):
    """The pattern has syntax that is not looked at here."""


def regex_lengths(pattern: str, keys: str, longest: int) -> list[int] | None:
    """Lengths up to `longest` of texts of `keys` that a pattern of RE2 matches as a whole, in order.

    None where the pattern uses what is not looked at: flags, classes by name, code points.
    """
    reader = _Reader(pattern, frozenset(keys), longest)
    try:
        found = reader.choice()
        reader.at_end()
    except (_Unknown, IndexError):
        return None
    return [length for length in range(longest + 1) if found >> length & 1]


class _Reader:
    """Reads a pattern from left to right (https://github.com/google/re2/wiki/Syntax)."""

    def __init__(self, pattern: str, keys: frozenset[str], longest: int) -> None:
        self._pattern = pattern
        self._keys = keys
        self._all = (1 << (longest + 1)) - 1
        self._at = 0

    def at_end(self) -> None:
        if self._at < len(self._pattern):
            raise _Unknown

    def choice(self) -> int:
        found = self._sequence()
        while self._takes("|"):
            found |= self._sequence()
        return found

    def _sequence(self) -> int:
        found = _NOTHING
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)":
            found = self._sum(found, self._repeated(self._item()))
        return found

    def _repeated(self, one: int) -> int:
        while self._at < len(self._pattern):
            if self._takes("*"):
                one = self._often(one)
            elif self._takes("+"):
                one = self._sum(one, self._often(one))
            elif self._takes("?"):
                one |= _NOTHING
            elif count := _COUNT.match(self._pattern, self._at):
                self._at = count.end()
                one = self._counted(one, int(count[1]), count[2], count[3])
            else:
                break
            self._takes("?")  # The shortest match first: the same texts.
        return one

    def _counted(self, one: int, least: int, comma: str, most: str) -> int:
        found = _NOTHING
        for _ in range(least):
            found = self._sum(found, one)
        if comma and not most:
            return self._sum(found, self._often(one))
        for _ in range(int(most) - least if most else 0):
            found |= self._sum(found, one)
        return found

    def _often(self, one: int) -> int:
        found, grown = _NOTHING, _NOTHING | one
        while grown != found:
            found, grown = grown, grown | self._sum(grown, one)
        return found

    def _sum(self, first: int, second: int) -> int:
        found, shift = 0, 0
        while second >> shift:
            if second >> shift & 1:
                found |= first << shift
            shift += 1
        return found & self._all

    def _item(self) -> int:
        if group := _GROUP.match(self._pattern, self._at):
            self._at = group.end()
            if self._pattern[self._at] == "?":
                raise _Unknown
            found = self.choice()
            if not self._takes(")"):
                raise _Unknown
            return found
        if self._takes("["):
            return self._class()
        if self._takes("."):
            return self._one_of(lambda key: True)
        if self._takes("^") or self._takes("$"):
            return _NOTHING
        if self._pattern[self._at] == "\\" and self._pattern[self._at + 1] in _ANCHORS:
            self._at += 2
            return _NOTHING
        return self._one_of(self._character())

    def _character(self) -> Callable[[str], bool]:
        """One character, or an escape for one or several."""
        sign = self._pattern[self._at]
        self._at += 1
        if sign != "\\":
            return lambda key: key == sign
        sign = self._pattern[self._at]
        self._at += 1
        if sign in _ESCAPED_CLASSES:
            return _ESCAPED_CLASSES[sign]
        if sign.isalnum():
            raise _Unknown
        return lambda key: key == sign

    def _class(self) -> int:
        is_negated = self._takes("^")
        fits: list[Callable[[str], bool]] = []
        while not fits or self._pattern[self._at] != "]":
            if self._pattern.startswith("[:", self._at):
                raise _Unknown
            first = self._pattern[self._at]
            one = self._character()
            if self._pattern[self._at] == "-" and self._pattern[self._at + 1] != "]":
                last = self._pattern[self._at + 1]
                if "\\" in (first, last):
                    raise _Unknown
                self._at += 2
                one = _between(first, last)
            fits.append(one)
        self._at += 1
        return self._one_of(lambda key: any(fit(key) for fit in fits) is not is_negated)

    def _one_of(self, fits: Callable[[str], bool]) -> int:
        return 2 if any(fits(key) for key in self._keys) else 0

    def _takes(self, sign: str) -> bool:
        taken = self._pattern.startswith(sign, self._at)
        self._at += taken
        return taken


def _between(first: str, last: str) -> Callable[[str], bool]:
    return lambda key: first <= key <= last
