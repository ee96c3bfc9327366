"""One outgoing attempt: the `Dial` line, the headers that travel with it, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from ringflow.accounts.headers import IDENTITY_HEADERS, MAX_HEADER_VALUE
from ringflow.agi.session import AgiSession
from ringflow.calls.callee_channel import HangUp, end_of_callee
from ringflow.calls.clock import Clock
from ringflow.calls.dialled_number import DialledNumber
from ringflow.calls.held_keys import EndKeys
from ringflow.calls.outcome import DIAL_STATUSES, Leg, LegStatus
from ringflow.calls.released_by import NO_USER_RESPONSE, leg_released_by, own_cause
from ringflow.calls.talk_time import possible_talk_ms
from ringflow.errors import CommandRefused

ANONYMOUS = "anonymous"
"""What callees see of a caller whose number is withheld (RFC 3323)."""

NO_NUMBER = "0"
"""Stands for a withheld text that is no number: `Dial` takes digits only for one that it hides."""

_CALLER_ID = re.compile(r"\+?[0-9]{1,32}")
_SIP_URI = re.compile(r"sips?:([A-Za-z0-9+._-]{1,64})@([A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?)")
_PRINTABLE = range(0x20, 0x7F)

_RESULT = (
    "${DIALSTATUS}|${HANGUPCAUSE}|${SHARED(RINGFLOW_ANSWERED_MS)}|${STRFTIME(,,%s%3q)}"
    "|${SHARED(RINGFLOW_ENDED_MS)}|${CHANNEL(hangupsource)}|${SHIFT(SHARED(RINGFLOW_TALK))}"
    "|${HANGUPCAUSE(${HANGUPCAUSE_KEYS()},tech)}"
)
"""Asked once, after `Dial`. SHIFT empties what it reads: Asterisk knows by it that we know of the talk.

The last is the callee's last response, such as `SIP 486 Busy Here`: of the one channel that was dialled since
`HangupCauseClear`.
"""

_RESPONSE = re.compile(r"SIP ([2-6][0-9]{2})\b", re.ASCII)
_REQUEST_TERMINATED = 487

_EARLY_MS = 500
"""How much sooner than its time for ringing a `Dial` may seem to end: two clocks measure it."""

LAST_WORD_CAUSES = frozenset({1, 21, 22, 28})
"""Q.850: unallocated, rejected, changed, invalid format. Another trunk would say the same."""


@dataclass(slots=True)
class DialOptions:
    """What a slot asks of an outgoing attempt. `ring_s` and `max_duration_s`: seconds; None: no limit.

    `end_keys`: by these the caller ends the attempt, ringing or talking, and stays with us. `announce` is
    told, before the first leg that credit limits is dialled, for how many seconds of talk it is enough.
    `as_keyed`: a number of digits and `*` is dialled as it is, whatever the trunk wants.
    """

    ring_s: int = 60
    max_duration_s: float | None = None
    caller_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    end_keys: EndKeys | None = None
    announce: Callable[[int], Awaitable[None]] | None = None
    as_keyed: bool = False

    @property
    def max_duration_ms(self) -> int | None:
        """The longest talk in milliseconds; None: no limit."""
        return None if self.max_duration_s is None else round(self.max_duration_s * 1000)


@dataclass(slots=True)
class Attempt:
    """One `Dial`: `target` is a whole dial string of Asterisk's, made here and safe, for the `number` or URI.

    `identity` are the customer's two headers, plain words both; `headers` those of trunk and slot. `limit_ms`
    ends the talk, and `warn_ms` before that Asterisk warns the caller by the prompt `warning`; 0: not at all,
    and then the end can be moved in the talk. `leg_id` names the leg; `charged`: it also names a hold, which
    is settled for whoever shows `token`. `ends_by_key`: Asterisk ends it by a sequence of keys;
    `names_callee`: the name of the callee's channel is left with the caller's. `silent_s`: after so long
    without any response, not even 100, the dialplan ends it; 0: it does not. `again`: the call has dialled
    before; `earlier_source`: the channel that hung up first, as Asterisk named it after an earlier leg.
    `is_private`: callees must not see `caller_id`.
    """

    target: str
    number: DialledNumber
    trunk: str
    identity: dict[str, str]
    headers: dict[str, str]
    caller_id: str | None
    ring_s: int
    is_private: bool = False
    silent_s: int = 0
    limit_ms: int | None = None
    warn_ms: int = 0
    warning: str = ""
    leg_id: str = ""
    token: str = ""
    charged: bool = False
    again: bool = False
    earlier_source: str = ""
    ends_by_key: bool = False
    names_callee: bool = False

    @property
    def shown_as(self) -> str | None:
        """What callees see as the caller's number; None: the caller's own, as it came."""
        return ANONYMOUS if self.is_private else self.caller_id

    @property
    def all_headers(self) -> dict[str, str]:
        """Those of trunk and slot, and the customer's."""
        return self.headers | self.identity

    def arguments(self) -> str:
        """What `Dial` is given. `g`: go on here when the callee hangs up; `H`: the caller ends it by keys."""
        options = f"gb({self._leg_subroutine()})U({self._answer_subroutine()})"
        if self.charged:
            # A hangup handler for the caller's channel. As a command of ours before Dial it would cost the
            # caller a round trip more.
            options += f"B(ringflow-charged^before^1({self.leg_id}^{self.token}))"
        if self.ends_by_key:
            options += "H"
        if self.caller_id is not None:
            options += f"f({self.caller_id})"
        if self.is_private:
            # From is anonymous then, and P-Asserted-Identity goes only to trunks with `trust_id_outbound`.
            options += "u(prohib)"
        options += self._limit()
        return f"{self.target},{self.ring_s},{options}"

    def _leg_subroutine(self) -> str:
        """With the customer's headers as its arguments, where other text than plain words could not stand.

        The others are channel variables, each of them a command that the caller waits for.
        """
        context = "ringflow-callee" if self.names_callee else "ringflow-leg"
        words = "^".join(f"{name}^{value}" for name, value in self.identity.items())
        if self.silent_s:
            context, words = "ringflow-silent", f"{words}^{self.silent_s}"
        return f"{context}^{'more' if self.headers else 'two'}^1({words})"

    def _answer_subroutine(self) -> str:
        # What follows the context in option U are arguments: it always starts at s,1 (dial_exec_full).
        return f"ringflow-{'charged' if self.charged else 'answered'}^{self.leg_id}"

    def _limit(self) -> str:
        """Option L, in milliseconds.

        Without a warning `Dial` makes it the absolute timeout of the callee's channel (ast_bridge_timelimit
        in main/features.c), which the manager interface can set anew; with one, a timer of the bridge.
        """
        if self.limit_ms is None:
            return ""
        return f"L({self.limit_ms}{f':{self.warn_ms}' if self.warns else ''})"

    @property
    def warns(self) -> bool:
        """Whether Asterisk itself warns the caller of the end."""
        return self.limit_ms is not None and 0 < self.warn_ms < self.limit_ms


def dialable_uri(text: str, allowed_hosts: frozenset[str]) -> str | None:
    """A `sip:user@host` whose host is on the list (as `host` or `host:port`), or None."""
    match = _SIP_URI.fullmatch(text)
    if match is None:
        return None
    return text if is_allowed_host(match[2], allowed_hosts) else None


def is_sip_uri(text: str) -> bool:
    """Whether `text` is `sip:user@host` or `sip:user@host:port`, without anything else."""
    return _SIP_URI.fullmatch(text) is not None


def is_allowed_host(host: str, allowed_hosts: frozenset[str]) -> bool:
    """Whether a `host` or `host:port` is on the list of small letters; a `host` on it may have any port."""
    host = host.lower()
    return host in allowed_hosts or host.partition(":")[0] in allowed_hosts


def safe_caller_id(text: str | None) -> str | None:
    """A caller ID that may stand in a dial string, or None."""
    return text if text is not None and _CALLER_ID.fullmatch(text) else None


def safe_header_value(text: str) -> str:
    """The value with everything but printable ASCII escaped as %XX (RFC 3261, 25.1), and bounded."""
    if text.isascii() and text.isprintable():
        return text[:MAX_HEADER_VALUE]
    raw = text.encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if byte in _PRINTABLE else f"%{byte:02X}" for byte in raw)[:MAX_HEADER_VALUE]


def merge_headers(*layers: Mapping[str, str]) -> dict[str, str]:
    """Headers of trunk and slot, the later winning, without the customer's own, which nobody may replace."""
    merged: dict[str, tuple[str, str]] = {}
    for layer in layers:
        for name, value in layer.items():
            if name.lower() not in IDENTITY_HEADERS:
                merged[name.lower()] = (name, safe_header_value(value))
    return dict(merged.values())


async def dial(
    session: AgiSession, attempt: Attempt, clock: Clock, hang_up: HangUp | None = None
) -> tuple[Leg, bool]:
    """Dial and wait for the end; gives what came of it, and whether the caller is gone.

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
        result.ended_ms = await end_of_callee(session, hang_up)
    # With option `g` a callee's hang-up gives 0, so -1 is the caller's.
    hung_up = reply.result == "-1" or session.hung_up
    return _leg(attempt, result, dial_ms, session.request.channel, hung_up)


@dataclass(slots=True)
class _DialResult:
    """What Asterisk says after `Dial`: `_RESULT`, read. Moments are epoch milliseconds, 0 where none is.

    `hung_up_by`: the channel that hung up first; `response`: the callee's last one.
    """

    status: LegStatus
    cause: int
    answered_ms: int
    now_ms: int
    ended_ms: int
    hung_up_by: str
    response: str

    @classmethod
    def read(cls, text: str) -> _DialResult:
        fields = [*text.split("|", 7), *[""] * 8]
        cause, answered_ms, now_ms, ended_ms = map(_whole, fields[1:5])
        status = DIAL_STATUSES.get(fields[0], LegStatus.UNAVAILABLE)
        return cls(status, cause, answered_ms, now_ms, ended_ms, hung_up_by=fields[5], response=fields[7])

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
