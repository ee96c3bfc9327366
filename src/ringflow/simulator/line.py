"""What goes between a caller and the virtual Asterisk: sounds one way, keys and a hang-up the other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ringflow.simulator.callee import Behaviour


class Sound(StrEnum):
    """What a caller can hear besides prompts."""

    SILENCE = "silence"
    """Asterisk takes keys without playing anything."""
    RINGING = "ringing"
    EARLY_MEDIA = "early_media"
    """What a callee lets be heard before it answers."""
    CALLEE = "callee"
    CONFERENCE = "conference"
    """Others in the same room."""
    MUSIC = "music"
    """Music on hold."""
    ECHO = "echo"
    """The caller's own sound comes back."""


QUESTION = "question"
"""What a scenario calls the next prompt that begins to take keys, whichever it is."""


@dataclass(frozen=True, slots=True)
class KeyUp:
    """A key was released after `length_ms`: the moment at which Asterisk counts it (AST_FRAME_DTMF_END)."""

    key: str
    length_ms: int


@dataclass(frozen=True, slots=True)
class HungUp:
    """The caller hung up."""


@dataclass(frozen=True, slots=True)
class CalleeActs:
    """The callee of the attempt does this now, at somebody's word; in talk, `NO_ANSWER` means: hangs up."""

    behaviour: Behaviour


LineEvent = KeyUp | HungUp | CalleeActs


class Line(Protocol):
    """The caller's end of the channel. The virtual Asterisk's time passes in `until` and nowhere else."""

    async def until(self, deadline_ms: int | None) -> LineEvent | None:
        """Wait for what the caller does next, at most to `deadline_ms` of the clock; None: nothing came.

        Without a deadline it waits until something comes. After a hang-up it gives `HungUp` at once.
        """
        ...

    def interrupt(self) -> None:
        """Have `until` return None now, if it waits: something has happened that its caller looks at."""
        ...

    def drop(self) -> bool:
        """Forget keys that came until now, as Asterisk does between commands; whether the caller left."""
        ...

    def answered(self) -> None:
        """The call was answered now."""
        ...

    def starts(self, sound: str, takes_keys: bool) -> None:
        """A prompt, by its name, or a `Sound` begins now.

        `takes_keys`: its command reads digits, and has played no other prompt before.
        """
        ...

    def stops(self, sound: str) -> None:
        """It ends now, played out or not."""
        ...

    def spoke_ms(self, from_ms: int, to_ms: int) -> int:
        """For how long of this time the caller spoke."""
        ...

    def spoke_until_ms(self, now_ms: int) -> int:
        """When the caller spoke last, 0 if never: now, while the caller speaks."""
        ...

    def ended(self) -> None:
        """Asterisk's side ended the call now."""
        ...
