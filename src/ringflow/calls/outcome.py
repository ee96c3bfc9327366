"""What became of a call and of its legs, in the words that logs, scenarios and metrics share."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto

URI_TRUNK = "uri"
"""The name under which legs to a SIP URI are recorded."""

DEVICE_TRUNK = "device"
"""The name under which legs to an endpoint of Asterisk's are recorded."""


class LegStatus(StrEnum):
    """How an outgoing attempt ended, from Asterisk's DIALSTATUS."""

    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    CONGESTION = "congestion"
    UNAVAILABLE = "unavailable"
    CANCELLED = "cancelled"
    """The caller hung up while it rang."""
    NO_CREDIT = "no_credit"
    """Ringflow did not dial: the customer cannot pay for the shortest talk."""
    NO_RATE = "no_rate"
    """Ringflow did not dial: the customer's rate card has no price for the number, or there is no card."""
    TOO_SHORT = "too_short"
    """Ringflow did not dial: the credit is enough for a shorter talk than the flow asks for."""
    BLOCKED = "blocked"
    """Ringflow did not dial: the flow or the customer's rate card blocks the number."""
    REFUSED = "refused"
    """Ringflow did not dial: no customer, a number that is not digits, a host not on the list."""
    BELOW_COST = "below_cost"
    """Ringflow passed the trunk over: its owner charges us more for the number than the customer pays."""
    LOST = "lost"
    """Ringflow lost its connection to Asterisk, or ended, before Asterisk told how the attempt ended."""


NEVER_DIALLED = frozenset(
    {
        LegStatus.NO_CREDIT,
        LegStatus.NO_RATE,
        LegStatus.TOO_SHORT,
        LegStatus.BLOCKED,
        LegStatus.REFUSED,
        LegStatus.BELOW_COST,
    }
)
"""Attempts of which Asterisk was told nothing."""


class ReleasedBy(StrEnum):
    """Who ended a leg, or a call."""

    CALLER = "caller"
    """By hanging up, or by a key."""
    CALLEE = "callee"
    """The callee, or the network on its way, which could also not be reached."""
    RINGFLOW = "ringflow"
    """The flow came to its end, refused, or had let it ring for long enough."""
    LIMIT = "limit"
    """The longest talk that the flow or the server allows."""
    CREDIT = "credit"
    """The credit was spent, or not enough to begin."""
    DRAIN = "drain"
    """Ringflow was stopping."""
    ASTERISK = "asterisk"
    """The connection from Asterisk closed."""
    SERVER = "server"
    """Its Ringflow was gone."""
    OPERATOR = "operator"
    """An operator ordered it."""


class Ending(StrEnum):
    """Why no more digits were taken."""

    TERMINATOR = "terminator"
    MAXIMUM = "maximum"
    SILENCE = "silence"
    TOO_LONG = "too_long"
    """More was keyed than fits; the digits are all that were keyed, up to `MAX_DIGITS`."""
    OPTION = "option"
    """They are one of the options, and nothing could follow."""
    NO_OPTION = "no_option"
    """No option begins so."""


DIAL_STATUSES = {
    "ANSWER": LegStatus.ANSWERED,
    "BUSY": LegStatus.BUSY,
    "NOANSWER": LegStatus.NO_ANSWER,
    "CONGESTION": LegStatus.CONGESTION,
    "CHANUNAVAIL": LegStatus.UNAVAILABLE,
    "CANCEL": LegStatus.CANCELLED,
    "DONTCALL": LegStatus.BUSY,
    "TORTURE": LegStatus.BUSY,
    "INVALIDARGS": LegStatus.UNAVAILABLE,
}
"""Asterisk's values of DIALSTATUS (app_dial.c) in our words."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One outgoing attempt. `talked_ms` counts from the callee's answer; `headers` are those we added.

    `dialled` is the number in E.164, `keyed` the same as the caller or the flow gave it, `sent` as the trunk
    was given it; all three are one where it was dialled `as_keyed`.

    `leg_id` names its hold in the ledger, empty where nothing was held; `charged_micros` is None where the
    settlement is not written yet. `sip_code` is the callee's final response to the INVITE (RFC 3261), None
    where there was none. `released_by` is None where nobody knows; `hung_up_by` is the channel that
    hung up first, as Asterisk names it, if it does. `reason` says why Ringflow did not dial, empty where it
    did. `ended_ms` counts from the call's arrival, None while the leg has not ended. `rang_after_ms`: from
    dialling to the callee's ringing, None where it did not ring.
    """

    dialled: str
    trunk: str
    status: LegStatus
    talked_ms: int = 0
    hangup_cause: int = 0
    caller_id: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    leg_id: str = ""
    charged_micros: int | None = None
    released_by: ReleasedBy | None = None
    hung_up_by: str = ""
    sip_code: int | None = None
    keyed: str = ""
    sent: str = ""
    as_keyed: bool = False
    reason: str = ""
    ended_ms: int | None = None
    rang_after_ms: int | None = None


class Verdict(Enum):
    """What is made of what Asterisk tells of a leg."""

    BELIEVED = auto()
    OVER = auto()
    """The leg has ended, and was settled."""
    NOT_YET = auto()
    """The leg's own server lives, and has not lost sight of it."""
    UNKNOWN = auto()
    """Nobody dialled such a leg."""
    FORGED = auto()
    """The token is not the leg's."""


@dataclass(frozen=True, slots=True)
class LegEnd:
    """What Asterisk tells of a leg whose server lost it; `ended_ms`: milliseconds since 1970.

    Who ended it is not among that.
    """

    leg_id: str
    status: LegStatus
    talked_ms: int
    ended_ms: int
    cause: int | None
    asterisk: str = ""


class Outcome(StrEnum):
    """How a call ended as a whole. An exit that led nowhere ends it under the exit's own name instead."""

    COMPLETED = "completed"
    """The flow ran to its end, or caller and callee were connected."""
    ABANDONED = "abandoned"
    """The caller hung up before being connected."""
    REJECTED = "rejected"
    """Refused before answer; `reject` says why."""
    ERROR = "error"
    """Asterisk, the database or Ringflow failed; `reason` says what."""
    DRAINED = "drained"
    """Ringflow was stopping and the call did not end within the limit."""
    LIMIT = "limit"
    """It reached one of its app's limits, and the app says nothing of what comes then."""
    LOST = "lost"
    """Its server was gone before the call ended; what it had kept of the call is its record."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A refusal before answer: the SIP status code sent and the reason logged."""

    sip: int
    reason: str
