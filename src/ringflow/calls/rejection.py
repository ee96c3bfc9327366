"""Refusing a call before it is answered, with the SIP status code that the caller's side is to see."""

from __future__ import annotations

from contextlib import suppress

from ringflow.agi.session import AgiSession
from ringflow.calls.outcome import Leg
from ringflow.errors import ChannelGone, CommandRefused

HANGUP_CAUSES = {
    401: 21, 402: 21, 403: 21, 407: 21, 404: 1, 408: 18, 410: 22, 480: 19, 484: 28, 486: 17, 488: 58,
    500: 38, 501: 29, 502: 27, 503: 34, 600: 17, 603: 16, 606: 58,
}  # fmt: skip
"""The Q.850 cause for which Asterisk sends the SIP code, or the nearest one (docs/asterisk-facts.md)."""

_SIP_OF_CAUSE = {
    1: 404, 2: 404, 3: 404, 17: 486, 18: 408, 19: 480, 20: 480, 21: 403, 22: 410, 27: 502, 28: 484, 29: 501,
    31: 480, 34: 503, 38: 500, 42: 503, 58: 488, 66: 503, 127: 500,
}  # fmt: skip
"""The SIP code that Asterisk sends for a Q.850 cause (hangup_cause2sip in chan_pjsip.c)."""

_SIP_OF_OTHER_CAUSES = 603

_CAUSE_OF_CLASS = {4: 19, 5: 34, 6: 16}
"""For the other codes, by their first digit: unavailable for now, congestion, declined."""

_NOT_PASSED_ON = frozenset({401, 407, 487})
"""Responses of a trunk that say nothing to a caller: it wants a password of ours, or was cancelled."""


def hangup_cause(sip: int) -> int:
    """The Q.850 cause that stands for a SIP status code of 400 to 699."""
    return HANGUP_CAUSES.get(sip, _CAUSE_OF_CLASS[sip // 100])


def nearest_code(sip: int) -> int:
    """The code that an Asterisk sends which can refuse by Q.850 causes only."""
    return code_of_cause(hangup_cause(sip))


def code_of_cause(cause: int) -> int:
    """The SIP code that an unanswered caller gets for a Q.850 cause."""
    return _SIP_OF_CAUSE.get(cause, _SIP_OF_OTHER_CAUSES)


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


async def hang_up_by_cause(session: AgiSession, cause: int) -> None:
    """End the call with a Q.850 cause: in the Reason header of a BYE, or as the code that stands for it.

    The channel is gone afterwards, as after `reject_call`.
    """
    with suppress(ChannelGone):
        await session.execute("Hangup", str(cause))


def passed_on(leg: Leg | None) -> int | None:
    """The callee's own final response, where it is one that the caller can be given; else None."""
    sip = leg.sip_code if leg is not None else None
    return sip if sip is not None and 400 <= sip <= 699 and sip not in _NOT_PASSED_ON else None
