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


@dataclass(frozen=True, slots=True)
class Callee:
    """How one attempt is met. `after_ms`: from dialling to the answer or refusal.

    None: when the line says so (`CalleeActs`). `talk_ms`: from the answer until the callee hangs up; None:
    never.
    """

    behaviour: Behaviour = Behaviour.ANSWER
    after_ms: int | None = 2000
    talk_ms: int | None = 10_000

    @property
    def rings(self) -> bool:
        """Whether the caller hears ringing."""
        return self.behaviour in (Behaviour.ANSWER, Behaviour.NO_ANSWER)


@dataclass(frozen=True, slots=True)
class DialledLeg:
    """An outgoing attempt as it looks from outside: what would be seen on the wire, and what it met."""

    target: str
    headers: Mapping[str, str]
    caller_id: str | None
    callee: Callee
    at_ms: int
    options: Mapping[str, str] = field(default_factory=dict)


MeetCallee: TypeAlias = Callable[[int, str], Callee]
"""Who answers the attempt number n (from 0) to this dial string."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """How `Dial` reports an attempt that was not answered: DIALSTATUS, and HANGUPCAUSE by Q.850.

    `response` is the callee's last one, empty where no channel to it came about.
    """

    status: str
    cause: int
    response: str = ""


RINGING = "SIP 180 Ringing"
ANSWERED = "SIP 200 OK"

REFUSALS = {
    Behaviour.BUSY: Refusal("BUSY", 17, "SIP 486 Busy Here"),
    # Dial gave up by itself, so nobody named a cause: measured on 22 and 16.
    Behaviour.NO_ANSWER: Refusal("NOANSWER", 0, RINGING),
    Behaviour.CONGESTION: Refusal("CONGESTION", 34, "SIP 503 Service Unavailable"),
    Behaviour.UNAVAILABLE: Refusal("CHANUNAVAIL", 20),
}


def callees_in_turn(callees: tuple[Callee, ...]) -> MeetCallee:
    """Attempts meet these one after the other; the last one meets every further attempt."""
    return lambda index, target: callees[min(index, len(callees) - 1)] if callees else Callee()
