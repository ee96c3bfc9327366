"""Refusing a call before it is answered, with the SIP status code that the caller's side is to see."""

from __future__ import annotations

from ringflow.agi.session import AgiSession
from ringflow.errors import CallEnded, CommandRefused

HANGUP_CAUSES = {
    401: 21, 402: 21, 403: 21, 407: 21, 404: 1, 408: 18, 410: 22, 480: 19, 484: 28, 486: 17, 488: 58,
    500: 38, 501: 29, 502: 27, 503: 34, 600: 17, 603: 16, 606: 58,
}  # fmt: skip
"""The Q.850 cause for which Asterisk sends the SIP code, or the nearest one (docs/asterisk-facts.md)."""

OTHER_CAUSE = 21


async def reject_call(session: AgiSession, sip: int) -> None:
    """Refuse the call. Asterisk with `PJSIPHangup` sends exactly `sip`; others the nearest by cause.

    The channel is gone afterwards, which Asterisk reports as a hang-up: that is what was asked for.
    """
    try:
        try:
            await session.execute("PJSIPHangup", str(sip))
        except CommandRefused:
            # No such application before 18.21, 20.6 and 21.1, or a channel that is not PJSIP.
            await session.execute("Hangup", str(HANGUP_CAUSES.get(sip, OTHER_CAUSE)))
    except CallEnded:
        return
