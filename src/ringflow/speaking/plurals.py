"""Which plural form a whole number takes, by rules written as Unicode's CLDR writes them.

The part of UTS 35 (Part 3, "Language Plural Rules") that whole numbers need: ``n % 10 = 2..4 and n % 100 !=
12..14``. `n` and `i` are the number itself, `and` binds before `or`, a range holds both of its ends. What
tells fractions apart (`v`, `f`, `t`, `e`) is left out: nothing here counts fractions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

_RELATION = re.compile(r"[ni](?: *% *(?P<modulus>[0-9]+))? *(?P<sign>!?=) *(?P<ranges>[0-9., ]+)")
_RANGE = re.compile(r"([0-9]+)(?:\.\.([0-9]+))?")


class Category(StrEnum):
    """CLDR's names of plural forms. `OTHER` is what no rule names."""

    ZERO = "zero"
    ONE = "one"
    TWO = "two"
    FEW = "few"
    MANY = "many"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Relation:
    """One comparison: the number, or its rest by `modulus` (0: the number itself), in or not in ranges."""

    modulus: int
    wanted: bool
    ranges: tuple[range, ...]

    def holds(self, n: int) -> bool:
        """Whether the number, which is not below zero, compares so."""
        value = n % self.modulus if self.modulus else n
        return any(value in one for one in self.ranges) is self.wanted


@dataclass(frozen=True, slots=True)
class PluralRules:
    """A language's rules in the order in which they are tried; each is alternatives of relations."""

    rules: tuple[tuple[Category, tuple[tuple[Relation, ...], ...]], ...]

    def category(self, n: int) -> Category:
        """The form of a whole number; below zero as its mirror image above."""
        for category, alternatives in self.rules:
            if any(all(relation.holds(abs(n)) for relation in relations) for relations in alternatives):
                return category
        return Category.OTHER


def parse_plurals(rules: Mapping[Category, str]) -> PluralRules:
    """Rules from their text by category. Raises `ValueError` for what is not of the form above."""
    return PluralRules(
        tuple(
            (category, tuple(_parse_relations(one) for one in text.split(" or ")))
            for category, text in rules.items()
        )
    )


def _parse_relations(text: str) -> tuple[Relation, ...]:
    return tuple(_parse_relation(one.strip()) for one in text.split(" and "))


def _parse_relation(text: str) -> Relation:
    match = _RELATION.fullmatch(text)
    if match is None:
        raise ValueError(f"`{text}` is not a relation such as n % 10 = 2..4")
    return Relation(
        modulus=int(match["modulus"] or 0),
        wanted=match["sign"] == "=",
        ranges=tuple(_parse_range(one.strip()) for one in match["ranges"].split(",")),
    )


def _parse_range(text: str) -> range:
    match = _RANGE.fullmatch(text)
    if match is None:
        raise ValueError(f"`{text}` is not a number or a range such as 2..4")
    return range(int(match[1]), int(match[2] or match[1]) + 1)
