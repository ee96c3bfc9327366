"""How a variable gets its value in the slot `set`: as it is, by arithmetic, from text, or by chance."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ringflow.calls.exact_number import MAX_DECIMALS, NotCalculable, number_value, readable_number
from ringflow.calls.json_value import MAX_VALUE_BYTES, JsonValue
from ringflow.flows.formula import Formula
from ringflow.flows.template import Reference, Template
from ringflow.flows.value_template import ValueTemplate
from ringflow.wording import did_you_mean, no_value

MAX_CHOICES = 100
MAX_JOINED = 50
MAX_WIDTH = 1000
ALL_PERCENT = 100

Values: TypeAlias = Mapping[str, JsonValue]

WAYS: Mapping[str, frozenset[str]] = {
    "value": frozenset(),
    "calculate": frozenset({"decimals"}),
    "increase": frozenset({"start", "at_least", "at_most"}),
    "length": frozenset(),
    "upper": frozenset(),
    "lower": frozenset(),
    "trim": frozenset(),
    "digits": frozenset(),
    "substring": frozenset({"first", "last"}),
    "replace": frozenset({"old", "new"}),
    "join": frozenset({"separator"}),
    "pad": frozenset({"width", "fill", "side"}),
    "choose": frozenset(),
    "percent": frozenset(),
}
"""The ways in which a variable gets its value, each with what may stand beside it."""

_MISSING = {"replace": ("old",), "pad": ("width",)}
_NOT_A_DIGIT = re.compile(r"[^0-9]", re.ASCII)


def check_percents(parts: Mapping[str, Decimal]) -> None:
    """Raise ValueError for parts that are not a hundred together, with what to do about it after ` || `."""
    total = sum(parts.values(), Decimal(0))
    if total != ALL_PERCENT:
        rest = ALL_PERCENT - total
        what = f"the parts are {number_value(total)} % together, not 100"
        raise ValueError(f"{what} || {'add' if rest > 0 else 'take away'} {number_value(abs(rest))}")


def _percent(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = readable_number(value)
        if number is None or not 0 <= number <= ALL_PERCENT:
            raise ValueError(f"a part is 0 to 100 %, not {value} || write a number such as 12.5")
        return number
    raise ValueError("must be a number of per cent || write 10 for 10 %")


Percent = Annotated[Decimal, BeforeValidator(_percent, json_schema_input_type=float)]
"""A part of a hundred, exact: 33.3 + 33.3 + 33.4 is 100."""


def draw_part(parts: Mapping[str, Decimal], random: Random) -> str:
    """One of the names, each as often as its part says."""
    drawn = Decimal(random.randrange(10**9)).scaleb(-9) * ALL_PERCENT
    reached = Decimal(0)
    for name, part in parts.items():
        reached += part
        if drawn < reached:
            return name
    return list(parts)[-1]


@dataclass(frozen=True, slots=True)
class Assigned:
    """A value for a variable. `is_held`: a counter would have gone beyond its bound, and stays there."""

    value: JsonValue
    is_held: bool = False


class Assignment(BaseModel):
    """One way to the value of a variable: exactly one of `WAYS`, and what may stand beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: ValueTemplate | None = None
    """The value as it is; for a mapping, which would otherwise be read as one of the ways below."""
    calculate: Formula | None = None
    """Arithmetic with + - * / % and parentheses, and `min`, `max`, `abs`, `floor`, `ceil`, `round`."""
    decimals: Annotated[int, Field(ge=0, le=MAX_DECIMALS)] | None = None
    """How many decimals the result of `calculate` has, rounded half up."""
    increase: Formula | None = None
    """Counts: adds this to the variable itself; a negative number counts down."""
    start: Formula | None = None
    """Where a counter begins that is not set yet; without it at 0."""
    at_least: Formula | None = None
    """A counter goes no lower; the slot then ends by `limit`."""
    at_most: Formula | None = None
    """A counter goes no higher; the slot then ends by `limit`."""
    length: Template | None = None
    """How many characters a text has."""
    upper: Template | None = None
    """In capitals."""
    lower: Template | None = None
    """In small letters."""
    trim: Template | None = None
    """Without space at both ends."""
    digits: Template | None = None
    """Its digits alone."""
    substring: Template | None = None
    """A part: from its `first` to its `last` character."""
    first: int | None = None
    """The first character that is kept, from 1; -4 is the fourth from the end."""
    last: int | None = None
    """The last character that is kept; -1, the last of all, without it."""
    replace: Template | None = None
    """Every `old` replaced by `new`."""
    old: Template | None = None
    """What is replaced, as it is written."""
    new: Template | None = None
    """What stands there instead; without it nothing."""
    join: Annotated[tuple[Template, ...], Field(min_length=1, max_length=MAX_JOINED)] | None = None
    """Texts one after the other, with the `separator` between."""
    separator: Template | None = None
    """What stands between joined texts; without it nothing."""
    pad: Template | None = None
    """Made at least `width` characters long."""
    width: Annotated[int, Field(ge=1, le=MAX_WIDTH)] | None = None
    """How long a padded text is at least."""
    fill: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """The character that a text is padded with; without it a space."""
    side: Literal["left", "right"] | None = None
    """Where a text is padded; without it on the left."""
    choose: Annotated[tuple[ValueTemplate, ...], Field(min_length=2, max_length=MAX_CHOICES)] | None = None
    """One of these, by chance."""
    percent: Annotated[dict[str, Percent], Field(min_length=2, max_length=MAX_CHOICES)] | None = None
    """One of these names, each as often as it says in per cent; together they are 100."""

    @model_validator(mode="before")
    @classmethod
    def _one_way(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        ways = [way for way in WAYS if way in value]
        beside = {word for words in WAYS.values() for word in words}
        if not ways:
            unknown = sorted(map(str, value.keys() - beside))
            near = did_you_mean(unknown[0], WAYS) if unknown else ""
            what = f"none of its keys ({', '.join(sorted(map(str, value)))}) says how it gets its value"
            mend = f"write one of {', '.join(WAYS)}; for a mapping as it is, value: {{...}}"
            raise ValueError(f"{what} || {near or mend}")
        if len(ways) > 1:
            raise ValueError(
                f"`{ways[0]}` and `{ways[1]}` stand together || set two variables, one after the other"
            )
        way = ways[0]
        if value[way] is None:
            what, mend = no_value(way)
            raise ValueError(f"{what} || {mend}")
        for word in sorted(beside & value.keys()):
            if word not in WAYS[way]:
                fitting = ", ".join(f"`{one}`" for one in sorted(WAYS[way])) or "nothing"
                raise ValueError(f"`{word}` means nothing with `{way}` || with it goes {fitting}")
        for word in _MISSING.get(way, ()):
            if value.get(word) is None:
                raise ValueError(f"`{way}` needs `{word}` || add `{word}:`")
        return value

    @model_validator(mode="after")
    def _fits(self) -> Assignment:
        if self.percent is not None:
            check_percents(self.percent)
        low, high = (one.constant if one is not None else None for one in (self.at_least, self.at_most))
        if low is not None and high is not None and low > high:
            raise ValueError(f"at_least {low} is more than at_most {high} || swap them")
        if self.increase is not None and self.increase.constant == 0:
            raise ValueError("increase 0 counts nothing || write 1, or -1 to count down")
        if self.old is not None and not self.old.text:
            raise ValueError("`old` is empty || write what is to be replaced")
        first, last = self.first, self.last
        if 0 in (first, last):
            raise ValueError("characters count from 1 || write 1 for the first, -1 for the last")
        if first is not None and last is not None and (first > 0) is (last > 0) and first > last:
            raise ValueError(f"`first` {first} is behind `last` {last} || swap them")
        return self

    @property
    def way(self) -> str:
        """Which of `WAYS` it is."""
        return next(way for way in WAYS if getattr(self, way) is not None)

    @property
    def is_bounded(self) -> bool:
        """Whether it is a counter that has a bound."""
        return self.at_least is not None or self.at_most is not None

    @property
    def can_fail(self) -> bool:
        """Whether there are calls in which it has no value: where it fills in a text, or calculates."""
        return (
            self.increase is not None
            or any(not one.is_literal for one in self.templates())
            or (self.calculate is not None and self.calculate.constant is None)
        )

    def templates(self) -> Iterator[Template]:
        """Every text with `${...}` in it, and every calculation's."""
        found: Any
        for found in self.__dict__.values():
            if found is None:
                continue
            for one in found if isinstance(found, tuple) else (found,):
                if isinstance(one, Template):
                    yield one
                elif isinstance(one, Formula):
                    yield one.template
                elif isinstance(one, ValueTemplate):
                    yield from one.templates

    def references(self, variable: str) -> Iterator[Reference]:
        """Every variable that the value is made of; `variable` is the one that is set."""
        for template in self.templates():
            yield from template.references
        if self.increase is not None:
            yield Reference(variable, "")

    def assigned(self, variable: str, values: Values, random: Random) -> Assigned:
        """The value that `variable` gets. Raises `TextError` and `NotCalculable`."""
        match self.way:
            case "value":
                assert self.value is not None
                return Assigned(self.value.render(values))
            case "calculate":
                assert self.calculate is not None
                return Assigned(number_value(self.calculate.calculate(values), self.decimals))
            case "increase":
                return self._counted(variable, values)
            case "choose":
                assert self.choose is not None
                return Assigned(random.choice(self.choose).render(values))
            case "percent":
                assert self.percent is not None
                return Assigned(draw_part(self.percent, random))
            case _:
                return Assigned(self._text(values))

    def _counted(self, variable: str, values: Values) -> Assigned:
        assert self.increase is not None
        before = values.get(variable)
        if before is None:
            number = self.start.calculate(values) if self.start is not None else Decimal(0)
        else:
            found = readable_number(before)
            if found is None:
                raise NotCalculable(f"`{variable}` is not a number, and is not counted on")
            number = found
        number = COUNTING.calculate(
            {"a": number_value(number), "b": number_value(self.increase.calculate(values))}
        )
        held = number
        if self.at_least is not None:
            held = max(held, self.at_least.calculate(values))
        if self.at_most is not None:
            held = min(held, self.at_most.calculate(values))
        return Assigned(number_value(held), is_held=held != number)

    def _text(self, values: Values) -> JsonValue:
        if self.join is not None:
            separator = _filled(self.separator, values)
            return separator.join(_filled(one, values) for one in self.join)
        way = self.way
        text = _filled(getattr(self, way), values)
        match way:
            case "length":
                return len(text)
            case "upper":
                return text.upper()
            case "lower":
                return text.lower()
            case "trim":
                return text.strip()
            case "digits":
                return _NOT_A_DIGIT.sub("", text)
            case "substring":
                return _part(text, self.first or 1, self.last or -1)
            case "replace":
                return _replaced(text, _filled(self.old, values), _filled(self.new, values))
            case _:
                fill, width = self.fill or " ", self.width or 0
                return text.ljust(width, fill) if self.side == "right" else text.rjust(width, fill)


def _plain_value(value: object) -> object:
    if value is None:
        raise ValueError('has no value || write one; "" is the empty text')
    return value if isinstance(value, dict | Assignment) else {"value": value}


Assigning: TypeAlias = Annotated[
    Assignment,
    BeforeValidator(_plain_value, json_schema_input_type=str | int | float | bool | list[Any] | Assignment),
]
"""A value as it is, or a mapping with one of `WAYS`."""

COUNTING = Formula.parse("${a} + ${b}")


def _filled(template: Template | None, values: Values) -> str:
    return "" if template is None else template.render(values, MAX_VALUE_BYTES)


def _replaced(text: str, old: str, new: str) -> str:
    """Every `old` replaced by `new`. Raises `NotCalculable` for a text that no variable could hold."""
    if not old:
        return text
    length = len(text) + text.count(old) * (len(new) - len(old))
    if length > MAX_VALUE_BYTES:
        # Before it is made: of two values of the longest kind, it is longer than the memory.
        raise NotCalculable(f"the text has {length} characters, and {MAX_VALUE_BYTES} are the most")
    return text.replace(old, new)


def _part(text: str, first: int, last: int) -> str:
    """The characters from `first` to `last`, both included; from 1, or from the end where negative."""
    begin = first - 1 if first > 0 else max(len(text) + first, 0)
    end = last if last > 0 else len(text) + last + 1
    return text[begin : max(end, 0)]
