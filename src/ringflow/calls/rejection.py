"""Refusing a call before it is answered, with the SIP status code that the caller's side is to see."""

from __future__ import annotations

from ringflow.agi.session import AgiSession
from ringflow.calls.outcome import Leg
from ringflow.errors import ChannelGone, CommandRefused

HANGUP_CAUSES = {
    401: 21, 402: 21, 403: 21, 407: 21, 404: 1, 408: 18, 410: 22, 480: 19, 484: 28, 486: 17, 488: 58,
    500: 38, 501: 29, 502: 27, 503: 34, 600: 17, 603: 16, 606: 58,
}  # fmt: skip
"""The Q.850 cause for which Asterisk sends the SIP code, or the nearest one (docs/asterisk-facts.md)."""

_CAUSE_OF_CLASS = {4: 19, 5: 34, 6: 16}
"""For the other codes, by their first digit: unavailable for now, congestion, declined."""

_SENT_FOR_CAUSE = {cause: sip for sip, cause in reversed(HANGUP_CAUSES.items())} | {21: 403}

_NOT_PASSED_ON = frozenset({401, 407, 487})
"""Responses of a trunk that say nothing to a caller: it wants a password of ours, or was cancelled."""


def hangup_cause(sip: int) -> int:
    """The Q.850 cause that stands for a SIP status code of 400 to 699."""
    return HANGUP_CAUSES.get(sip, _CAUSE_OF_CLASS[sip // 100])


def nearest_code(sip: int) -> int:
    """The code that an Asterisk sends which can refuse by Q.850 causes only."""
    return _SENT_FOR_CAUSE[hangup_cause(sip)]


async def reject_call(session: AgiSession, sip: int) -> int:
    """Refuse the call, and return the code that is sent.

    Asterisk with `PJSIPHangup` sends exactly `sip`; others the nearest by cause. The channel is gone
    afterwards, which Asterisk reports as a hang-up: that is what was asked for.
    """
    sent = sip
    try:
        try:
            await session.execute("PJSIPHangup", str(sip))
        except CommandRefused:
            # No such application before 18.21, 20.6 and 21.1, or a channel that is not PJSIP.
            sent = nearest_code(sip)
            await session.execute("Hangup", str(hangup_cause(sip)))
    except ChannelGone:
        pass
    return sent


def passed_on(leg: Leg | None) -> int | None:
    """The callee's own final response, where it is one that the caller can be given; else None."""
    sip = leg.sip_code if leg is not None else None
    return sip if sip is not None and 400 <= sip <= 699 and sip not in _NOT_PASSED_ON else None
