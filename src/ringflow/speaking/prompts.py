"""Which prompts a language needs in the library, so that they can be spoken or recorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

from ringflow.speaking.language import COUNTING, ORDINAL, PAUSE, Gender, Language, load_language
from ringflow.speaking.rules import GLUE, Kind, Steps, walk
from ringflow.speaking.values import SaidAs

Announcement: TypeAlias = Literal["balance", "minutes", "prices"]
"""The sentences that slots say by themselves."""


def prompts_needed(language: str, *said: SaidAs | Announcement) -> Mapping[str, str]:
    """The texts of all prompts that can be asked for, by name; with `said`, of those needed to say that.

    They are to be spoken by the voice that `load_language(language).voice` names. Raises `Refused` for a
    language that there is not.
    """
    spoken = load_language(language)
    keys = frozenset(key for one in said for key in _keys(language, one)) if said else spoken.units.keys()
    return {unit.name: unit.text for key, unit in spoken.units.items() if key in keys}


@dataclass(frozen=True, slots=True)
class _Roots:
    """What is said directly: the rest is what these refer to."""

    phrases: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    nouns: tuple[str, ...] = ()
    units: tuple[str, ...] = ()


@cache
def _keys(language: str, said: SaidAs | Announcement) -> frozenset[str]:
    spoken = load_language(language)
    roots = _roots(spoken, said)
    sets, nouns, units = set(roots.sets), set(roots.nouns), set(roots.units)
    waiting: list[Steps] = [spoken.phrases[name] for name in roots.phrases]
    waiting += [steps for name in sets for steps in _of_set(spoken, name)]
    waiting += [steps for name in nouns for steps in spoken.grammar.nouns[name].values()]
    while waiting:
        for step in walk(waiting.pop()):
            if step.kind is Kind.UNIT:
                units.add(step.name)
            elif step.kind is Kind.NOUN and step.name not in nouns:
                nouns.add(step.name)
                waiting += spoken.grammar.nouns[step.name].values()
            elif step.name in spoken.grammar.sets and step.name not in sets:
                sets.add(step.name)
                waiting += _of_set(spoken, step.name)
    return frozenset(units - GLUE.keys())


def _of_set(language: Language, name: str) -> Iterator[Steps]:
    return (rule.steps for rule in language.grammar.sets[name].rules)


def _roots(language: Language, said: SaidAs | Announcement) -> _Roots:
    counting = (COUNTING, *(one for one in Gender if one in language.grammar.sets))
    money = {noun for one in language.currencies.values() for noun in (one.major, one.minor) if noun}
    sums = ("negative", "decimal", "major_and_minor")
    clock = tuple(one for one in ("clock", "clock-minute") if one in language.grammar.nouns)
    keys = (*_spelt(language, range(10)), *language.symbols.values())
    match said:
        case SaidAs.DIGITS:
            return _Roots(units=keys)
        case SaidAs.LETTERS:
            return _Roots(units=(*keys, *language.letters.values(), *language.marks.values()))
        case SaidAs.TELEPHONE:
            groups = _spelt(language, range(10**language.telephone_group))
            return _Roots(units=(*keys, *groups, PAUSE))
        case SaidAs.NUMBER:
            return _Roots(("negative", "decimal"), counting)
        case SaidAs.ORDINAL:
            return _Roots(sets=tuple(one for one in language.grammar.sets if one.startswith(ORDINAL)))
        case SaidAs.MONEY:
            return _Roots(sums, counting, tuple(money))
        case SaidAs.DATE:
            phrases = ("day_and_month", "date", "with_weekday")
            return _Roots(phrases, ("day", "year"), units=(*language.months, *language.weekdays))
        case SaidAs.TIME:
            clocks = tuple(one for one in language.phrases if one.startswith("time_"))
            parts = tuple(unit for _, unit in language.day_parts)
            return _Roots((*clocks, "noon", "midnight"), ("clock-hour", "clock-minute"), clock, parts)
        case SaidAs.DURATION:
            return _Roots(("list_end",), counting, ("day", "hour", "minute", "second"))
        case "balance":
            return _Roots((*sums, "balance"), counting, tuple(money))
        case "minutes":
            return _Roots(("minutes", "less_than_a_minute"), counting, ("minute",))
        case "prices":
            sentences = ("rate", "cost", "free", "minutes", "minutes_and_seconds")
            return _Roots((*sums, *sentences), counting, (*money, "minute", "second"))
        case _:
            return _Roots()


def _spelt(language: Language, numbers: Iterable[int]) -> set[str]:
    return {key for n in numbers for key in language.spell(n)}
