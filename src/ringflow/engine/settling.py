"""The hang-up of a call whose server lost it: Asterisk tells how long the leg was talked on.

The hangup handler asks for `agi://.../settle,LEG,ANSWERED_MS,ENDED_MS,DIALSTATUS,CAUSE`. Any server can
answer; whoever settles a leg first stands. What is not settled here, the dialplan keeps in AstDB.
"""

from __future__ import annotations

from typing import Protocol

import structlog

from ringflow.agi.session import AgiSession
from ringflow.calls.charging import Charging
from ringflow.calls.outcome import DIAL_STATUSES, LegEnd, LegStatus
from ringflow.errors import CallEnded
from ringflow.ledger.hold import UnknownLeg
from ringflow.ledger.terms import UnreadableTerms
from ringflow.moments import system_now_ms
from ringflow.plain_text import plain
from ringflow.store import StoreGone

log = structlog.get_logger("ringflow.settling")

SETTLE_SCRIPT = "settle"
SETTLED_VARIABLE = "RINGFLOW_SETTLED"


class LegEnds(Protocol):
    """Who is told how legs ended that their server lost."""

    async def leg_ended(self, end: LegEnd) -> None:
        """Keep it; once is enough. Raises `StoreGone`."""


async def serve_settlement(session: AgiSession, charging: Charging, ends: LegEnds | None) -> None:
    """Settle the leg that the session is about, and tell the dialplan so by `SETTLED_VARIABLE`."""
    end = leg_end(*[*session.request.arguments, "", "", "", "", ""][:5])
    try:
        await settle_lost("leg settled at its hang-up", end, charging, ends)
    except (StoreGone, UnreadableTerms) as error:
        log.error("leg kept by Asterisk", leg=end.leg_id, talked_ms=end.talked_ms, detail=str(error))
        return
    try:
        await session.set_variable(SETTLED_VARIABLE, "yes", dead_ok=True)
    except CallEnded:
        return


async def settle_lost(event: str, end: LegEnd, charging: Charging, ends: LegEnds | None) -> None:
    """Charge a leg that its server lost, if it costs anything, and have its end kept. Raises `StoreGone`.

    `event` says in the log how its end came to be known.
    """
    try:
        settled = await charging.end_by_record(end.leg_id, end.talked_ms)
        charged = settled.charged_micros
        log.warning(event, leg=end.leg_id, talked_ms=end.talked_ms, charged=charged)
    except UnknownLeg:
        # Of a trunk that is rated upstream, or of nobody.
        log.warning(event, hold="none", leg=plain(end.leg_id), talked_ms=end.talked_ms)
    charging.left.discard(end.leg_id)
    if ends is not None:
        await ends.leg_ended(end)


def leg_end(leg_id: str, answered: str, ended: str, dial_status: str, cause: str) -> LegEnd:
    """A leg's end as the dialplan tells it: epoch milliseconds, DIALSTATUS, HANGUPCAUSE; all may be empty.

    A leg that was answered counts as such whatever DIALSTATUS says: `Dial` may have been cut short.
    """
    status = DIAL_STATUSES.get(dial_status, LegStatus.CANCELLED)
    return LegEnd(
        leg_id=leg_id,
        status=LegStatus.ANSWERED if _is_whole(answered) else status,
        talked_ms=talk_between(answered, ended),
        ended_ms=int(ended) if _is_whole(ended) else system_now_ms(),
        cause=int(cause) if _is_whole(cause) and int(cause) else None,
    )


def talk_between(answered: str, ended: str) -> int:
    """Milliseconds from the callee's answer to the end, given as epoch milliseconds; 0 without an answer."""
    if not (_is_whole(answered) and _is_whole(ended)):
        return 0
    return max(0, int(ended) - int(answered))


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 15
