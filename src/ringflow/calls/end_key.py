"""Ending a leg by a key while the caller stays: held down where that can be heard, else pressed.

A bridge of Asterisk's can be told to listen for a sequence of keys, not for how long one is held. The
manager interface tells how long (`HeldKeys`), and Ringflow then hangs the callee up itself. For that Asterisk
must hear the keys: between two channels without features they pass by it (bridge_native_rtp.c). So `Dial` has
its option H all the same, with a sequence that nobody keys.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ringflow.agi.session import AgiSession
from ringflow.calls.clock import Clock
from ringflow.calls.dial_attempt import Attempt
from ringflow.calls.dial_outcome import HangUp, dial
from ringflow.calls.held_keys import EndKeys, HeldKeys
from ringflow.calls.outcome import Leg, LegStatus, ReleasedBy

DISCONNECT = "FEATUREMAP(disconnect)"
"""The sequence that option H of `Dial` listens for, on one channel (main/features_config.c)."""

NEVER_KEYED = "ABCDABCD"
"""Keys that telephones do not have."""


async def dial_until_key(
    session: AgiSession,
    attempt: Attempt,
    end_keys: EndKeys,
    held_keys: HeldKeys | None,
    clock: Clock,
    note: Callable[[str, str], None],
    hang_up: HangUp | None = None,
) -> tuple[Leg, bool]:
    """As `dial`, and the caller may end the leg by a key. One that ended the ringing makes it cancelled."""
    if held_keys is None or not await held_keys.ready():
        await session.set_variable(DISCONNECT, end_keys.pressed)
        return await dial(session, replace(attempt, ends_by_key=True), clock, hang_up)
    await session.set_variable(DISCONNECT, NEVER_KEYED)
    with held_keys.watch(session.request.channel, end_keys) as watch:
        watched = replace(attempt, ends_by_key=True, names_callee=True)
        leg, caller_gone = await dial(session, watched, clock, hang_up)
    if not watch.key:
        return leg, caller_gone
    note("ended_by_key", watch.key)
    status = LegStatus.ANSWERED if leg.status is LegStatus.ANSWERED else LegStatus.CANCELLED
    return replace(leg, status=status, released_by=ReleasedBy.CALLER), caller_gone
