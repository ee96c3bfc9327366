"""Slot `override`: a caller says what schedules do: closed for today, open until six, as usual again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from ringflow.calendars.override_end import END_OF_DAY, is_end
from ringflow.config import TimeZone
from ringflow.flows.slot import STATE_PATTERN, FieldProblem, Slot, SlotGroup
from ringflow.flows.template import Template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ringflow.calls.call import Call

AS_USUAL = "as_usual"


class Override(Slot):
    """Says what the schedules with this name do from now on, instead of their hours."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.LOGIC
    fixed_exits: ClassVar[tuple[str, ...]] = ("done", "failed")

    name: Annotated[str, Field(pattern=STATE_PATTERN, max_length=40)]
    """The name that the schedules have as `override`."""
    state: Annotated[str, Field(pattern=STATE_PATTERN, max_length=40)] = "closed"
    """What they do: one of their exits, or `as_usual`: what their hours say."""
    until: Template | None = None
    """Until when: `end_of_day`, which it is without this field, `further_notice`, a time of today (`18:00`,
    as a caller keys it `1800`), or a day."""
    timezone: TimeZone | None = None
    """The time zone of `until`, such as `Europe/London`; without it that of `config.yaml`."""

    def problems(self) -> Iterator[FieldProblem]:
        """An end that is none."""
        if self.until is not None and self.until.is_literal and not is_end(self.until.text):
            mend = "write end_of_day, further_notice, 18:00, 2026-12-26 or 2026-12-26T18:00"
            yield FieldProblem("until", f"`{self.until.text}` is no end", mend)
        if self.state == AS_USUAL and self.until is not None:
            yield FieldProblem("until", "`as_usual` has no end", "remove it")

    def overrides(self) -> tuple[str, str | None]:
        """The name, and the exit."""
        return self.name, None if self.state == AS_USUAL else self.state

    async def run(self, call: Call) -> str:
        """Keep it; `failed` where the end is none or over, or the database is away."""
        name, state = self.overrides()
        until = END_OF_DAY if self.until is None else self.until.render(call.variables.visible)
        now = call.schedules.now(self.timezone)
        return "done" if await call.schedules.put_override(name, state, until, now) else "failed"
