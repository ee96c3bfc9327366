"""Slot `blocklist`: tells callers whom nobody wants to hear, and puts numbers on a list or takes them off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from ringflow.accounts.value_lists.list_name import MAX_NAME, NAME_PATTERN
from ringflow.calls.list_look_ups import ListUnavailable
from ringflow.flows.exit_rules import Condition, absent, either, matching
from ringflow.flows.slot import DONE, FieldProblem, Slot, SlotGroup
from ringflow.flows.template import Template, TextError

if TYPE_CHECKING:
    from ringflow.calls.call import Call

BLOCKED, ANONYMOUS, FAILED = "blocked", "anonymous", "failed"
MAX_LISTS = 10
ListName = Annotated[str, Field(pattern=NAME_PATTERN, max_length=MAX_NAME)]


def _several(value: object) -> object:
    return [value] if isinstance(value, str) else value


class Blocklist(Slot):
    """Looks whether a number stands in operators' lists, or puts it on one, or takes it off."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.CALLERS
    fixed_exits: ClassVar[tuple[str, ...]] = (DONE, BLOCKED, ANONYMOUS, FAILED)
    exit_conditions: ClassVar[Mapping[str, Condition]] = {
        BLOCKED: either(absent("action"), matching("action", {"const": "check"}))
    }
    needs_caller: ClassVar[bool] = False
    sip_codes: ClassVar[Mapping[str, int]] = {BLOCKED: 603, ANONYMOUS: 433}

    in_lists: Annotated[
        tuple[ListName, ...],
        BeforeValidator(_several, json_schema_input_type=ListName | tuple[ListName, ...]),
        Field(min_length=1, max_length=MAX_LISTS),
    ]
    """The operators' lists: one, or several of which any blocks."""
    number: Template | None = None
    """The number; without it the calling number."""
    action: Literal["check", "add", "remove"] = "check"
    """`check`: whether the number is blocked; `add`: put it on the list; `remove`: take it off."""

    def problems(self) -> Iterator[FieldProblem]:
        """Several lists on which a number would be put."""
        if self.action != "check" and len(self.in_lists) > 1:
            what = f"`action: {self.action}` is about one list, and there are {len(self.in_lists)}"
            yield FieldProblem("in_lists", what, "name one of them")

    @property
    def exits(self) -> tuple[str, ...]:
        """`blocked` only where it is looked for."""
        return tuple(one for one in self.fixed_exits if one != BLOCKED or self.action == "check")

    def lists(self) -> Iterator[tuple[str, str]]:
        """Those in `in_lists`."""
        yield from (("in_lists", name) for name in self.in_lists)

    async def run(self, call: Call) -> str:
        """Look, add or remove. A list that cannot be asked blocks nobody."""
        try:
            number = self._number(call)
            if number is None:
                return ANONYMOUS
            return await self._act(call, number)
        except (ListUnavailable, TextError) as error:
            call.note("list_not_read" if self.action == "check" else "list_not_changed", str(error))
            return FAILED

    def _number(self, call: Call) -> str | None:
        """The number as it is looked for; None: the caller withholds it, or has none."""
        if self.number is not None:
            return self.number.render(call.variables.visible).strip() or None
        return None if call.withheld else call.account.cli

    async def _act(self, call: Call, number: str) -> str:
        if self.action == "check":
            for name in self.in_lists:
                if await call.lists.contains(name, number):
                    call.note("blocked", f"list {name}")
                    return BLOCKED
            return DONE
        (name,) = self.in_lists
        if self.action == "add":
            await call.lists.keep(name, number, f"by call {call.id}")
        else:
            await call.lists.drop(name, number)
        call.note(f"list_{self.action}", name)
        return DONE
