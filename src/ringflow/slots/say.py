"""Slot `say`: says a value of a variable as what it is: a number, an amount, a date, a time ..."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from ringflow.calls.prompt import Circumstances, SaidValue, Speech
from ringflow.calls.variables import Variables
from ringflow.flows.manner_fields import MannerFields, ValueText, filled_value, refuse_secrets
from ringflow.flows.slot import FieldProblem, Slot, SlotGroup, SpokenField
from ringflow.flows.spoken import words_of
from ringflow.speaking import SaidAs

if TYPE_CHECKING:
    from ringflow.calls.call import Call

Kind = Literal["digits", "number", "ordinal", "money", "date", "time", "duration", "letters", "telephone"]


def _no_text(value: object) -> object:
    if value == SaidAs.TEXT:
        raise ValueError("a text is spoken by another slot || write `slot: tts`")
    return value


class Say(MannerFields, Slot):
    """Says a value in prompts of the library."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.SOUND
    fixed_exits: ClassVar[tuple[str, ...]] = ("done", "invalid")

    value: ValueText
    """What is said: a value, mostly of a variable."""
    said_as: Annotated[Kind, BeforeValidator(_no_text), Field(alias="as")]
    """What the value is, and so how it is said."""

    @property
    def kind(self) -> SaidAs:
        """What the value is."""
        return SaidAs(self.said_as)

    def problems(self) -> Iterator[FieldProblem]:
        """Fields that do not go with `as`, and a value that can never be said so."""
        yield from (FieldProblem(*problem) for problem in self.manner_problems(self.kind))
        if self.value.is_literal:
            problem = self.literal_problem(self.value.text, self.kind)
            if problem is not None:
                yield FieldProblem("value", *problem)

    def prompts(self) -> Iterator[tuple[str, str]]:
        """The words that it needs in its language."""
        yield from super().prompts()
        yield from words_of(self.language, self.kind)

    def spoken(self) -> Iterator[SpokenField]:
        """The value, and the variables that say how."""
        yield SpokenField("value", tuple(template for _, template in self.templates()), None)

    def speech(self, variables: Variables, circumstances: Circumstances) -> Speech:
        """The value with the variables of a call. Raises `Unsayable`, `TextError`."""
        refuse_secrets((template for _, template in self.templates()), variables)
        manner = self.manner(self.kind, variables, circumstances)
        return SaidValue(filled_value(self.value, variables), manner, self.value.text)

    async def run(self, call: Call) -> str:
        """Say it; `invalid` where it is not what it should be said as."""
        return "done" if await call.media.say(self) else "invalid"
