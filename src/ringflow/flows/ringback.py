"""What a caller hears while others are rung: the fields that slots have for it, and what `Dial` is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import Field

from ringflow.calls.dial_attempt import RINGING, music_option
from ringflow.calls.music import NoMusic
from ringflow.flows.slot import ID_PATTERN, FieldProblem, Slot

if TYPE_CHECKING:
    from ringflow.calls.call import Call

Ringback: TypeAlias = Literal["callee", "ringing", "music"]
MusicClass: TypeAlias = Annotated[str, Field(pattern=ID_PATTERN, max_length=64)]


def ringback_problems(slot: Slot, ringback: Ringback) -> Iterator[FieldProblem]:
    """A class of music where none is played."""
    if "music_class" in slot.model_fields_set and ringback != "music":
        yield FieldProblem("music_class", "no music is played", "write `ringback: music`, or remove it")


async def ringback_option(call: Call, ringback: Ringback, music_class: str) -> str:
    """Return the option of `Dial`; ringing where Asterisk has no such music, which is noted."""
    if ringback != "music":
        return RINGING if ringback == "ringing" else ""
    try:
        await call.media.look_for_music(music_class)
    except NoMusic as error:
        call.note("no_music", str(error))
        return RINGING
    return music_option(music_class)
