"""Refusing a call before it is answered, with the SIP status code that the caller's side is to see."""

from __future__ import annotations

from ringflow.agi.session import AgiSession
from ringflow.errors import CallEnded, CommandRefused

HANGUP_CAUSES = {
    401: 21, 402: 21, 403: 21, 407: 21, 603: 21,
    404: 1, 410: 22, 484: 28, 480: 19, 408: 18, 486: 17, 600: 17,
    500: 41, 502: 38, 503: 34, 488: 58, 606: 58,
}  # fmt: skip
"""The Q.850 cause that chan_pjsip turns into the nearest SIP code (hangup_cause2sip in chan_pjsip.c)."""

OTHER_CAUSE = 21


async def reject_call(session: AgiSession, sip: int) -> None:
    """Refuse the call. Asterisk 20.5 and later send exactly `sip`; earlier ones the nearest by cause.

    The channel is gone afterwards, which Asterisk reports as a hang-up: that is what was asked for.
    """
    try:
        try:
            await session.execute("PJSIPHangup", str(sip))
        except CommandRefused:
            # No such application before 20.5, or a channel that is not PJSIP.
            await session.execute("Hangup", str(HANGUP_CAUSES.get(sip, OTHER_CAUSE)))
    except CallEnded:
        return
