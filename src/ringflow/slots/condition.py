"""Slot `condition`: the first of its cases that is true says where the call goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ringflow.calls.list_look_ups import ListUnavailable
from ringflow.flows.comparison import Comparison, names_tested
from ringflow.flows.exit_rules import ExitRule, either, fixed, matching
from ringflow.flows.slot import ID_PATTERN, FieldProblem, OwnExits, Slot, SlotGroup, Target
from ringflow.flows.template import Template
from ringflow.wording import quoted

if TYPE_CHECKING:
    from ringflow.calls.call import Call

MAX_CASES = 100
MAX_TESTS = 50

OTHERWISE = "otherwise"
FAILED = "failed"
_JOINS = ("if", "all", "any")


def _listed(value: object) -> object:
    return [value] if isinstance(value, dict) else value


_Comparisons = Annotated[
    tuple[Comparison, ...],
    Field(min_length=1, max_length=MAX_TESTS),
    BeforeValidator(_listed, json_schema_input_type=Comparison | list[Comparison]),
]


class Case(BaseModel):
    """Tests, and where the call goes on if they are true: one `if`, or several under `all` or `any`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=ID_PATTERN)] | None = None
    """The name of the exit, for records; without it `case_1`, `case_2` and so on."""
    if_: Comparison | None = Field(default=None, alias="if")
    """One test."""
    all: _Comparisons | None = None
    """Tests that must all be true."""
    any: _Comparisons | None = None
    """Tests of which one must be true."""
    to: Target
    """Where the call then goes on: a slot's id, `app:NAME`, `return:EXIT`, `next` or `hangup`."""

    @model_validator(mode="before")
    @classmethod
    def _one_join(cls, value: object) -> object:
        if isinstance(value, dict):
            joins = [one for one in _JOINS if one in value]
            if len(joins) > 1:
                raise ValueError(
                    f"`{joins[0]}` and `{joins[1]}` stand in one case || write two cases, one after the other"
                )
            if not joins and value.keys() <= {"name", "to"}:
                raise ValueError("the case has no tests || add `if:` with one, `all:` or `any:` with several")
            if joins and value[joins[0]] is None:
                raise ValueError(f"`{joins[0]}` has no tests || write one below it, indented")
        return value

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """All of its tests."""
        return self.all or self.any or ((self.if_,) if self.if_ is not None else ())

    async def holds(self, call: Call) -> bool:
        """Whether it is true now. Tests after the one that decides are not made."""
        for one in self.comparisons:
            if await one.holds(call) is (self.any is not None):
                return self.any is not None
        return self.any is None

    def shows_set(self) -> frozenset[str]:
        """The variables that are certain to be set where it is true."""
        found = [one.shows_set() for one in self.comparisons]
        return frozenset.intersection(*found) if self.any is not None else frozenset().union(*found)

    def shows_set_if_false(self) -> frozenset[str]:
        """The variables that are certain to be set where it is false."""
        found = [one.shows_set_if_false() for one in self.comparisons]
        return frozenset().union(*found) if self.any is not None else frozenset.intersection(*found)


class Condition(Slot):
    """Goes on where the first case leads that is true, or to `otherwise`."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.LOGIC
    fixed_exits: ClassVar[tuple[str, ...]] = (OTHERWISE, FAILED)
    needs_caller: ClassVar[bool] = False
    own_exits: ClassVar[OwnExits | None] = OwnExits(
        ID_PATTERN, "each case, by its `name` or as `case_1`, `case_2`, ...", "cases"
    )

    cases: Annotated[tuple[Case, ...], Field(min_length=1, max_length=MAX_CASES)]
    """The cases, in the order in which they are tried: the first that is true is taken."""
    otherwise: Target = "next"
    """Where the call goes on if none is: a slot's id, `app:NAME`, `return:EXIT`, `next` or `hangup`."""

    def problems(self) -> Iterator[FieldProblem]:
        """Names that stand twice, and cases that are never taken."""
        names = Counter(one.name for one in self.cases if one.name is not None)
        for index, one in enumerate(self.cases):
            if one.name in (OTHERWISE, FAILED):
                what = f"`{one.name}` is an exit of every condition"
                yield FieldProblem("cases", what, "choose another name", (index, "name"))
            elif one.name is not None and names[one.name] > 1:
                what = f"the name {quoted(one.name)} is also another case's"
                yield FieldProblem("cases", what, "names are unique in a condition", (index, "name"))
            earlier = next(
                (at for at, other in enumerate(self.cases[:index]) if _same_tests(one, other)), None
            )
            if earlier is not None:
                what = f"this case is never taken: case {earlier + 1} has the same tests"
                yield FieldProblem("cases", what, "change its tests, or remove it", (index,))
        if OTHERWISE in self.on:
            mend = f"write `otherwise: {self.on[OTHERWISE]}` beside `cases`"
            yield FieldProblem("on", "`otherwise` is a field of the slot", mend, (OTHERWISE,))

    def name_of(self, index: int) -> str:
        """The exit of a case."""
        return self.cases[index].name or f"case_{index + 1}"

    @property
    def exits(self) -> tuple[str, ...]:
        """`otherwise`, one for each case, and `failed` where a list is looked into."""
        asks_list = any(test.in_list is not None for one in self.cases for test in one.comparisons)
        names = dict.fromkeys(map(self.name_of, range(len(self.cases))))
        return (OTHERWISE, *names, *((FAILED,) if asks_list else ()))

    @classmethod
    def exit_rules(cls) -> tuple[ExitRule, ...]:
        """`otherwise`, the cases in their order, and `failed` where a list is looked into."""
        asks = {"required": ["in_list"]}
        listed = {"type": "array", "contains": asks}
        some_case = either(
            *(matching(join, asks) for join in _JOINS), *(matching(join, listed) for join in _JOINS[1:])
        )
        return (
            fixed(OTHERWISE, target_path=OTHERWISE),
            ExitRule(None, ("cases", "{}", "to"), each="cases", name="name", unnamed="case_{}"),
            fixed(FAILED, matching("cases", {"contains": some_case})),
        )

    @property
    def targets(self) -> Mapping[str, str]:
        """Those of the cases, of `otherwise`, and of `on`."""
        own = {self.name_of(index): one.to for index, one in enumerate(self.cases)}
        return self.on | own | {OTHERWISE: self.otherwise}

    def written_at(self, exit_name: str) -> tuple[str | int, ...]:
        """In its case, in `otherwise`, or in `on`."""
        if exit_name == OTHERWISE:
            return (OTHERWISE,)
        index = next((at for at in range(len(self.cases)) if self.name_of(at) == exit_name), None)
        return ("on", exit_name) if index is None else ("cases", index, "to")

    def sip_code(self, exit_name: str) -> int | None:
        """Only where a list could not be asked did anything fail."""
        return super().sip_code(exit_name) if exit_name == FAILED else None

    def ensures(self) -> Mapping[str, frozenset[str]]:
        """What the tests of a case show to be set, and what the cases before show that were not true."""
        found: dict[str, frozenset[str]] = {}
        passed: frozenset[str] = frozenset()
        for index, one in enumerate(self.cases):
            found[self.name_of(index)] = passed | one.shows_set()
            passed |= one.shows_set_if_false()
        return found | {OTHERWISE: passed}

    def templates(self) -> Iterator[tuple[str, Template]]:
        """What values are compared with."""
        for one in self.cases:
            for test in one.comparisons:
                yield from (("cases", template) for template in test.templates())

    def tested(self) -> Iterator[tuple[str, str, str]]:
        """The variables that are tested, and may be unset."""
        for one in self.cases:
            for test in one.comparisons:
                yield from (("cases", text, name) for name, text in names_tested(test).items())

    def lists(self) -> Iterator[tuple[str, str]]:
        """The operators' lists that are looked into."""
        for one in self.cases:
            yield from (("cases", test.in_list) for test in one.comparisons if test.in_list is not None)

    async def run(self, call: Call) -> str:
        """Try the cases in turn."""
        for index, one in enumerate(self.cases):
            try:
                if await one.holds(call):
                    return self.name_of(index)
            except ListUnavailable as error:
                call.note("list_failed", str(error))
                return FAILED
        return OTHERWISE


def _same_tests(one: Case, other: Case) -> bool:
    return one.model_copy(update={"name": None, "to": ""}) == other.model_copy(
        update={"name": None, "to": ""}
    )
