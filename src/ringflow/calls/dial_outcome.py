"""One outgoing attempt carried out: `Dial` is run, and what came of it is read, its talk time above all.

Talk time is the difference of two moments by Asterisk's clock, from the callee's answer to the end of the
callee's channel, and a clock can be set. All of `Dial` is timed here too, by a clock that cannot: a talk
lasted no longer than its `Dial`, and no shorter than that less the longest ringing. Where Asterisk's clock
says otherwise it was set, and the shortest talk that is possible counts: nobody pays for time that was not
talked.

A leg is charged until the callee's channel is gone. A transfer (SIP REFER, INVITE with Replaces) takes the
caller out of the talk, and `Dial` ends, while the callee talks on with somebody else. Nobody could end that
talk when the credit does, so Ringflow ends it now. After every other talk the callee's channel is gone
already, or goes in these milliseconds by itself.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import structlog

from ringflow.agi.session import AgiSession
from ringflow.calls.clock import Clock
from ringflow.calls.dial_attempt import Attempt
from ringflow.calls.outcome import DIAL_STATUSES, Leg, LegStatus
from ringflow.calls.released_by import NO_USER_RESPONSE, leg_released_by, own_cause
from ringflow.errors import CommandRefused, RingflowError
from ringflow.plain_text import plain

log = structlog.get_logger("ringflow.talks")

_RESULT = (
    "${DIALSTATUS}|${HANGUPCAUSE}|${SHARED(RINGFLOW_ANSWERED_MS)}|${STRFTIME(,,%s%3q)}"
    "|${SHARED(RINGFLOW_ENDED_MS)}|${CHANNEL(hangupsource)}|${SHIFT(SHARED(RINGFLOW_TALK))}"
    "|${RINGTIME_MS}|${HANGUPCAUSE(${HANGUPCAUSE_KEYS()},tech)}"
)
"""Asked once, after `Dial`. SHIFT empties what it reads: Asterisk knows by it that we know of the talk.

The last is the callee's last response, such as `SIP 486 Busy Here`: of the one channel that was dialled since
`HangupCauseClear`.
"""

_RESPONSE = re.compile(r"SIP ([2-6][0-9]{2})\b", re.ASCII)
_REQUEST_TERMINATED = 487

_EARLY_MS = 500
"""How much sooner than its time for ringing a `Dial` may seem to end: two clocks measure it."""

SLACK_MS = 5_000
"""How much later than Asterisk a loaded server may hear of the end."""

_STATE = (
    "${SHARED(RINGFLOW_ENDED_MS)}|${STRFTIME(,,%s%3q)}|${BLINDTRANSFER}${ATTENDEDTRANSFER}"
    "|${SHARED(RINGFLOW_CALLEE)}|${IMPORT(${SHARED(RINGFLOW_CALLEE)},CHANNEL)}"
)
"""The last is empty for a channel that is gone."""

_WAITS_S = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)

MEND = "load app_softhangup.so in Asterisk, and forbid transfers by `allow_transfer = no`"

HangUp = Callable[[str], Awaitable[None]]
"""Hangs up a channel by its name, through the manager interface. Raises `RingflowError`."""


async def dial(
    session: AgiSession, attempt: Attempt, clock: Clock, hang_up: HangUp | None = None
) -> tuple[Leg, bool]:
    """Dial and wait for the end; return what came of it, and whether the caller is gone.

    Talk time runs from the callee's answer to the end of the callee's channel, both noted on that channel by
    Asterisk's clock, within what `clock` says of all of `Dial`. ANSWEREDTIME counts from the caller's answer
    and is not used. `hang_up` is asked where Asterisk cannot hang a callee up that was transferred.
    """
    if attempt.again:
        # An Asterisk without func_hangupcause.so has no codes to forget.
        with suppress(CommandRefused):
            await session.execute("HangupCauseClear")
    for index, (name, value) in enumerate(attempt.headers.items(), start=1):
        await session.set_variable(f"__RINGFLOW_HEADER_{index}", f"{name}={value}")
    if attempt.headers:
        await session.set_variable("__RINGFLOW_HEADERS", str(len(attempt.headers)))
    if attempt.warns:
        # Otherwise Asterisk says the time left with sound files of its own, which it may not have.
        await session.set_variable("LIMIT_WARNING_FILE", attempt.warning)
    began_ms = clock.monotonic_ms()
    reply = await session.execute("Dial", attempt.arguments(), hangup_is_data=True, timeout_s=None)
    dial_ms = clock.monotonic_ms() - began_ms
    result = _DialResult.read(await session.get_full_variable(_RESULT) or "")
    if result.answered_ms and result.ended_ms < result.answered_ms and result.status is LegStatus.ANSWERED:
        result = replace(result, ended_ms=await end_of_callee(session, hang_up))
    # With option `g` a callee's hang-up gives 0, so -1 is the caller's.
    hung_up = reply.result == "-1" or session.hung_up
    return _leg(attempt, result, dial_ms, session.request.channel, hung_up)


@dataclass(frozen=True, slots=True)
class _DialResult:
    """What Asterisk says after `Dial`: `_RESULT`, read. Moments are epoch milliseconds, 0 where none is.

    `hung_up_by`: the channel that hung up first; `rang_after_ms`: from dialling to the first ringing, None
    where nobody rang; `response`: the callee's last one.
    """

    status: LegStatus
    cause: int
    answered_ms: int
    now_ms: int
    ended_ms: int
    hung_up_by: str
    rang_after_ms: int | None
    response: str

    @classmethod
    def read(cls, text: str) -> _DialResult:
        fields = [*text.split("|", 8), *[""] * 9]
        cause, answered_ms, now_ms, ended_ms = map(_whole, fields[1:5])
        status = DIAL_STATUSES.get(fields[0], LegStatus.UNAVAILABLE)
        rang_after_ms = _whole(fields[7]) if fields[7] else None
        return cls(status, cause, answered_ms, now_ms, ended_ms, fields[5], rang_after_ms, response=fields[8])

    def talked_ms(self, dial_ms: int, ringing_ms: int) -> int:
        if self.status is not LegStatus.ANSWERED or not self.answered_ms:
            return 0
        since_answer_ms = max(self.now_ms, self.ended_ms) - self.answered_ms
        # An end from before the answer: Asterisk's clock was set back in the talk.
        talked_ms = self.ended_ms - self.answered_ms if self.ended_ms >= self.answered_ms else since_answer_ms
        return possible_talk_ms(talked_ms, since_answer_ms, dial_ms, ringing_ms)


def _leg(attempt: Attempt, result: _DialResult, dial_ms: int, caller: str, hung_up: bool) -> tuple[Leg, bool]:
    status, hung_up_by = result.status, result.hung_up_by
    sip_code, rang_ms = _sip_code(status, result.response), attempt.ring_s * 1000
    cause = result.cause
    if attempt.silent_s and status is LegStatus.UNAVAILABLE and not result.response and not cause:
        # Ended by the dialplan, [ringflow-silent], which can give no cause: the one of SIP's own timer.
        cause = NO_USER_RESPONSE
    rang_out = status is LegStatus.NO_ANSWER and sip_code is None and dial_ms >= rang_ms - _EARLY_MS
    cause = own_cause(status, cause, rang_out=rang_out)
    talked_ms = result.talked_ms(dial_ms, rang_ms)
    # With `H`, CANCEL may also be that of a caller who ended the ringing by key (app_dial.c); one who is gone
    # shows at the next command.
    caller_gone = hung_up or (status is LegStatus.CANCELLED and not attempt.ends_by_key)
    at_limit = attempt.limit_ms is not None and talked_ms >= attempt.limit_ms
    by_key = attempt.ends_by_key and not hung_up_by and not at_limit
    released_by = leg_released_by(
        status,
        cause,
        caller_gone=caller_gone or by_key,
        # Asterisk notes the first channel that hung up, no later one (ast_set_hangupsource in channel.c).
        by_callee=hung_up_by not in ("", caller, attempt.earlier_source),
        at_limit=at_limit,
    )
    leg = Leg(
        dialled=attempt.number.dialled,
        trunk=attempt.trunk,
        status=status,
        talked_ms=talked_ms,
        hangup_cause=cause,
        caller_id=attempt.shown_as,
        headers=attempt.all_headers,
        released_by=released_by,
        hung_up_by=hung_up_by,
        sip_code=sip_code,
        keyed=attempt.number.keyed,
        sent=attempt.number.sent,
        as_keyed=attempt.number.as_keyed,
        rang_after_ms=result.rang_after_ms,
    )
    return leg, caller_gone


def _sip_code(status: LegStatus, response: str) -> int | None:
    match = _RESPONSE.match(response)
    if match is None:
        return None
    code = int(match[1])
    # 487 answers our own CANCEL, and comes before we look or after it.
    cancelled = code == _REQUEST_TERMINATED and status in (LegStatus.CANCELLED, LegStatus.NO_ANSWER)
    return None if cancelled else code


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def possible_talk_ms(talked_ms: int, since_answer_ms: int, dial_ms: int, ringing_ms: int) -> int:
    """What counts of a talk of `talked_ms` by Asterisk's clock, which may be below zero.

    `since_answer_ms`: from the callee's answer to the end of `Dial`, by the same clock. That is longer than
    the talk where the callee was transferred away and the caller stayed. `dial_ms`: how long `Dial` took;
    `ringing_ms`: for how long it may have rung.
    """
    shortest_ms = max(0, dial_ms - ringing_ms - SLACK_MS)
    if shortest_ms <= since_answer_ms <= dial_ms + SLACK_MS and 0 <= talked_ms <= since_answer_ms:
        return talked_ms
    after_talk_ms = min(max(0, since_answer_ms - talked_ms), shortest_ms)
    counted_ms = shortest_ms - after_talk_ms
    log.warning("clock set in a talk", by_clock_ms=talked_ms, dial_ms=dial_ms, counted_ms=counted_ms)
    return counted_ms


async def end_of_callee(
    session: AgiSession, hang_up: HangUp | None, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> int:
    """Have the callee's channel end, unless it has; return the moment in epoch milliseconds of Asterisk's.

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
