"""The hang-up of a call whose server lost it: Asterisk tells how long the leg was talked on.

The hangup handler asks for `agi://.../settle,LEG,ANSWERED_MS,ENDED_MS`. Any server can
answer; whoever settles a leg first stands. What is not settled here, the dialplan keeps in AstDB.
"""

from __future__ import annotations

import structlog

from ringflow.agi.session import AgiSession
from ringflow.calls.charging import Charging
from ringflow.errors import CallEnded
from ringflow.ledger.hold import UnknownLeg
from ringflow.numbers import shown
from ringflow.store import StoreGone

log = structlog.get_logger("ringflow.settling")

SETTLE_SCRIPT = "settle"
SETTLED_VARIABLE = "RINGFLOW_SETTLED"


async def serve_settlement(session: AgiSession, charging: Charging) -> None:
    """Settle the leg that the session is about, and tell the dialplan so by `SETTLED_VARIABLE`."""
    leg_id, answered, ended = [*session.request.arguments, "", "", ""][:3]
    talked_ms = talk_between(answered, ended)
    try:
        settled = await charging.end_by_record(leg_id, talked_ms)
        charged = settled.charged_micros
        log.info("leg settled at its hang-up", leg=leg_id, talked_ms=talked_ms, charged=charged)
    except UnknownLeg:
        log.warning("leg unknown", leg=shown(leg_id), talked_ms=talked_ms)
    except StoreGone as error:
        log.error("leg kept by Asterisk", leg=leg_id, talked_ms=talked_ms, detail=str(error))
        return
    try:
        await session.set_variable(SETTLED_VARIABLE, "yes", dead_ok=True)
    except CallEnded:
        return


def talk_between(answered: str, ended: str) -> int:
    """Milliseconds from the callee's answer to the end, given as epoch milliseconds; 0 without an answer."""
    if not (_is_whole(answered) and _is_whole(ended)):
        return 0
    return max(0, int(ended) - int(answered))


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 15
