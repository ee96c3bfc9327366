"""Who ended a leg or a call, and with which Q.850 cause the caller's side was told."""

from __future__ import annotations

from ringflow.calls.outcome import Leg, LegStatus, Outcome, Reject, ReleasedBy
from ringflow.calls.rejection import hangup_cause

NORMAL_CLEARING = 16
NO_USER_RESPONSE = 18
CONGESTION = 34

_OF_STATUS = {
    LegStatus.BUSY: ReleasedBy.CALLEE,
    LegStatus.CONGESTION: ReleasedBy.CALLEE,
    LegStatus.UNAVAILABLE: ReleasedBy.CALLEE,
    LegStatus.CANCELLED: ReleasedBy.CALLER,
}


def own_cause(status: LegStatus, cause: int, *, rang_out: bool) -> int:
    """The Q.850 cause that a leg ended with, of what Asterisk has in HANGUPCAUSE; 0 where it has none.

    Where the caller hangs up or the time for ringing is over, `Dial` sets none, and that of an earlier leg
    stays (`wait_for_answer` in app_dial.c). `rang_out`: the time for ringing was over.
    """
    return 0 if rang_out or status is LegStatus.CANCELLED else cause


def leg_released_by(
    status: LegStatus, cause: int, *, caller_gone: bool, by_callee: bool, at_limit: bool
) -> ReleasedBy | None:
    """Who ended a dialled attempt; None where nobody knows. `by_callee`: Asterisk names the callee's channel.

    Of an answered one that neither caller nor callee ended nor its time limit, it is taken for the callee's.
    """
    if status is LegStatus.NO_ANSWER:
        # The callee's network gives a cause when it gives up; where our time for ringing is over is none:
        # `own_cause`.
        return ReleasedBy.CALLEE if cause else ReleasedBy.RINGFLOW
    if status is not LegStatus.ANSWERED:
        return _OF_STATUS.get(status)
    if caller_gone:
        return ReleasedBy.CALLER
    return ReleasedBy.LIMIT if at_limit and not by_callee else ReleasedBy.CALLEE


def charged_leg_released_by(leg: Leg, limit_ms: int, *, whole: bool) -> ReleasedBy | None:
    """The same of a charged leg. Its limit may have been moved in the talk: `limit_ms` is where it was last.

    `whole`: that is the longest talk that may be; otherwise it is the end of the credit.
    """
    if leg.released_by is not ReleasedBy.LIMIT:
        return leg.released_by
    if leg.talked_ms < limit_ms:
        # Past the first limit and before the last: by a key of the caller's, where Asterisk names nobody.
        return ReleasedBy.CALLEE if leg.hung_up_by else ReleasedBy.CALLER
    return ReleasedBy.LIMIT if whole else ReleasedBy.CREDIT


def call_released_by(
    outcome: str, *, caller_gone: bool, ordered: bool, connection_lost: bool, last_leg: Leg | None
) -> ReleasedBy:
    """Who ended a call. `last_leg`: the one with which its flow came to its end, if it did so by a leg.

    `ordered`: an operator ordered it.
    """
    if connection_lost:
        return ReleasedBy.ASTERISK
    if ordered:
        return ReleasedBy.OPERATOR
    if outcome == Outcome.DRAINED:
        return ReleasedBy.DRAIN
    if caller_gone:
        return ReleasedBy.CALLER
    by = last_leg.released_by if last_leg is not None else None
    # A caller who ended the leg by a key stayed in the call.
    return ReleasedBy.RINGFLOW if by is None or by is ReleasedBy.CALLER else by


def call_cause(released_by: ReleasedBy, *, answered: bool, reject: Reject | None) -> int | None:
    """The Q.850 cause of the caller's side; None where nobody knows.

    A call that was not answered is refused with a SIP code, which stands for a cause. While Ringflow stops,
    the dialplan does that, by the end of the leg.
    """
    if released_by in (ReleasedBy.ASTERISK, ReleasedBy.SERVER):
        return None
    if reject is not None:
        return hangup_cause(reject.sip)
    return None if released_by is ReleasedBy.DRAIN and not answered else NORMAL_CLEARING
