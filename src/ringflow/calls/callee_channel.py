"""The callee's channel after `Dial`: it is gone, or it is hung up. A leg is charged until then.

A transfer (SIP REFER, INVITE with Replaces) takes the caller out of the talk, and `Dial` is over, while the
callee talks on with somebody else. Nobody could end that talk when the credit does, so Ringflow ends it now.
After every other talk the callee's channel is gone already, or goes in these milliseconds by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from ringflow.agi.session import AgiSession
from ringflow.errors import CommandRefused, RingflowError
from ringflow.plain_text import plain

log = structlog.get_logger("ringflow.talks")

_STATE = (
    "${SHARED(RINGFLOW_ENDED_MS)}|${STRFTIME(,,%s%3q)}|${BLINDTRANSFER}${ATTENDEDTRANSFER}"
    "|${SHARED(RINGFLOW_CALLEE)}|${IMPORT(${SHARED(RINGFLOW_CALLEE)},CHANNEL)}"
)
"""The last is empty for a channel that is gone."""

_WAITS_S = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)

MEND = "load app_softhangup.so in Asterisk, and forbid transfers by `allow_transfer = no`"

HangUp = Callable[[str], Awaitable[None]]
"""Hangs up a channel by its name, through the manager interface. Raises `RingflowError`."""


async def end_of_callee(
    session: AgiSession, hang_up: HangUp | None, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> int:
    """Have the callee's channel end, unless it has; gives the moment in epoch milliseconds of Asterisk's.

    Raises `CommandRefused` where it does not end: the leg is then left to its hangup handlers.
    """
    callee = ""
    for wait_s in _WAITS_S:
        state = await session.get_full_variable(_STATE) or ""
        ended, now, transfer, found, alive = [*state.split("|", 4), "", "", "", "", ""][:5]
        if ended.isdecimal():
            return int(ended)
        if not alive:
            return int(now) if now.isdecimal() else 0
        if not callee:
            callee = found
            if transfer:
                log.warning("transferred callee hung up", channel=plain(callee), mend=MEND)
            await _hang_up(session, callee, hang_up)
        await sleep(wait_s)
    raise CommandRefused(f"the callee's channel {plain(callee)} cannot be hung up: {MEND}")


async def _hang_up(session: AgiSession, callee: str, hang_up: HangUp | None) -> None:
    try:
        await session.execute("SoftHangup", callee, dead_ok=True, hangup_is_data=True)
    except CommandRefused as error:
        log.error("no SoftHangup", detail=str(error), mend=MEND)
        if hang_up is not None:
            with suppress(RingflowError):
                await hang_up(callee)
