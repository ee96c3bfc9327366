"""End what a dead server left behind: settle its holds, and count its calls out.

The ledger does not know whether a call is still up, nor how long it talked, so it asks whoever does. A call
that is up is left alone, and its hold is looked at again the next time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from ringflow.errors import Refused
from ringflow.ledger.channel_limits import AbandonedCall, abandoned_calls
from ringflow.ledger.hold import Hold, abandoned_holds
from ringflow.ledger.ledger import Ledger
from ringflow.ledger.server_liveness import forget_servers, see_server
from ringflow.ledger.settlement import Settlement

log = structlog.get_logger("ringflow.reaper")

SILENT_MS = 30_000
"""A server that has not said for so long that it lives is dead."""

FORGOTTEN_MS = 24 * 3600 * 1000
"""A server that has been silent for so long, and of which nothing is left, is no longer known."""


@dataclass(frozen=True, slots=True)
class Reaped:
    """What was brought to its end, and what had to be left standing."""

    settlements: tuple[Settlement, ...]
    calls: tuple[str, ...]
    waiting: tuple[Hold, ...]
    waiting_calls: tuple[AbandonedCall, ...]


async def say_alive(ledger: Ledger) -> None:
    """Note that this server lives; every few seconds.

    It uses the connections of calls, which give up where the database does not answer: a server that waited
    here while its calls went on would be taken for dead.
    """
    async with ledger.store.writing_directly() as connection:
        await see_server(connection, ledger.server, ledger.now_ms())


async def reap(
    ledger: Ledger,
    talked_ms: Callable[[Hold], Awaitable[int | None]],
    is_up: Callable[[AbandonedCall], Awaitable[bool]],
    silent_ms: int = SILENT_MS,
) -> Reaped:
    """Settle abandoned holds, count abandoned calls out, and forget servers long dead that left nothing.

    Any number of servers may do so at once. A hold that cannot be settled is logged, left standing and
    counted as waiting; it keeps no other from its end.

    `talked_ms`: how long a leg talked, 0 for not at all, None while it is up or nobody knows. `is_up`:
    whether a call is, or may be.
    """
    now_ms = ledger.now_ms()
    async with ledger.store.reading() as connection:
        holds = await abandoned_holds(connection, now_ms, silent_ms)
        calls = await abandoned_calls(connection, now_ms, silent_ms)
    settlements: list[Settlement] = []
    waiting: list[Hold] = []
    for hold in holds:
        talked = await talked_ms(hold)
        if talked is None:
            waiting.append(hold)
            continue
        try:
            settlements.append(await ledger.settle_talk(hold.leg_id, talked))
        except Refused as error:
            waiting.append(hold)
            log.error("hold left standing", leg=hold.leg_id, talked_ms=talked, detail=str(error))
    over: list[str] = []
    waiting_calls: list[AbandonedCall] = []
    for call in calls:
        if await is_up(call):
            waiting_calls.append(call)
        else:
            await ledger.vacate(call.mark)
            over.append(call.mark)
    async with ledger.store.writing() as connection:
        await forget_servers(connection, now_ms, max(silent_ms, FORGOTTEN_MS))
    return Reaped(tuple(settlements), tuple(over), tuple(waiting), tuple(waiting_calls))
