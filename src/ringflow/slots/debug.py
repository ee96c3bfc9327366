"""Slot `debug`: writes a line into the call's record and the log, with variables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import structlog
from pydantic import BeforeValidator, Field

from ringflow.calls.json_value import as_text, look_up
from ringflow.flows.slot import FieldProblem, Slot, SlotGroup, VariablePath
from ringflow.flows.template import Template, TextError

if TYPE_CHECKING:
    from ringflow.calls.call import Call

MAX_VARIABLES = 50
MAX_VALUE = 200
NOT_SET = "(not set)"
ALL = "all"

log = structlog.get_logger("ringflow.flows")


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


class Debug(Slot):
    """Writes a line into the call's record, its transcript and the log. The caller hears nothing."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.LOGIC
    needs_caller: ClassVar[bool] = False

    text: Template | None = None
    """The line, with `${...}`. Secret values stand as `****`."""
    variables: Annotated[
        tuple[VariablePath, ...],
        Field(max_length=MAX_VARIABLES),
        BeforeValidator(_listed, json_schema_input_type=str | list[VariablePath]),
    ] = ()
    """The names of variables whose values follow, or `all`: those that the app has set."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """The level of the line in the log."""

    def problems(self) -> Iterator[FieldProblem]:
        """A line that says nothing."""
        if self.text is None and not self.variables:
            yield FieldProblem("slot", "says nothing", "add `text:`, `variables:` or both")

    def tested(self) -> Iterator[tuple[str, str, str]]:
        """The variables that are shown, and may be unset."""
        yield from (("variables", name, name) for name in self.variables if name != ALL)

    async def run(self, call: Call) -> str:
        """Write the line; nothing in it can fail."""
        shown = call.variables.shown
        text = ""
        if self.text is not None:
            try:
                text = self.text.render(shown)
            except TextError as error:
                text = f"({error})"
        names = call.variables.own_names if ALL in self.variables else self.variables
        values: dict[str, str] = {}
        for name in names:
            try:
                values[name] = as_text(look_up(shown, name))[:MAX_VALUE]
            except KeyError:
                values[name] = NOT_SET
        detail = " ".join(
            part for part in (text, *(f"{name}={value}" for name, value in values.items())) if part
        )
        level = "" if self.level == "info" else f"{self.level}: "
        call.note("debug", "".join(one if one.isprintable() else "?" for one in level + detail))
        place = call.events.place
        getattr(log, self.level)("debug", app=place.app, slot=place.slot, text=text, variables=values)
        return "done"
