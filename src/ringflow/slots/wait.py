"""Slot `wait`: lets time pass; a key may end it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema

from ringflow.flows.exit_rules import VARIABLE_TEXT, Condition, given, matching
from ringflow.flows.slot import DONE, KEYS_PATTERN, FieldProblem, Slot, SlotGroup
from ringflow.flows.template import Template
from ringflow.validation import Text
from ringflow.wording import quoted

if TYPE_CHECKING:
    from ringflow.calls.call import Call

KEY = "key"
FAILED = "failed"
LONGEST_S = 3600


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Seconds = Annotated[
    Template,
    BeforeValidator(_as_text),
    WithJsonSchema({"type": ["number", "string"], "description": "seconds, or text with ${name}"}),
]


class Wait(Slot):
    """Lets time pass in silence."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.CALLS
    fixed_exits: ClassVar[tuple[str, ...]] = (DONE, KEY, FAILED)
    exit_conditions: ClassVar[Mapping[str, Condition]] = {
        KEY: given("keys"),
        FAILED: matching("seconds", VARIABLE_TEXT),
    }

    seconds: Seconds
    """How long to wait, at most 3600; a variable may say it."""
    keys: Annotated[Text, Field(pattern=KEYS_PATTERN)] = ""
    """Keys that end the wait; the exit is then `key`. All others are ignored."""

    @property
    def exits(self) -> tuple[str, ...]:
        """`key` where one ends it, `failed` where a variable may be no length of time."""
        return (DONE, *((KEY,) if self.keys else ()), *(() if self.seconds.is_literal else (FAILED,)))

    def problems(self) -> Iterator[FieldProblem]:
        """A length of time that is none."""
        if self.seconds.is_literal and _length_ms(self.seconds.text) is None:
            what = f"{quoted(self.seconds.text)} is not a number of seconds from 0 to {LONGEST_S}"
            yield FieldProblem("seconds", what, "write seconds, such as 2 or 0.5")

    async def run(self, call: Call) -> str:
        """Wait."""
        text = self.seconds.render(call.variables.visible)
        length_ms = _length_ms(text)
        if length_ms is None:
            shown = self.seconds.render(call.variables.shown)
            call.note("not_waited", f"{quoted(shown)} is not a number of seconds from 0 to {LONGEST_S}")
            return FAILED
        return KEY if await call.media.wait(length_ms, self.keys) else DONE


def _length_ms(text: str) -> int | None:
    """Milliseconds; None for what is no number, or too large."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return round(seconds * 1000) if 0 <= seconds <= LONGEST_S else None
