"""Slot `set`: sets variables to values, calculations, counters, parts of text, or what chance says."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import AfterValidator, Field

from ringflow.calls.exact_number import NotCalculable
from ringflow.calls.json_value import JsonValue, UnusableValue
from ringflow.flows.assignment import MAX_CHOICES, Assigning, Percent, check_percents, draw_part
from ringflow.flows.exit_rules import (
    ExitRule,
    each_key,
    either,
    fixed,
    given,
    matching,
    some_value,
    with_variable,
)
from ringflow.flows.slot import DONE, EXIT_PATTERN, FieldProblem, OwnExits, Slot, SlotGroup, VariableName
from ringflow.flows.template import Template, TextError

if TYPE_CHECKING:
    from decimal import Decimal

    from ringflow.calls.call import Call

MAX_VARIABLES = 50

FAILED = "failed"
LIMIT = "limit"


def _checked(parts: dict[str, Decimal]) -> dict[str, Decimal]:
    check_percents(parts)
    return parts


class Set(Slot):
    """Sets variables: to values, by arithmetic, from parts of text, as counters, or by chance."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.LOGIC
    fixed_exits: ClassVar[tuple[str, ...]] = (DONE, LIMIT, FAILED)
    needs_caller: ClassVar[bool] = False
    own_exits: ClassVar[OwnExits | None] = OwnExits(EXIT_PATTERN, "each name of `split`")

    variables: Annotated[dict[VariableName, Assigning], Field(max_length=MAX_VARIABLES)] = Field(
        default_factory=dict
    )
    """The variables, in the order in which they are set: each with its value, or with a mapping that says
    how it gets one. A later one may use an earlier one."""
    split: (
        Annotated[
            dict[Annotated[str, Field(pattern=EXIT_PATTERN)], Percent],
            Field(min_length=2, max_length=MAX_CHOICES),
            AfterValidator(_checked),
        ]
        | None
    ) = None
    """Exits that are taken by chance, for trials: each with its part in per cent, 100 in all."""
    result: VariableName | None = None
    """The variable that gets the name of the exit which `split` took."""

    def problems(self) -> Iterator[FieldProblem]:
        """A slot that does nothing, and names of `split` that this slot has already."""
        if not self.variables and self.split is None:
            yield FieldProblem("slot", "sets nothing", "add `variables:` with names and values, or `split:`")
        if self.result is not None and self.split is None:
            yield FieldProblem("result", "`result` gets what `split` draws, and there is none", "remove it")
        for name in sorted({DONE, LIMIT, FAILED}.intersection(self.split or ())):
            what = f"`{name}` is an exit of this slot already"
            yield FieldProblem("split", what, "choose another name", (name,))
        if self.result is not None and self.result in self.variables:
            yield FieldProblem(
                "result", f"`{self.result}` is among the `variables` too", "choose another name"
            )

    @property
    def exits(self) -> tuple[str, ...]:
        """The names of `split` in place of `done`; `limit` and `failed` only where they can happen."""
        found = list(self.split) if self.split is not None else [DONE]
        if any(one.is_bounded for one in self.variables.values()):
            found.append(LIMIT)
        if any(one.can_fail for one in self.variables.values()):
            found.append(FAILED)
        return tuple(found)

    @classmethod
    def exit_rules(cls) -> tuple[ExitRule, ...]:
        """The names of `split` in place of `done`; `limit` and `failed` only where they can happen."""
        bounded = either({"required": ["at_least"]}, {"required": ["at_most"]})
        fails = either({"type": "object", "required": ["increase"]}, with_variable())
        return (
            each_key("split", "on"),
            fixed(DONE, {"not": given("split", even_empty=True)}),
            fixed(LIMIT, matching("variables", some_value({"type": "object", **bounded}))),
            fixed(FAILED, matching("variables", some_value(fails))),
        )

    def sip_code(self, exit_name: str) -> int | None:
        """Where a counter is at its bound, or chance leads elsewhere, nothing failed."""
        return super().sip_code(exit_name) if exit_name == FAILED else None

    def sets(self) -> Mapping[str, frozenset[str]]:
        """All of them, but by `failed` none."""
        own = frozenset(self.variables)
        drawn = own | {self.result} if self.result is not None else own
        return {name: own if name == LIMIT else drawn for name in self.exits if name != FAILED}

    def templates(self) -> Iterator[tuple[str, Template]]:
        """Those of the values. What an earlier value has set is known to the later ones."""
        earlier: set[str] = set()
        for name, one in self.variables.items():
            yield from (("variables", _knowing(earlier, template)) for template in one.templates())
            earlier.add(name)

    async def run(self, call: Call) -> str:
        """Work out all values, and only then set the variables: after a failure all is as before."""
        found: dict[str, JsonValue] = {}
        secret: set[str] = set()
        values = ChainMap(found, dict(call.variables.visible))
        is_held = False
        for name, one in self.variables.items():
            try:
                assigned = one.assigned(name, values, call.random)
            except (TextError, NotCalculable) as error:
                call.note("not_set", f"{name}: {error}")
                return FAILED
            found[name] = assigned.value
            is_held |= assigned.is_held
            if any(
                reference.name.partition(".")[0] in secret or call.variables.is_secret(reference.name)
                for reference in one.references(name)
            ):
                secret.add(name)
        try:
            call.variables.store_all(found, frozenset(secret))
        except UnusableValue as error:
            call.note("not_set", str(error))
            return FAILED
        if is_held:
            return LIMIT
        if self.split is None:
            return DONE
        drawn = draw_part(self.split, call.random)
        if self.result is not None:
            call.variables.store(self.result, drawn)
        return drawn


def _knowing(names: set[str], template: Template) -> Template:
    """The template as one whose references to these names always have a value."""
    parts = tuple(
        replace(part, default="")
        if not isinstance(part, str) and part.name.partition(".")[0] in names
        else part
        for part in template.parts
    )
    return replace(template, parts=parts)
