"""Talks in virtual time, as the virtual Asterisk's manager interface tells of them and changes them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

from ringflow.calls.clock import Clock
from ringflow.calls.prolonged_talk import Look, Talk
from ringflow.errors import CommandRefused

Work: TypeAlias = Callable[[], Awaitable[None]]
CALLEE_NAME = "PJSIP/simulated-00000002"


@dataclass(slots=True, eq=False)
class _Due:
    at_ms: int
    work: Work


class VirtualTalks:
    """`Talks` of one simulated call.

    What is due while the call waits is done by the virtual Asterisk as its time passes: `next_ms`, `pass_to`.
    `reachable` False: Ringflow has no manager connection. `in_talk`: what is done so many milliseconds after
    the answer of the first callee who answers.
    """

    def __init__(
        self, clock: Clock, *, reachable: bool = True, in_talk: Sequence[tuple[int, Work]] = ()
    ) -> None:
        self.reachable = reachable
        self.warnings: Callable[[str], None] = lambda sound: None
        """Is told each sound by which the caller is warned."""
        self.ends_ms: int | None = None
        """When the talk ends, by the clock; None: never."""
        self.silent = False
        """Whether no response at all has come of the attempt that is being dialled."""
        self.gave_up = False
        """Whether Ringflow hung it up for that."""
        self._clock = clock
        self._due: list[_Due] = []
        self._in_talk = list(in_talk)
        self._leg_id = ""
        self._answered_ms: int | None = None

    def answered(self, leg_id: str, held_ms: int | None) -> None:
        """A callee answers; `held_ms`: when the talk ends unless its end is moved; None: never."""
        self._leg_id, self._answered_ms = leg_id, self._clock.monotonic_ms()
        self.ends_ms = None if held_ms is None else self._answered_ms + held_ms
        self._due += [_Due(self._answered_ms + after_ms, work) for after_ms, work in self._in_talk]
        self._in_talk.clear()

    def hung_up(self) -> None:
        """The talk is over."""
        self._answered_ms = self.ends_ms = None

    @property
    def next_ms(self) -> int | None:
        """When something is due, by the clock."""
        return min((one.at_ms for one in self._due), default=None)

    async def pass_to(self, now_ms: int) -> None:
        """Do what is due by now, the earliest first."""
        while (due := min(self._due, key=lambda one: one.at_ms, default=None)) and due.at_ms <= now_ms:
            self._due.remove(due)
            await due.work()

    async def find(self, channel: str, leg_id: str) -> Talk | None:
        """Part of `Talks`."""
        if self._answered_ms is None or self._leg_id != leg_id:
            return None
        return Talk(CALLEE_NAME, self._clock.monotonic_ms() - self._answered_ms)

    async def end_after(self, callee: str, left_ms: int) -> None:
        """Part of `Talks`."""
        if self._answered_ms is None:
            raise CommandRefused("No such channel")
        self.ends_ms = self._clock.monotonic_ms() + left_ms

    def dialled(self, *, silent: bool) -> None:
        """An attempt begins."""
        self.silent, self.gave_up = silent, False

    async def end_silent(self, channel: str) -> None:
        """Part of `Talks`."""
        self.gave_up = self.silent

    async def hang_up(self, callee: str) -> None:
        """Part of `Talks`."""
        await self.end_after(callee, 0)

    async def hang_up_leg(self, channel: str) -> bool:
        """Part of `Talks`, once the callee has answered."""
        if self._answered_ms is None:
            return False
        await self.end_after(CALLEE_NAME, 0)
        return True

    async def warn(self, channel: str, sound: str) -> None:
        """Play a warning to the caller, as `Talks` describes it; here it takes no time."""
        self.warnings(sound)

    @asynccontextmanager
    async def looked_after(self, look: Look, first_ms: int) -> AsyncIterator[None]:
        """Part of `Talks`, in virtual time."""

        async def look_on() -> None:
            wait_ms = await look()
            if wait_ms is not None:
                due.at_ms = self._clock.monotonic_ms() + wait_ms
                self._due.append(due)

        due = _Due(self._clock.monotonic_ms() + first_ms, look_on)
        self._due.append(due)
        try:
            yield
        finally:
            if due in self._due:
                self._due.remove(due)
