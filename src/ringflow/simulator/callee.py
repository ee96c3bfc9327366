"""What an outgoing attempt meets: someone who answers, a busy line, silence, a full network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias


class Behaviour(StrEnum):
    """What a callee does."""

    ANSWER = "answer"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    CONGESTION = "congestion"
    UNAVAILABLE = "unavailable"
    REFUSE = "refuse"
    """Refuses with a SIP code of its own."""
    TRYING = "trying"
    """Says `100 Trying`, and nothing after it."""
    SILENT = "silent"
    """Says nothing at all: the trunk's address swallows what is sent there."""


@dataclass(frozen=True, slots=True)
class Callee:
    """How one attempt is met. `after_ms`: from dialling to the answer or refusal.

    None: when the line says so (`CalleeActs`). `talk_ms`: from the answer until the callee hangs up; None:
    never. `code`: the SIP code of one that refuses with its own. `rings_first`: it rings before it refuses.
    `early_media`: it is heard before it answers or refuses, instead of ringing. `keys`: what it presses,
    `keys_after_ms` after its answer; nobody on this side heeds them.
    """

    behaviour: Behaviour = Behaviour.ANSWER
    after_ms: int | None = 2000
    talk_ms: int | None = 10_000
    code: int = 0
    rings_first: bool = False
    early_media: bool = False
    keys: str = ""
    keys_after_ms: int = 0

    @property
    def waits(self) -> bool:
        """Whether nothing final comes of it by itself."""
        return self.behaviour in (Behaviour.NO_ANSWER, Behaviour.TRYING, Behaviour.SILENT)

    @property
    def rings(self) -> bool:
        """Whether the caller hears ringing."""
        rings = self.rings_first or self.behaviour in (Behaviour.ANSWER, Behaviour.NO_ANSWER)
        return rings and not self.early_media

    @property
    def progress(self) -> str:
        """The provisional response that tells the caller something, empty where there is none."""
        return SESSION_PROGRESS if self.early_media else RINGING if self.rings else ""


@dataclass(frozen=True, slots=True)
class DialledLeg:
    """An outgoing attempt as it looks from outside: what would be seen on the wire, and what it met."""

    target: str
    headers: Mapping[str, str]
    caller_id: str | None
    callee: Callee
    at_ms: int
    options: Mapping[str, str] = field(default_factory=dict)
    channel: str = ""
    """The name of its channel."""
    by_queue: bool = False
    """Whether `Queue` rang a member, so that Ringflow has no leg of it."""


MeetCallee: TypeAlias = Callable[[int, str], Callee]
"""Who answers the attempt number n (from 0) to this dial string."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """How `Dial` reports an attempt that was not answered: DIALSTATUS, and HANGUPCAUSE by Q.850.

    `cause` None: HANGUPCAUSE stays what it was, of an earlier leg too. `response` is the callee's last one,
    empty where no channel to it came about.
    """

    status: str
    cause: int | None
    response: str = ""


TRYING = "SIP 100 Trying"
RINGING = "SIP 180 Ringing"
SESSION_PROGRESS = "SIP 183 Session Progress"
ANSWERED = "SIP 200 OK"
REFUSED_TEXT = "Refused"

# Dial gave up by itself, so nobody named a cause, and the one of an earlier leg stays.
REFUSALS = {
    Behaviour.BUSY: Refusal("BUSY", 17, "SIP 486 Busy Here"),
    Behaviour.NO_ANSWER: Refusal("NOANSWER", None, RINGING),
    Behaviour.CONGESTION: Refusal("CONGESTION", 34, "SIP 503 Service Unavailable"),
    Behaviour.UNAVAILABLE: Refusal("CHANUNAVAIL", 3),
    Behaviour.TRYING: Refusal("NOANSWER", None, TRYING),
    Behaviour.SILENT: Refusal("NOANSWER", None),
}

_INTERWORKING, _CONGESTION = 127, 34
_CAUSES = {
    401: 21, 403: 21, 404: 1, 407: 21, 408: 18, 409: 41, 410: 22, 420: 3, 480: 19, 483: 19, 484: 28, 485: 1,
    486: 17, 488: 58, 500: 38, 501: 29, 502: 27, 504: 102, 505: 127, 600: 17, 603: 21, 604: 1, 606: 58,
}  # fmt: skip
"""The Q.850 cause that Asterisk takes a final response for (hangup_sip2cause in res_pjsip.c)."""

_STATUSES = {17: "BUSY", 19: "NOANSWER", 34: "CONGESTION"}
"""DIALSTATUS by cause, CHANUNAVAIL for the others (handle_cause in app_dial.c)."""


def refusal_of(callee: Callee) -> Refusal:
    """What `Dial` reports of a callee that does not answer."""
    if callee.behaviour is not Behaviour.REFUSE:
        return REFUSALS[callee.behaviour]
    by_class = _CONGESTION if callee.code // 100 == 5 else _INTERWORKING
    cause = _CAUSES.get(callee.code, by_class)
    return Refusal(_STATUSES.get(cause, "CHANUNAVAIL"), cause, f"SIP {callee.code} {REFUSED_TEXT}")


def callees_in_turn(callees: tuple[Callee, ...]) -> MeetCallee:
    """Attempts meet these one after the other; the last one meets every further attempt."""
    return lambda index, target: callees[min(index, len(callees) - 1)] if callees else Callee()
