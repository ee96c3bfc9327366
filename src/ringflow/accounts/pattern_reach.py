"""Whether a pattern can find any caller at all: `^\\+44` never does, for E.164 digits have no plus.

Decided, not guessed: the pattern is read as an automaton over the digits 0 to 9, and walked together with the
automaton of all that it is ever searched in, which is the empty text and the digits of E.164 numbers. A sign
that may be several things (`[^5]`, `\\d`, `\\pN`) is put to RE2 itself, digit by digit. Where the pattern has
something that is not known here it counts as able to match: a good pattern is never refused.

In a text of digits alone `(?m)`, `(?s)`, `(?i)` and laziness make no difference, so they are passed over;
`\\b` is at both ends of a text that is not empty, and `\\B` is everywhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache

import re2

from ringflow.numbers import MAX_E164_DIGITS, possible_lengths

DIGITS = "0123456789"
_REPEAT = re.compile(r"\{([0-9]+)(,([0-9]*))?\}")
_GROUP = re.compile(r"\(\?(?:P?<[A-Za-z0-9_]+>|[imsU-]*:)")
_FLAGS = re.compile(r"\(\?[imsU-]+\)")
_ESCAPE = re.compile(r"\\(?:x\{[0-9A-Fa-f]+\}|x[0-9A-Fa-f]{2}|[0-7]{1,3}|[pP]\{[^}]*\}|[pP].|.)")
_MOST_REPEATS = MAX_E164_DIGITS + 1
"""No text has more digits: of more repeats the others find nothing, and one more of those changes nothing."""
_MAX_NODES = 20_000


class _At(Enum):
    """A place in the text that a pattern asks for."""

    START = "start"
    END = "end"
    EDGE = "edge"
    NO_EDGE = "no edge"


class _Unknown(Exception):
    """The pattern has something that is not known here."""


@dataclass(slots=True)
class _Automaton:
    """States with steps for a digit of a set, and steps without one, on which there may be an `_At`."""

    digits: list[list[tuple[frozenset[str], int]]] = field(default_factory=list)
    free: list[list[tuple[_At | None, int]]] = field(default_factory=list)

    def state(self) -> int:
        if len(self.digits) >= _MAX_NODES:
            raise _Unknown
        self.digits.append([])
        self.free.append([])
        return len(self.digits) - 1


def can_match_a_number(pattern: str) -> bool:
    """Whether the empty text, or the digits of any number, can match. The pattern is one that RE2 takes."""
    try:
        automaton, start, end = _read(pattern)
    except _Unknown:
        return True
    return _meets(automaton, start, end)


# ---- the pattern as an automaton: Thompson's construction


@dataclass(frozen=True, slots=True)
class _Node:
    """A part of a pattern: `kind` is `digits`, `at`, `all` (one after the other), `any` (or), `repeat`."""

    kind: str
    parts: tuple[_Node, ...] = ()
    digits: frozenset[str] = frozenset()
    at: _At | None = None
    low: int = 0
    high: int | None = None


def _read(pattern: str) -> tuple[_Automaton, int, int]:
    reader = _Reader(pattern)
    node = reader.alternatives()
    if reader.at < len(pattern):
        raise _Unknown
    automaton = _Automaton()
    start = automaton.state()
    return automaton, start, _build(automaton, node, start)


def _build(automaton: _Automaton, node: _Node, start: int) -> int:
    """Add the states of a part that begins at `start`; returns the state at which it ends."""
    if node.kind == "all":
        for part in node.parts:
            start = _build(automaton, part, start)
        return start
    if node.kind == "repeat":
        return _build_repeat(automaton, node, start)
    end = automaton.state()
    if node.kind == "any":
        for part in node.parts:
            automaton.free[_build(automaton, part, start)].append((None, end))
    elif node.kind == "at":
        automaton.free[start].append((node.at, end))
    else:
        automaton.digits[start].append((node.digits, end))
    return end


def _build_repeat(automaton: _Automaton, node: _Node, start: int) -> int:
    (part,) = node.parts
    for _ in range(min(node.low, _MOST_REPEATS)):
        start = _build(automaton, part, start)
    end = automaton.state()
    if node.high is None:
        again = automaton.state()
        automaton.free[start].append((None, again))
        automaton.free[_build(automaton, part, again)].append((None, again))
        automaton.free[again].append((None, end))
        return end
    automaton.free[start].append((None, end))
    for _ in range(min(node.high - node.low, _MOST_REPEATS)):
        start = _build(automaton, part, start)
        automaton.free[start].append((None, end))
    return end


class _Reader:
    """Reads RE2's syntax (https://github.com/google/re2/wiki/Syntax), of a pattern that RE2 has taken."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def alternatives(self) -> _Node:
        parts = [self._sequence()]
        while self.pattern.startswith("|", self.at):
            self.at += 1
            parts.append(self._sequence())
        return _Node("any", tuple(parts))

    def _sequence(self) -> _Node:
        parts: list[_Node] = []
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            parts += self._repeated(self._one())
        return _Node("all", tuple(parts))

    def _repeated(self, parts: list[_Node]) -> list[_Node]:
        """With the repeat that follows the last of the parts, if one does."""
        while parts and self.at < len(self.pattern):
            sign = self.pattern[self.at]
            counted = _REPEAT.match(self.pattern, self.at)
            if sign in "*+?":
                low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
                self.at += 1
            elif counted:
                low = int(counted[1])
                high = low if counted[2] is None else int(counted[3]) if counted[3] else None
                self.at = counted.end()
            else:
                break
            parts[-1] = _Node("repeat", (parts[-1],), low=low, high=high)
        return parts

    def _one(self) -> list[_Node]:
        """The next thing to which a repeat may belong; of quoted text each sign, of flags nothing."""
        sign = self.pattern[self.at]
        if sign == "(":
            return self._group()
        if sign == "[":
            return [self._digits(self._class_end())]
        if sign == "\\":
            return self._escape()
        if sign in "^$":
            self.at += 1
            return [_Node("at", at=_At.START if sign == "^" else _At.END)]
        return [self._digits(self.at + 1)]

    def _group(self) -> list[_Node]:
        if flags := _FLAGS.match(self.pattern, self.at):
            self.at = flags.end()
            return []
        opened = _GROUP.match(self.pattern, self.at)
        if opened is None and self.pattern.startswith("(?", self.at):
            raise _Unknown
        self.at = opened.end() if opened else self.at + 1
        inner = self.alternatives()
        self.at += 1  # its closing bracket
        return [inner]

    def _escape(self) -> list[_Node]:
        if self.pattern.startswith("\\Q", self.at):
            text, closed, _ = self.pattern[self.at + 2 :].partition("\\E")
            self.at += 2 + len(text) + len(closed)
            return [_Node("digits", digits=frozenset(one) & frozenset(DIGITS)) for one in text]
        found = _ESCAPE.match(self.pattern, self.at)
        if found is None:
            raise _Unknown
        places = {"\\A": _At.START, "\\z": _At.END, "\\b": _At.EDGE, "\\B": _At.NO_EDGE}
        if found[0] in places:
            self.at = found.end()
            return [_Node("at", at=places[found[0]])]
        return [self._digits(found.end())]

    def _class_end(self) -> int:
        at = self.at + 1
        at += self.pattern.startswith("^", at)
        at += self.pattern.startswith("]", at)  # first in a class it is a sign like others
        while at < len(self.pattern) and self.pattern[at] != "]":
            if self.pattern.startswith("[:", at) and (end := self.pattern.find(":]", at)) > 0:
                at = end + 2
            elif escaped := _ESCAPE.match(self.pattern, at):
                at = escaped.end()
            else:
                at += 1
        return at + 1

    def _digits(self, end: int) -> _Node:
        """What of the digits the sign that goes on until `end` matches, which RE2 knows."""
        sign = self.pattern[self.at : end]
        self.at = end
        return _Node("digits", digits=_digits_of(sign))


@lru_cache(maxsize=1024)
def _digits_of(sign: str) -> frozenset[str]:
    options = re2.Options()
    options.log_errors = False
    if sign == "{":
        return frozenset()
    try:
        return frozenset(digit for digit in DIGITS if re2.fullmatch(sign, digit, options))
    except re2.error:
        raise _Unknown from None


# ---- what patterns are searched in


class _Open(Enum):
    """What is known of the rest of the text: nothing, that there is none, or that there is more."""

    OPEN = "open"
    ENDED = "ended"
    GOES_ON = "goes on"


@dataclass(frozen=True, slots=True)
class _Texts:
    """The empty text and all E.164 numbers, as an automaton: from state 0, every state leads to an end."""

    steps: tuple[dict[str, int], ...]
    ends: frozenset[int]


@lru_cache(maxsize=1)
def _texts() -> _Texts:
    steps: list[dict[str, int]] = [{}]
    ends = {0}
    tails: dict[tuple[int, ...], int] = {}
    for code, lengths in sorted(possible_lengths().items()):
        if not lengths:
            continue
        at = 0
        for digit in code[:-1]:
            at = steps[at].setdefault(digit, len(steps))
            if at == len(steps):
                steps.append({})
        # Countries whose numbers have the same lengths share their states.
        steps[at][code[-1]] = _tail(tuple(sorted(lengths)), steps, ends, tails)
    return _Texts(tuple(steps), frozenset(ends))


def _tail(
    lengths: tuple[int, ...], steps: list[dict[str, int]], ends: set[int], tails: dict[tuple[int, ...], int]
) -> int:
    """The state from which any digits follow, as many as one of the lengths."""
    if lengths not in tails:
        tails[lengths] = state = len(steps)
        steps.append({})
        if 0 in lengths:
            ends.add(state)
        rest = tuple(length - 1 for length in lengths if length)
        if rest:
            steps[state] = dict.fromkeys(DIGITS, _tail(rest, steps, ends, tails))
    return tails[lengths]


def _meets(automaton: _Automaton, start: int, end: int) -> bool:
    """Whether the pattern is found in one of the texts: a walk of both at once finds a way to its end."""
    texts = _texts()
    seen: set[tuple[int, int, _Open]] = set()
    # Unanchored: it may begin at any place of the text.
    waiting = [(start, at, _Open.OPEN) for at in range(len(texts.steps))]
    while waiting:
        place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        state, at, rest = place
        if state == end:
            return True
        if rest is not _Open.ENDED:
            for digits, following in automaton.digits[state]:
                ways = {texts.steps[at][digit] for digit in digits & texts.steps[at].keys()}
                waiting += [(following, way, _Open.OPEN) for way in ways]
        for condition, following in automaton.free[state]:
            waiting += [(following, at, known) for known in _known(condition, texts, at, rest)]
    return False


def _known(condition: _At | None, texts: _Texts, at: int, rest: _Open) -> Iterator[_Open]:
    """What is known of the rest of the text once the condition holds at `at`; nothing where it cannot."""
    can_end = rest is not _Open.GOES_ON and at in texts.ends
    can_go_on = rest is not _Open.ENDED and bool(texts.steps[at])
    if condition is None or (condition is _At.START and at == 0):
        yield rest
    elif condition is _At.END:
        if can_end:
            yield _Open.ENDED
    elif condition is not _At.START and (condition is _At.EDGE) == (at == 0):
        # An edge at the start of a text that goes on; no edge within a text.
        if can_go_on:
            yield _Open.GOES_ON
    elif condition is not _At.START and can_end:
        yield _Open.ENDED
