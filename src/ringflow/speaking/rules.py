"""The notation in which languages say how numbers and phrases are put together, and what carries it out.

It is that of ICU's rule-based number format, cut down to what is used, with words for prompts. A rule is
kept under the number from which it applies; the largest such number wins. It divides by the largest power
of ten that is not above that number, or by what stands behind a stroke (``60/20``). Its words:

==============  ==================================================================
``hundred``     a unit: one prompt, one or more written words
``_`` ``-``     write the next unit without a space, or with a hyphen before it
``<`` ``<set``  the quotient, by this set of rules or another
``>`` ``>set``  the rest, likewise
``=set``        the same number by another set
``*noun``       the noun's form for the quotient
``[ a | b ]``   a if there is a rest, b (or nothing) if there is none
``{name}``      in a phrase: what its caller puts there
==============  ==================================================================
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from ringflow.speaking.plurals import PluralRules

GLUE = {"_": "", "-": "-"}
"""What stands between two written units instead of a space, by its word."""

Tokens: TypeAlias = tuple[str, ...]
"""Keys of units, with words of `GLUE` between them."""


class Kind(Enum):
    """What a step does; the value is the character that begins its word, if one does."""

    UNIT = ""
    QUOTIENT = "<"
    REST = ">"
    SAME = "="
    NOUN = "*"
    SLOT = "{"
    CHOICE = "["


@dataclass(frozen=True, slots=True)
class Step:
    """One word of a rule; `name` is a unit, a set ("" for the present one), a noun or a slot."""

    kind: Kind
    name: str = ""
    with_rest: tuple[Step, ...] = ()
    without_rest: tuple[Step, ...] = ()


Steps: TypeAlias = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """How numbers from `base` on are said."""

    base: int
    divisor: int
    steps: Steps


def parse_steps(text: str) -> Steps:
    """A rule or phrase from its text. Raises `ValueError` for brackets that do not match."""
    words = iter(text.split())
    steps, end = _parse_until(words, ("",))
    assert end == ""
    return steps


def _parse_until(words: Iterator[str], ends: tuple[str, ...]) -> tuple[Steps, str]:
    steps: list[Step] = []
    for word in words:
        if word in ("|", "]"):
            if word not in ends:
                raise ValueError(f"`{word}` stands where no `[` is open")
            return tuple(steps), word
        if word == "[":
            steps.append(_parse_choice(words))
        elif word[0] == "{":
            steps.append(Step(Kind.SLOT, word.strip("{}")))
        elif word[0] in "<>=*":
            steps.append(Step(Kind(word[0]), word[1:]))
        else:
            steps.append(Step(Kind.UNIT, word))
    if "" not in ends:
        raise ValueError("`[` is never closed")
    return tuple(steps), ""


def _parse_choice(words: Iterator[str]) -> Step:
    with_rest, end = _parse_until(words, ("|", "]"))
    without_rest = _parse_until(words, ("]",))[0] if end == "|" else ()
    return Step(Kind.CHOICE, "", with_rest, without_rest)


def parse_rule(key: str, text: str) -> Rule:
    """A rule from its key, such as `60/20`, and its text. Raises `ValueError`."""
    base, _, divisor = key.partition("/")
    power = 10 ** (len(base) - 1) if int(base) else 1
    return Rule(int(base), int(divisor or power), parse_steps(text))


def walk(steps: Steps) -> Iterator[Step]:
    """Every step, those within brackets too."""
    for step in steps:
        yield step
        yield from walk(step.with_rest)
        yield from walk(step.without_rest)


class RuleSet:
    """Rules of one name, found by number."""

    def __init__(self, rules: Mapping[int, Rule]) -> None:
        self.rules = tuple(rules[base] for base in sorted(rules))
        self._bases = [rule.base for rule in self.rules]

    def find(self, n: int) -> Rule:
        """The rule for a number. Raises `ValueError` where the set begins above it."""
        index = bisect_right(self._bases, n)
        if not index:
            raise ValueError(f"no rule for {n}")
        return self.rules[index - 1]


@dataclass(frozen=True, slots=True)
class Grammar:
    """A language's sets of rules and nouns, by name."""

    sets: Mapping[str, RuleSet]
    nouns: Mapping[str, Mapping[str, Steps]]
    plurals: PluralRules

    def spell(self, n: int, set_name: str) -> Tokens:
        """The tokens of a whole number that is not below zero."""
        rule = self.sets[set_name].find(n)
        return tuple(self._carry_out(rule.steps, n, rule.divisor, set_name))

    def inflect(self, noun: str, n: int) -> Tokens:
        """The tokens of the noun's form for a number; the form `other` where there is none of its own."""
        forms = self.nouns[noun]
        steps = forms.get(self.plurals.category(n)) or forms["other"]
        return tuple(step.name for step in steps)

    def inflect_decimal(self, noun: str) -> Tokens:
        """The tokens of the noun's form for a number with decimals, as in `1.5 cents`.

        Where CLDR has a form of its own for these, as in Russian, it is spelt as the one for a few.
        """
        forms = self.nouns[noun]
        return tuple(step.name for step in forms.get("other") or forms["few"])

    def _carry_out(self, steps: Steps, n: int, divisor: int, set_name: str) -> Iterator[str]:
        quotient, rest = divmod(n, divisor)
        for step in steps:
            match step.kind:
                case Kind.QUOTIENT:
                    yield from self.spell(quotient, step.name or set_name)
                case Kind.REST:
                    yield from self.spell(rest, step.name or set_name)
                case Kind.SAME:
                    yield from self.spell(n, step.name)
                case Kind.NOUN:
                    yield from self.inflect(step.name, quotient)
                case Kind.CHOICE:
                    inner = step.with_rest if rest else step.without_rest
                    yield from self._carry_out(inner, n, divisor, set_name)
                case _:
                    yield step.name


def fill(phrase: Steps, slots: Mapping[str, Tokens]) -> Tokens:
    """The tokens of a phrase with its slots filled."""
    return tuple(
        token for step in phrase for token in (slots[step.name] if step.kind is Kind.SLOT else (step.name,))
    )
