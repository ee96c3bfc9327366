"""What can be learnt and changed of a talk while `Dial` keeps its session busy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, TypeAlias

Look: TypeAlias = Callable[[], Awaitable[int | None]]
"""Looks after a leg once; gives the milliseconds until it should do so again, None: never."""


@dataclass(frozen=True, slots=True)
class Talk:
    """A leg that was answered: the callee's channel, and for how long there has been talk."""

    callee: str
    talked_ms: int


class Talks(Protocol):
    """Talks in progress. Every question and order raises `CommandRefused` for a channel that is gone.

    While Asterisk cannot be reached they raise other `RingflowError`s, and may succeed later.
    """

    @property
    def reachable(self) -> bool:
        """Whether Asterisk would hear us now."""
        ...

    async def find(self, channel: str, leg_id: str) -> Talk | None:
        """The talk of the caller's channel on this leg, by Asterisk's clock; None while it rings."""
        ...

    async def end_after(self, callee: str, left_ms: int) -> None:
        """Have Asterisk end the talk in `left_ms`, which replaces what it was told before."""
        ...

    async def end_silent(self, channel: str) -> None:
        """Hang up the callee's channel that the caller's has dialled, if no response at all has come."""

    async def hang_up(self, callee: str) -> None:
        """Have Asterisk end the callee's channel now."""
        ...

    async def warn(self, channel: str, sound: str) -> None:
        """Play a sound to the caller alone, in the talk, as far as that is possible. Raises nothing."""
        ...

    def looked_after(self, look: Look, first_ms: int) -> AbstractAsyncContextManager[None]:
        """While the block lasts, look in `first_ms`, and then whenever the look before said so."""
        ...
