"""A language as its file in `languages/` describes it, read once and checked as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import cache
from importlib.resources import files
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field

from ringflow.errors import Unknown
from ringflow.speaking.plurals import Category, parse_plurals
from ringflow.speaking.rules import (
    GLUE,
    Grammar,
    Kind,
    Rule,
    RuleSet,
    Steps,
    Tokens,
    fill,
    parse_rule,
    parse_steps,
    walk,
)
from ringflow.speaking.words import LIBRARY_PREFIX, Unit, Words

PAUSE = "pause"
"""The unit of the silence between groups of digits; each language has it."""

COUNTING = "cardinal"
"""The set of rules that counts without a noun; each language has it."""

ORDINAL = "ordinal"
"""The set of rules of ordinal numbers; with a gender behind a hyphen, the one before its nouns."""

_INHERITS = "inherits"
_UNITS = "units"
_LETTER = "letter-"
_FOLDER = files("ringflow.speaking") / "languages"
_SUFFIX = ".yaml"


class Gender(StrEnum):
    """The gender of what is counted."""

    MASCULINE = "masculine"
    FEMININE = "feminine"
    NEUTER = "neuter"


class Clock(IntEnum):
    """How many hours a clock counts to."""

    TWELVE = 12
    TWENTY_FOUR = 24


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Pack(_Entry):
    """The Debian package with Asterisk's files in this language, and their folder below its sounds."""

    package: str
    folder: str


class UnitEntry(_Entry):
    """One unit: its text, and Asterisk's files that say the same, separated by spaces.

    With `pause_ms` it is a silence of that length, and the text what is written for it.
    """

    text: Annotated[str, Field(min_length=1)]
    pack: str = ""
    pause_ms: Annotated[int, Field(ge=0, le=2000)] = 0


class NounEntry(_Entry):
    """A noun: its gender, and its forms by CLDR's category as units."""

    gender: Gender = Gender.MASCULINE
    forms: dict[Category, str]


class Currency(_Entry):
    """The nouns of a currency's unit and of its minor unit, if it has one."""

    major: str
    minor: str | None = None


class Phrases(_Entry):
    """How sentences are put together; each is in the notation of `rules`."""

    negative: str
    major_and_minor: str
    decimal: str
    minutes: str
    less_than_a_minute: str
    balance: str
    rate: str
    cost: str
    free: str
    minutes_and_seconds: str
    list_end: str
    day_and_month: str
    date: str
    with_weekday: str
    time_24: str
    time_24_whole: str
    time_12: str
    time_12_whole: str
    noon: str
    midnight: str


class LanguageFile(_Entry):
    """A file of `languages/`."""

    voice: str
    pack: Pack
    plurals: dict[Category, str]
    units: dict[str, UnitEntry]
    symbols: dict[str, str]
    numbers: dict[str, dict[str, str]]
    nouns: dict[str, NounEntry]
    currencies: dict[str, Currency]
    marks: dict[str, str]
    months: Annotated[tuple[str, ...], Field(min_length=12, max_length=12)]
    weekdays: Annotated[tuple[str, ...], Field(min_length=7, max_length=7)]
    clock: Clock
    day_parts: dict[Annotated[int, Field(ge=0, le=23)], str]
    telephone_group: Annotated[int, Field(ge=1, le=4)]
    phrases: Phrases


@dataclass(frozen=True, slots=True)
class Language:
    """A language ready for use.

    `symbols` are the units of the characters that keypads have besides digits, `letters` those of letters (in
    small letters) and `marks` those of other characters that are spelt. `months` begins with January,
    `weekdays` with Monday. `day_parts` has the units of the parts of the day from each hour on, in order.
    """

    code: str
    voice: str
    pack: Pack
    units: Mapping[str, Unit]
    symbols: Mapping[str, str]
    grammar: Grammar
    genders: Mapping[str, Gender]
    currencies: Mapping[str, Currency]
    letters: Mapping[str, str]
    marks: Mapping[str, str]
    months: tuple[str, ...]
    weekdays: tuple[str, ...]
    clock: Clock
    day_parts: tuple[tuple[int, str], ...]
    telephone_group: int
    phrases: Mapping[str, Steps]

    def spell(self, n: int, gender: Gender | None = None) -> Tokens:
        """A number that is not below zero, as counted without a noun or before one of a gender."""
        # A language has rules for a gender only where it says numbers otherwise before it.
        return self.grammar.spell(n, gender if gender and gender in self.grammar.sets else COUNTING)

    def spell_ordinal(self, n: int, gender: Gender | None = None) -> Tokens:
        """An ordinal number above zero, as it stands alone or before a noun of a gender."""
        own = f"{ORDINAL}-{gender}"
        return self.grammar.spell(n, own if own in self.grammar.sets else ORDINAL)

    def count(self, n: int, noun: str) -> Tokens:
        """A number that is not below zero, and what is counted."""
        return (*self.spell(n, self.genders[noun]), *self.grammar.inflect(noun, n))

    def phrase(self, name: str, **slots: Tokens) -> Tokens:
        """A phrase with its slots filled."""
        return fill(self.phrases[name], slots)

    def words(self, tokens: Tokens) -> Words:
        """The units that tokens name, and their text."""
        units: list[Unit] = []
        text = between = ""
        for token in tokens:
            if token in GLUE:
                between = GLUE[token]
                continue
            units.append(self.units[token])
            text += between + self.units[token].text
            between = " "
        return Words(tuple(units), text)


@cache
def languages() -> tuple[str, ...]:
    """The codes of the languages there are, sorted."""
    names = (entry.name for entry in _FOLDER.iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)))


@cache
def load_language(code: str) -> Language:
    """The language of an ISO 639 code such as `en`. Raises `Refused`, naming those there are."""
    if code not in languages():
        raise Unknown(
            "language.unknown",
            f"`{code[:16]}` is not a language spoken here: there are {', '.join(languages())}",
            language=code[:16],
            languages=languages(),
        )
    # Every scalar is text to this loader, so `no` is a word and `020` keeps its nought.
    text = (_FOLDER / f"{code}{_SUFFIX}").read_text("utf-8")
    return build_language(code, LanguageFile.model_validate(yaml.load(text, yaml.CBaseLoader)))  # noqa: S506


def build_language(code: str, file: LanguageFile) -> Language:
    """The language that a file describes. Raises `ValueError` for a rule that cannot be read or followed."""
    units = {
        key: Unit(f"{LIBRARY_PREFIX}{code}/{key}", entry.text, tuple(entry.pack.split()), entry.pause_ms)
        for key, entry in file.units.items()
    }
    grammar = Grammar(
        sets=_read_sets(file),
        nouns={
            name: {category: parse_steps(form) for category, form in entry.forms.items()}
            for name, entry in file.nouns.items()
        },
        plurals=parse_plurals(file.plurals),
    )
    phrases = {name: parse_steps(text) for name, text in file.phrases.model_dump().items()}
    _check_names(file, grammar, phrases)
    return Language(
        code=code,
        voice=file.voice,
        pack=file.pack,
        units=units,
        symbols=file.symbols,
        grammar=grammar,
        genders={name: entry.gender for name, entry in file.nouns.items()},
        currencies=file.currencies,
        letters={entry.text.lower(): key for key, entry in file.units.items() if key.startswith(_LETTER)},
        marks=file.marks,
        months=file.months,
        weekdays=file.weekdays,
        clock=file.clock,
        day_parts=tuple(sorted(file.day_parts.items())),
        telephone_group=file.telephone_group,
        phrases=phrases,
    )


def _read_sets(file: LanguageFile) -> dict[str, RuleSet]:
    read: dict[str, dict[int, Rule]] = {}
    for name, entries in file.numbers.items():
        # A unit whose key is a number says that number, unless a rule tells more.
        units = entries.get(_UNITS, "#" if name == COUNTING else "")
        own = [parse_rule(key, text) for key, text in entries.items() if key not in (_INHERITS, _UNITS)]
        read[name] = {
            **(read[entries[_INHERITS]] if _INHERITS in entries else {}),
            **_unit_rules(file, units),
            **{rule.base: rule for rule in own},
        }
    return {name: RuleSet(rules) for name, rules in read.items()}


def _unit_rules(file: LanguageFile, pattern: str) -> dict[int, Rule]:
    """A rule for each unit whose key is `pattern` with a number in the place of its `#`."""
    head, _, tail = pattern.partition("#")
    found = {
        key: key.removeprefix(head).removesuffix(tail)
        for key in file.units
        if pattern and key.startswith(head) and key.endswith(tail)
    }
    return {int(digits): parse_rule(digits, key) for key, digits in found.items() if digits.isdecimal()}


def _check_names(file: LanguageFile, grammar: Grammar, phrases: Mapping[str, Steps]) -> None:
    """Raise `ValueError` for a name that leads nowhere: better when the file is read than in a call."""
    rules = [rule.steps for one in grammar.sets.values() for rule in one.rules]
    forms = [form for noun in grammar.nouns.values() for form in noun.values()]
    known = {
        Kind.UNIT: file.units.keys() | GLUE.keys(),
        Kind.NOUN: file.nouns.keys(),
        **dict.fromkeys((Kind.QUOTIENT, Kind.REST, Kind.SAME), file.numbers.keys() | {""}),
    }
    for steps in (*rules, *forms, *phrases.values()):
        for step in walk(steps):
            if step.kind in known and step.name not in known[step.kind]:
                raise ValueError(f"`{step.kind.value}{step.name}` is not defined")
    for name in _referred(file):
        if name not in file.nouns.keys() | file.units.keys():
            raise ValueError(f"`{name}` is not defined")


def _referred(file: LanguageFile) -> Iterator[str]:
    yield from (*file.symbols.values(), *file.marks.values(), *file.day_parts.values())
    yield from (*file.months, *file.weekdays, PAUSE)
    for currency in file.currencies.values():
        yield currency.major
        if currency.minor is not None:
            yield currency.minor
