"""Slot `music`: music on hold, for a time or until a key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from ringflow.calls.music import NoMusic
from ringflow.flows.exit_rules import Condition, given
from ringflow.flows.slot import DONE, ID_PATTERN, KEYS_PATTERN, FieldProblem, Slot, SlotGroup, VariableName
from ringflow.flows.until_key import KEY, key_problems

if TYPE_CHECKING:
    from ringflow.calls.call import Call

FAILED = "failed"


class Music(Slot):
    """Plays music on hold."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.SOUND
    fixed_exits: ClassVar[tuple[str, ...]] = (DONE, KEY, FAILED)
    exit_conditions: ClassVar[Mapping[str, Condition]] = {KEY: given("until")}

    music_class: Annotated[str, Field(pattern=ID_PATTERN, max_length=64)] = "default"
    """The class of music, as `musiconhold.conf` of Asterisk names it."""
    seconds: Annotated[float, Field(ge=1, le=3600)] = 30.0
    """How long."""
    until: Annotated[str, Field(pattern=KEYS_PATTERN)] = ""
    """Keys that end it, by the exit `key`."""
    result: VariableName | None = None
    """The variable that gets the key that ended it."""

    def problems(self) -> Iterator[FieldProblem]:
        """Keys that lead nowhere."""
        yield from key_problems(self, self.until, self.result)

    @property
    def exits(self) -> tuple[str, ...]:
        """`key` with `until`."""
        return tuple(one for one in self.fixed_exits if one != KEY or self.until)

    def sets(self) -> Mapping[str, frozenset[str]]:
        """The key, where one ended it."""
        return {KEY: frozenset({self.result})} if self.result is not None else {}

    async def run(self, call: Call) -> str:
        """Play it."""
        try:
            key = await call.media.music(self.music_class, round(self.seconds * 1000), self.until)
        except NoMusic as error:
            call.note("no_music", str(error))
            return FAILED
        if not key:
            return DONE
        if self.result is not None:
            call.variables.store(self.result, key)
        return KEY
