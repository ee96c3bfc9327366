"""Slot `app`: calls another app as a subroutine, with variables of its own, and goes on when it returns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, TypeAlias

from pydantic import BeforeValidator, Field

from ringflow.flows.exit_rules import AppField
from ringflow.flows.slot import (
    DONE,
    EXIT_PATTERN,
    AppCall,
    AppName,
    OwnExits,
    Slot,
    SlotGroup,
    SlotResult,
    Subroutine,
    VariableName,
)
from ringflow.flows.template import Template
from ringflow.flows.value_template import ValueTemplate

if TYPE_CHECKING:
    from ringflow.calls.call import Call

MAX_ARGUMENTS = 50


def _by_its_own_name(value: object) -> object:
    return {name: name for name in value} if isinstance(value, list | tuple) else value


_WrittenResults: TypeAlias = (
    Annotated[dict[VariableName, VariableName], Field(max_length=MAX_ARGUMENTS)]
    | Annotated[list[VariableName], Field(max_length=MAX_ARGUMENTS)]
)


class App(Slot):
    """Calls another app as a subroutine: it runs with variables of its own and then returns here."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.LOGIC
    own_exits: ClassVar[OwnExits | None] = OwnExits(EXIT_PATTERN, "every exit by which the other app returns")
    app_fields: ClassVar[tuple[AppField, ...]] = (AppField("call", returns=True),)

    call: AppName
    """The app to call."""
    arguments: Annotated[dict[VariableName, ValueTemplate], Field(max_length=MAX_ARGUMENTS)] = Field(
        default_factory=dict
    )
    """The variables that it begins with, besides those that every app has: any value, with `${...}` in its
    texts. A text that is one `${name}` and nothing else passes the value itself, also a list or an object."""
    results: Annotated[
        dict[VariableName, VariableName],
        Field(max_length=MAX_ARGUMENTS),
        BeforeValidator(_by_its_own_name, json_schema_input_type=_WrittenResults),
    ] = Field(default_factory=dict)
    """The variables that are set here when it returns: each with the name that it has there, or a list of
    names that are the same here and there."""

    @property
    def exits(self) -> tuple[str, ...]:
        """Those that lead somewhere; which others the app has, its own file says."""
        return (DONE, *(name for name in self.on if name != DONE))

    def sip_code(self, exit_name: str) -> int | None:
        """The code of the slot in the other app that ended so stays."""
        return None

    def app_call(self) -> AppCall:
        """The app of `call`."""
        return AppCall(self.call, frozenset(self.arguments), self.results)

    def templates(self) -> Iterator[tuple[str, Template]]:
        """Those in the arguments."""
        for value in self.arguments.values():
            yield from (("arguments", template) for template in value.templates)

    async def run(self, call: Call) -> SlotResult:
        """Have the other app run with its arguments."""
        variables = call.variables
        secret = frozenset(
            name
            for name, value in self.arguments.items()
            for template in value.templates
            if any(variables.is_secret(reference.name) for reference in template.references)
        )
        arguments = {name: value.render(variables.visible) for name, value in self.arguments.items()}
        return Subroutine(self.call, arguments, secret, self.results)
