"""One test of the slot `condition`: a value, and what must be true of it.

A variable that is not set, and one that is null, has no value: of it only `is_set: false` and `not_equals`
are true. Text is compared as it is written, capitals and all. Two values that are written as numbers are
compared as numbers (`10.0` equals `10`); `05` and `+44` are no such numbers but text. `less`, `greater` and
`between` also read these as numbers, and are false of anything else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ringflow.accounts.value_lists.list_name import MAX_NAME, NAME_PATTERN
from ringflow.calls.exact_number import NotCalculable, plain_number, readable_number
from ringflow.calls.json_value import JsonValue, as_text
from ringflow.calls.variables import ALWAYS_SET, SOMETIMES_SET
from ringflow.flows.formula import Formula
from ringflow.flows.moment_text import MomentText, NotAMoment, read_moment_ms
from ringflow.flows.regex_text import Regex, matches_whole
from ringflow.flows.template import VARIABLE_NAME, Template, TextError
from ringflow.flows.value_template import ValueTemplate
from ringflow.wording import quoted

if TYPE_CHECKING:
    from ringflow.calls.call import Call

MAX_VALUES = 1000

_GIVEN = ALWAYS_SET | SOMETIMES_SET


def _listed(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


_Values = Annotated[tuple[ValueTemplate, ...], Field(min_length=1, max_length=MAX_VALUES)]
_Beginnings = Annotated[
    tuple[Template, ...],
    Field(min_length=1, max_length=MAX_VALUES),
    BeforeValidator(_listed, json_schema_input_type=Template | list[Template]),
]


@dataclass(frozen=True, slots=True)
class _Found:
    """The value that is tested; None where it is not set, and where it is null."""

    value: JsonValue
    shown: str
    """How it is written in the flow, for the record: the value itself may be a secret."""

    @property
    def number(self) -> Decimal | None:
        return readable_number(self.value)


class Comparison(BaseModel):
    """A value and one or more tests of it, all of which must be true."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: Template | None = None
    """What is tested, such as `${country}`. With `before` and `after` it may be left out: the time now."""
    equals: ValueTemplate | None = None
    not_equals: ValueTemplate | None = None
    matches: Regex | None = None
    """What the whole of the value must match (RE2 syntax)."""
    starts_with: _Beginnings | None = None
    """A text, or a list of texts, with one of which the value begins."""
    in_: _Values | None = Field(default=None, alias="in")
    """A list of values, of which it must equal one."""
    in_list: Annotated[str, Field(pattern=NAME_PATTERN, max_length=MAX_NAME)] | None = None
    """The name of an operators' list, in which it must be."""
    less: Formula | None = None
    greater: Formula | None = None
    between: tuple[Formula, Formula] | None = None
    """Two numbers: the lowest and the highest, both included."""
    is_set: bool | None = None
    """Whether the variable must have a value, or must have none."""
    before: MomentText | None = None
    after: MomentText | None = None
    """Date, time and zone. The moment itself is neither before nor after."""

    @model_validator(mode="before")
    @classmethod
    def _has_tests(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        tests = value.keys() - {"value"}
        if not tests:
            raise ValueError("tests nothing || add what must be true of the value, such as equals: 1")
        if value.get("value") is None and not tests <= {"before", "after"}:
            known = {info.alias or name for name, info in cls.model_fields.items()}
            if tests <= known:
                raise ValueError("`value` is missing || add what is tested, such as value: ${country}")
        return value

    @model_validator(mode="after")
    def _fits(self) -> Comparison:
        text = self.value
        if text is not None and text.is_literal:
            mend = (
                f"for the variable, write ${{{text.text}}}"
                if VARIABLE_NAME.fullmatch(text.text)
                else "write ${name}"
            )
            raise ValueError(
                f"{quoted(text.text)} is the same in every call: it has no variable in it || {mend}"
            )
        if self.is_set is not None and self._single() is None:
            raise ValueError("`is_set` asks for one variable, without a default || write value: ${name}")
        low, high = self.between or (None, None)
        if low is not None and high is not None:
            lowest, highest = low.constant, high.constant
            if lowest is not None and highest is not None and lowest > highest:
                raise ValueError(f"nothing is between {lowest} and {highest} || write the lower one first")
        if self.is_set is False and len(self.tests) > 1:
            raise ValueError(
                "of what is not set nothing else can be true || write the other tests by themselves"
            )
        return self

    @property
    def tests(self) -> tuple[str, ...]:
        """The names of the tests that it has."""
        return tuple(name for name, one in self.__dict__.items() if one is not None and name != "value")

    def templates(self) -> Iterator[Template]:
        """The texts and numbers that the value is compared with; their variables must be set."""
        for name in self.tests:
            found: Any = getattr(self, name)
            for one in found if isinstance(found, tuple) else (found,):
                if isinstance(one, Template):
                    yield one
                elif isinstance(one, Formula | MomentText):
                    yield one.template
                elif isinstance(one, ValueTemplate):
                    yield from one.templates

    def shows_set(self) -> frozenset[str]:
        """The variables that are certain to be set where this is true."""
        if self.value is None or self.is_set is False or self.tests == ("not_equals",):
            return frozenset()
        return frozenset(known_name(name) for name in self.value.required)

    def shows_set_if_false(self) -> frozenset[str]:
        """The variables that are certain to be set where this is false."""
        if self.is_set is not False or self.value is None:
            return frozenset()
        return frozenset(known_name(name) for name in self.value.required)

    async def holds(self, call: Call) -> bool:
        """Whether all of it is true now. Raises `ListUnavailable` for a list that cannot be asked."""
        found = self._found(call)
        try:
            return self._plain_tests(call, found) and await self._is_listed(call, found)
        except (TextError, NotCalculable, NotAMoment) as error:
            call.note("not_compared", f"{found.shown}: {str(error).partition(' || ')[0]}")
            return self.tests == ("not_equals",)

    def _found(self, call: Call) -> _Found:
        if self.value is None:
            return _Found(None, "now")
        try:
            return _Found(self.value.value(call.variables.visible), self.value.text)
        except TextError:
            return _Found(None, self.value.text)

    def _plain_tests(self, call: Call, found: _Found) -> bool:
        variables, value = call.variables.visible, found.value
        if self.is_set is not None and (value is not None) is not self.is_set:
            return False
        if self.not_equals is not None and same(value, self.not_equals.render(variables)):
            return False
        if value is None and self.value is not None:
            return self.tests in (("not_equals",), ("is_set",))
        text = as_text(value)
        if self.equals is not None and not same(value, self.equals.render(variables)):
            return False
        if self.matches is not None and not matches_whole(self.matches, text):
            return False
        if self.starts_with is not None and not text.startswith(
            tuple(one.render(variables) for one in self.starts_with)
        ):
            return False
        if self.in_ is not None and not any(same(value, one.render(variables)) for one in self.in_):
            return False
        return self._numeric_tests(call, found) and self._time_tests(call, found)

    def _numeric_tests(self, call: Call, found: _Found) -> bool:
        if self.less is None and self.greater is None and self.between is None:
            return True
        number, variables = found.number, call.variables.visible
        if number is None:
            raise NotCalculable("it is not a number")
        if self.less is not None and not number < self.less.calculate(variables):
            return False
        if self.greater is not None and not number > self.greater.calculate(variables):
            return False
        if self.between is None:
            return True
        low, high = self.between
        return low.calculate(variables) <= number <= high.calculate(variables)

    def _time_tests(self, call: Call, found: _Found) -> bool:
        if self.before is None and self.after is None:
            return True
        moment_ms = call.now_ms() if self.value is None else read_moment_ms(found.value)
        if moment_ms is None:
            raise NotAMoment("it is not a date and time with a zone")
        variables = call.variables.visible
        if self.before is not None and not moment_ms < self.before.ms(variables):
            return False
        return self.after is None or moment_ms > self.after.ms(variables)

    async def _is_listed(self, call: Call, found: _Found) -> bool:
        if self.in_list is None:
            return True
        return await call.lists.contains(self.in_list, as_text(found.value))

    def _single(self) -> str | None:
        """The variable that the value is, if it is one and nothing else."""
        references = self.value.references if self.value is not None else ()
        is_one = self.value is not None and len(self.value.parts) == 1 and len(references) == 1
        return references[0].name if is_one and references[0].default is None else None


def same(one: JsonValue, other: JsonValue) -> bool:
    """Whether two values are equal: as numbers where both are written as such, else as text."""
    if one is None or other is None:
        return one is other
    numbers = plain_number(one), plain_number(other)
    if None not in numbers:
        return numbers[0] == numbers[1]
    return as_text(one) == as_text(other)


def known_name(path: str) -> str:
    """The name by which the check knows the variable that a path leads into: of `order.id` it is `order`."""
    return path if path in _GIVEN else path.partition(".")[0]


def names_tested(comparison: Comparison) -> Mapping[str, str]:
    """The names that the value is made of, each with the text in which it stands: these may be unset."""
    text = comparison.value
    return {} if text is None else {reference.name: text.text for reference in text.references}
