"""Talks through Asterisk's manager interface."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from ringflow.ami.actions import DialplanTarget
from ringflow.ami.link import AmiLink, LinkState
from ringflow.calls.held_keys import CALLEE_VARIABLE
from ringflow.calls.prolonged_talk import Look, Talk
from ringflow.calls.released_by import NO_USER_RESPONSE
from ringflow.errors import CommandRefused, ProtocolViolation, RingflowError
from ringflow.plain_text import plain

log = structlog.get_logger("ringflow.talks")

ANSWERED_LEG = "SHARED(RINGFLOW_ANSWERED_LEG)"
ANSWERED_MS = "SHARED(RINGFLOW_ANSWERED_MS)"
NOW_MS = "STRFTIME(,,%s%3q)"

SHORTEST_MS = 1
"""What a talk that is over its time is left with: Asterisk takes 0 for no limit."""

OLD_DIALPLAN = (
    "the dialplan does not name the callee's channel: run `ringflow asterisk config` again, and "
    "`dialplan reload` in Asterisk"
)
ALIVE = ("Ringing", "Up")
"""States of a callee's channel to which a response came, where Asterisk keeps none (no func_hangupcause)."""

WHISPER_CHANNEL = "Local/whisper@ringflow-warn/n"
WARNING = DialplanTarget("ringflow-warn", "play")
WARN_LIMIT_S = 5.0

# The name becomes an argument in the dialplan, where a comma would begin another one.
_CHANNEL = re.compile(r"[A-Za-z0-9_./@:;+-]+")


class ManagerTalks:
    """`Talks` on an `AmiLink`. The dialplan leaves what is asked for here with the caller's channel."""

    def __init__(self, link: AmiLink) -> None:
        self._link = link

    @property
    def reachable(self) -> bool:
        """Part of `Talks`."""
        return self._link.state is LinkState.UP

    async def find(self, channel: str, leg_id: str) -> Talk | None:
        """Part of `Talks`. One question while it rings, three more in the talk."""
        if await self._link.get_variable(channel, ANSWERED_LEG) != leg_id:
            return None
        asked = (self._link.get_variable(channel, name) for name in (CALLEE_VARIABLE, ANSWERED_MS, NOW_MS))
        callee, answered, now = await asyncio.gather(*asked)
        if not callee:
            raise ProtocolViolation(OLD_DIALPLAN)
        if not (answered.isdecimal() and now.isdecimal()):
            raise ProtocolViolation(f"the answer at {plain(answered)} and now, {plain(now)}, are not moments")
        return Talk(callee, max(0, int(now) - int(answered)))

    async def end_after(self, callee: str, left_ms: int) -> None:
        """Part of `Talks`."""
        await self._link.set_absolute_timeout(callee, max(SHORTEST_MS, left_ms) / 1000)

    async def end_silent(self, channel: str) -> None:
        """Part of `Talks`. PJSIP keeps the last response of a channel, `100 Trying` among them, with it."""
        callee = await self._link.get_variable(channel, CALLEE_VARIABLE)
        if not callee:
            return
        asked = (f"HANGUPCAUSE({callee},tech)", "CHANNEL(state)")
        response, state = await asyncio.gather(*(self._link.get_variable(callee, name) for name in asked))
        if not response and state not in ALIVE:
            await self._link.hang_up(callee, NO_USER_RESPONSE)

    async def hang_up(self, callee: str) -> None:
        """Part of `Talks`."""
        await self._link.hang_up(callee)

    async def hang_up_leg(self, channel: str) -> bool:
        """Part of `Talks`. The callee's channels are those that Asterisk links to the caller's."""
        channels = await self._link.live_channels()
        linked = {one.linked_id for one in channels if one.channel == channel}
        callees = [one.channel for one in channels if one.linked_id in linked and one.channel != channel]
        for callee in callees:
            # Another one may go with the first.
            with suppress(CommandRefused):
                await self._link.hang_up(callee)
        return bool(callees)

    async def warn(self, channel: str, sound: str) -> None:
        """Part of `Talks`: a channel of its own whispers to the caller's."""
        if not _CHANNEL.fullmatch(channel):
            log.warning("caller not warned", channel=plain(channel), detail="the channel's name is not plain")
            return
        variables = {"__RINGFLOW_WARNED": channel, "__RINGFLOW_WARNING": sound}
        try:
            await self._link.originate(WHISPER_CHANNEL, WARNING, variables=variables, timeout_s=WARN_LIMIT_S)
        except RingflowError as error:
            log.warning("caller not warned", channel=channel, detail=str(error))

    @asynccontextmanager
    async def looked_after(self, look: Look, first_ms: int) -> AsyncIterator[None]:
        """Part of `Talks`, in real time."""
        looking: list[asyncio.Task[None]] = []

        def begin() -> None:
            looking.append(asyncio.create_task(_look_on(look), name="looking after a talk"))

        timer = asyncio.get_running_loop().call_later(first_ms / 1000, begin)
        try:
            yield
        finally:
            timer.cancel()
            for task in looking:
                task.cancel()
                await asyncio.wait({task})


async def _look_on(look: Look) -> None:
    try:
        wait_ms = await look()
        while wait_ms is not None:
            await asyncio.sleep(wait_ms / 1000)
            wait_ms = await look()
    except Exception:
        # Boundary: our own bug must not end the call; the talk ends where Asterisk was last told.
        log.exception("a talk is not looked after any more")
