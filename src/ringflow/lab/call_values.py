"""What a real call through the lab is told to do, and what the wire showed of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from ringflow.lab.sip_trace import SipMessage
from ringflow.lab.sound import Heard, HeardKey


class Moment(Enum):
    """What a caller's hang-up, or the end of its sound, is counted from."""

    DIALLED = "dialled"  # the caller's own INVITE
    ANSWERED = "answered"  # the caller's own answer
    RINGING = "ringing"  # the INVITE at the first callee
    TALKING = "talking"  # the last callee's answer


@dataclass(frozen=True, slots=True)
class HangUp:
    """The caller hangs up `after_ms` after a moment."""

    moment: Moment
    after_ms: int = 0


@dataclass(frozen=True, slots=True)
class TimedKeys:
    """Keys pressed one after another, the first at `at_ms` after the caller's answer."""

    at_ms: int
    digits: str
    tone_ms: int = 100
    gap_ms: int = 100


@dataclass(frozen=True, slots=True)
class TimedSpeech:
    """Speech for `length_ms`, from `at_ms` after the caller's answer on."""

    at_ms: int
    length_ms: int


@dataclass(frozen=True, slots=True)
class LabCaller:
    """A telephone that calls `did` as `cli`, empty for no number. Without `hang_up` it stays until Asterisk
    ends the call.

    `falls_silent`: from then on it sends no sound, as a telephone that lost its network.
    """

    did: str
    cli: str
    keys: tuple[TimedKeys, ...] = ()
    hang_up: HangUp | None = None
    anonymous: bool = False
    display_name: str = ""
    falls_silent: HangUp | None = None
    headers: tuple[str, ...] = ()
    """Further headers of its INVITE, whole lines."""
    speech: tuple[TimedSpeech, ...] = ()


@dataclass(frozen=True, slots=True)
class CalleeRecord:
    """What one callee saw. Times are epoch seconds off the wire, None for what did not happen.

    `headers` are the INVITE's; `ended_by` is `callee`, `asterisk` or empty; `heard` and `keys` are what came,
    `voiced` what of it is not silence.
    """

    dialled: str
    from_user: str
    headers: tuple[tuple[str, str], ...]
    invited_at: float
    answered_at: float | None
    ended_at: float | None
    ended_by: str
    cancelled: bool
    heard: tuple[Heard, ...]
    keys: tuple[HeardKey, ...] = ()
    voiced: tuple[Heard, ...] = ()

    def header(self, name: str) -> str | None:
        """The first header of that name in the INVITE, or None."""
        return next((value for one, value in self.headers if one.lower() == name.lower()), None)

    @property
    def talked_s(self) -> float:
        """From the callee's 200 to the BYE, whoever sent it; 0 for a call that was not answered."""
        return self.ended_at - self.answered_at if self.answered_at and self.ended_at else 0.0


@dataclass(frozen=True, slots=True)
class LabCallResult:
    """What one call looked like from outside. Times are epoch seconds off the wire, None for what was not.

    `status` and `reason` are of the final reply to the caller's INVITE; `ended_by` is `caller`, `asterisk` or
    empty; `callees` has the first behind each trunk that got an INVITE, `in_turn` all of them; `messages`
    are the caller's, in order; `voice`
    is the sound that reached the caller, G.711 A-law without the gaps between, `voiced` when there was any.
    """

    status: int
    reason: str
    answered_at: float | None
    ended_at: float | None
    ended_by: str
    heard: tuple[Heard, ...]
    callees: dict[str, CalleeRecord]
    messages: tuple[SipMessage, ...] = field(repr=False)
    in_turn: dict[str, tuple[CalleeRecord, ...]] = field(default_factory=dict)
    voice: bytes = field(default=b"", repr=False)
    voiced: tuple[Heard, ...] = ()
