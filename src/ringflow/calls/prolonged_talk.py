"""A talk that lasts as long as there is credit: its hold is raised, its end moved, its caller warned.

Asterisk ends the talk where the hold is spent, whatever becomes of us. Before that Ringflow raises the hold
by the next slice, and only when that is written moves the end. Where no more can be held the caller is
warned, and the credit is looked at again until the end: whoever pays in meanwhile, on whatever server, makes
the talk longer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

import structlog

from ringflow.calls import events
from ringflow.calls.charging import LATE_MS, Allowance, Charging
from ringflow.calls.event_stream import CallEvents
from ringflow.errors import CommandRefused, Refused, RingflowError

log = structlog.get_logger("ringflow.talks")

LEAD_MS = 2_000
"""A hold is raised so long before it is spent, or as early as the warning if that is earlier."""

AGAIN_MS = 5_000
"""How often the credit is looked at again once it is short; more often as the end comes near."""

SHORTEST_WAIT_MS = 250

RETRY_MS = 1_000
"""How soon it is tried again where Asterisk or the database does not answer."""


Look: TypeAlias = Callable[[], Awaitable[int | None]]
"""Looks after a leg once; returns the milliseconds until it should do so again, None: never."""


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

    async def hang_up_leg(self, channel: str) -> bool:
        """Hang up whatever the caller's channel dials or talks to; False where there is nothing."""
        ...

    async def warn(self, channel: str, sound: str) -> None:
        """Play a sound to the caller alone, in the talk, as far as that is possible. Raises nothing."""
        ...

    def looked_after(self, look: Look, first_ms: int) -> AbstractAsyncContextManager[None]:
        """While the block lasts, look in `first_ms`, and then whenever the look before said so."""
        ...


class ProlongedTalk:
    """One charged leg of the caller's `channel`, from before its dialling to its end.

    `warning`: the sound that the caller hears, as Asterisk is told to play it. `leg`: its place in the call.
    """

    def __init__(
        self,
        charging: Charging,
        talks: Talks,
        allowance: Allowance,
        channel: str,
        warning: str,
        leg: int,
        call_events: CallEvents,
    ) -> None:
        self._charging = charging
        self._talks = talks
        self._channel = channel
        self._warning = warning
        self._leg = leg
        self._events = call_events
        self._held = allowance
        self._told_ms = allowance.limit_ms
        self._in_trouble = False
        self._lead_ms = max(LEAD_MS, allowance.warn_ms)
        # Who has credit for less than the warning's time knows so before the talk.
        self._warned = allowance.limit_ms <= allowance.warn_ms

    def looked_after(self) -> AbstractAsyncContextManager[None]:
        """The time of the block, which dials, is that in which the talk is prolonged."""
        return self._talks.looked_after(self.look, self._while_ringing_ms())

    def allowance(self, talked_ms: int) -> Allowance:
        """By what a talk of this length is charged: what Asterisk was told, or the hold if it lasted longer.

        An order whose answer was lost may have been carried out.
        """
        if talked_ms <= self._told_ms + LATE_MS:
            return replace(self._held, limit_ms=self._told_ms)
        return self._held

    async def look(self) -> int | None:
        """Raise the hold, move the end, warn, as it is time for; a `Look` of `Talks.looked_after`."""
        try:
            talk = await self._talks.find(self._channel, self._held.leg_id)
            again_ms = self._while_ringing_ms() if talk is None else await self._prolong(talk)
        except (CommandRefused, Refused):
            # A channel is gone, or the leg is settled: the talk is over.
            return None
        except RingflowError as error:
            if not self._in_trouble:
                log.warning("talk not prolonged", leg=self._held.leg_id, detail=str(error))
            self._in_trouble = True
            return RETRY_MS
        self._in_trouble = False
        return again_ms

    def _while_ringing_ms(self) -> int:
        """The callee may answer the next moment; then the hold lasts so long."""
        limit_ms = self._held.limit_ms
        return max(limit_ms - self._lead_ms, min(AGAIN_MS, limit_ms // 2))

    async def _prolong(self, talk: Talk) -> int | None:
        left_ms = self._held.limit_ms - talk.talked_ms
        if left_ms <= self._lead_ms:
            raised = await self._charging.raise_hold(self._held, talk.talked_ms)
            if raised is not None:
                self._held = raised
        if self._held.limit_ms > self._told_ms:
            left_ms = await self._move_end()
        if self._held.limit_ms >= self._held.longest_ms:
            return None
        if left_ms > self._lead_ms:
            self._warned = False
            return left_ms - self._lead_ms
        await self._warn(left_ms)
        return min(AGAIN_MS, left_ms // 2) if left_ms >= 2 * SHORTEST_WAIT_MS else None

    async def _move_end(self) -> int:
        """Tell Asterisk of the hold as it stands; return what is left of the talk."""
        # The commit took its time: what was known of the talk before is old.
        talk = await self._talks.find(self._channel, self._held.leg_id)
        if talk is None:
            raise CommandRefused("the talk is over")
        left_ms = self._held.limit_ms - talk.talked_ms
        await self._talks.end_after(talk.callee, left_ms)
        self._told_ms = self._held.limit_ms
        hold, currency = self._held.hold, self._held.quoted.terms.currency
        self._events.emit(events.CreditExtended, self._leg, hold.micros, currency, self._told_ms)
        return left_ms

    async def _warn(self, left_ms: int) -> None:
        if not self._warned and left_ms <= self._held.warn_ms:
            self._warned = True
            self._events.emit(events.CreditWarned, self._leg, left_ms)
            await self._talks.warn(self._channel, self._warning)
