"""Sequences of keys that each mean something by themselves, told apart while the caller keys.

The rules, in the order in which they are applied to what has been keyed so far:

1. **A key that continues a sequence is part of it**, also where it is a terminator: with the sequences `5`
   and `5#`, the keys `5#` are the second one.
2. **A sequence that nothing can continue is taken at once.**
3. **Where more could follow, the next key decides**: with `1` and `12`, the key `1` is taken when a
   terminator comes, or when no key comes for the inter-digit time. Digits that are no sequence, such as an
   extension or a number, count as what could follow too.
4. **Keys that no sequence begins with** are other digits, where those are taken; else they end the input.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

DIGITS = "0123456789"


class Decision(Enum):
    """What keys are that need no further key."""

    OPTION = auto()
    """One of the sequences."""
    OTHER = auto()
    """The first of other digits, or all of them: no sequence can come of them any more."""
    NOTHING = auto()
    """Neither."""


@dataclass(frozen=True, slots=True)
class MoreKeys:
    """How many keys to take before there can be a decision, and which of them end the input meanwhile."""

    count: int
    terminators: str


Next: TypeAlias = Decision | MoreKeys


@dataclass(frozen=True, slots=True)
class KeyOptions:
    """The sequences. `first_digits`: with which of the digits other input may begin, where it is taken."""

    sequences: frozenset[str]
    first_digits: str = DIGITS

    def after(self, keys: str, most_others: int, terminators: str) -> Next:
        """What to do after `keys` (none at the beginning) if `most_others` other digits are taken at most."""
        longer = [one for one in self.sequences if len(one) > len(keys) and one.startswith(keys)]
        others = self._begin_others(keys) and len(keys) < most_others
        if longer:
            return self._until_decision(keys, longer, terminators, others=others)
        if keys in self.sequences:
            if not others:
                return Decision.OPTION
            return MoreKeys(most_others - len(keys), terminators)
        return Decision.OTHER if self._begin_others(keys) and len(keys) <= most_others else Decision.NOTHING

    def _begin_others(self, keys: str) -> bool:
        return not keys or (keys[0] in self.first_digits and all(key in DIGITS for key in keys))

    @staticmethod
    def _until_decision(keys: str, longer: list[str], terminators: str, *, others: bool) -> MoreKeys:
        count = 1 if others else min(map(len, longer)) - len(keys)
        continuing = {key for one in longer for key in one[len(keys) : len(keys) + count]}
        if count > 1 and continuing & set(terminators):
            # One `Read` cannot take a key as a terminator here and as an option there.
            count = 1
            continuing = {one[len(keys)] for one in longer}
        return MoreKeys(count, "".join(key for key in terminators if key not in continuing))


def continued(sequences: frozenset[str]) -> Iterator[tuple[str, str]]:
    """The sequences with which another one begins, each with the shortest such one: `1` and `12`."""
    for one in sorted(sequences):
        longer = [other for other in sequences if other != one and other.startswith(one)]
        if longer:
            yield one, min(longer, key=lambda other: (len(other), other))
