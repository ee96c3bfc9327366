"""What happens in a call, as small values: every observer of calls is told of these and of nothing else.

`docs/events.md` says in which order they come and what each of them means. `event_json.py` has their JSON
form. An event is told once Ringflow knows of it, and `at_ms` is when it happened: Asterisk says only after
`Dial` when the callee rang and answered, so these two come late where the manager interface did not say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ringflow.calls.json_value import JsonValue
from ringflow.calls.outcome import Ending, Leg, ReleasedBy

MASKED = "****"
"""Stands in place of keys and values that are secret: not even how many keys they were."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call is. `app`, `revision` and `slot` are empty before the call has come to any.

    `began_ms`: when it arrived, in milliseconds since 1970. `depth`: how many apps wait for this one to
    return.
    """

    call_id: str
    began_ms: int
    app: str | None = None
    revision: str | None = None
    slot: str = ""
    depth: int = 0


@dataclass(frozen=True, slots=True)
class CallEvent:
    """One event. `number` counts the call's events from 1; `at_ms` counts from the call's arrival."""

    place: Place
    number: int
    at_ms: int

    @property
    def call_id(self) -> str:
        """The call."""
        return self.place.call_id

    @property
    def time_ms(self) -> int:
        """When it happened, in milliseconds since 1970."""
        return self.place.began_ms + self.at_ms


@dataclass(frozen=True, slots=True)
class CallStarted(CallEvent):
    """A call arrived. `asterisk`: the identity of the Asterisk that it is on; `channel`: its name there.

    The numbers are in E.164 where the call was let in, and as they came where it was not.
    """

    did: str
    cli: str | None
    asterisk: str
    channel: str


@dataclass(frozen=True, slots=True)
class CallIdentified(CallEvent):
    """From now on this customer pays. `card_id`: the card by which the caller was identified, if any."""

    customer_id: int
    card_id: str | None


@dataclass(frozen=True, slots=True)
class CallAnswered(CallEvent):
    """Ringflow answered the caller, who has to hear something."""


@dataclass(frozen=True, slots=True)
class CallRejected(CallEvent):
    """The call is refused with a SIP code, or, if it is answered, hung up."""

    sip: int
    reason: str


@dataclass(frozen=True, slots=True)
class SlotEntered(CallEvent):
    """The call came to a slot, of this type."""

    slot_type: str


@dataclass(frozen=True, slots=True)
class SlotLeft(CallEvent):
    """The slot ended by an exit. `app_entered`: where the call goes on, if the slot itself led there."""

    slot_type: str
    exit: str
    app_entered: str | None


@dataclass(frozen=True, slots=True)
class AppCalled(CallEvent):
    """The slot calls another app, and waits for it to return: what follows happens there."""

    called: str


@dataclass(frozen=True, slots=True)
class AppReturned(CallEvent):
    """The app that the slot called has returned by an exit."""

    exit: str


@dataclass(frozen=True, slots=True)
class PromptPlayed(CallEvent):
    """Asterisk is told to play this prompt; the caller may end it by a key, or hang up."""

    prompt: str


@dataclass(frozen=True, slots=True)
class PromptMissing(CallEvent):
    """Asterisk has no such prompt."""

    prompt: str


@dataclass(frozen=True, slots=True)
class DigitsCollected(CallEvent):
    """The caller keyed digits. Secret ones are `****`; `ending` says why no more were taken."""

    digits: str
    ending: Ending


@dataclass(frozen=True, slots=True)
class CreditHeld(CallEvent):
    """Credit is held for a leg, and pays for `limit_ms` of talk."""

    leg: int
    leg_id: str
    customer_id: int
    micros: int
    currency: str
    limit_ms: int


@dataclass(frozen=True, slots=True)
class CreditExtended(CallEvent):
    """More credit is held for the leg that talks: `micros` in all, for `limit_ms` of talk in all."""

    leg: int
    micros: int
    currency: str
    limit_ms: int


@dataclass(frozen=True, slots=True)
class CreditWarned(CallEvent):
    """The caller is told, in the talk, that the credit ends in `left_ms`."""

    leg: int
    left_ms: int


@dataclass(frozen=True, slots=True)
class LegDialled(CallEvent):
    """Asterisk is told to dial. `leg` is its place among the call's attempts, from 1.

    `leg_id` names its hold in the ledger, empty where nothing is held. `since_keys_ms`: from the caller's
    last key to the decision to dial, None where no key led to it.
    """

    leg: int
    leg_id: str
    trunk: str
    dialled: str
    keyed: str
    sent: str
    as_keyed: bool
    caller_id: str | None
    since_keys_ms: int | None


@dataclass(frozen=True, slots=True)
class LegRinging(CallEvent):
    """The callee rings."""

    leg: int


@dataclass(frozen=True, slots=True)
class LegAnswered(CallEvent):
    """The callee answered: the talk begins, and with it what it costs."""

    leg: int


@dataclass(frozen=True, slots=True)
class LegEnded(CallEvent):
    """An attempt is over, or was refused without a `LegDialled`."""

    leg: int
    ended: Leg


class RecordingEnd(StrEnum):
    """What ended a recording."""

    KEY = "key"
    SILENCE = "silence"
    LONGEST = "longest"
    """It was as long as it may be."""
    HANG_UP = "hang_up"


@dataclass(frozen=True, slots=True)
class RecordingStarted(CallEvent):
    """Asterisk is told to record the caller."""

    recording: str


@dataclass(frozen=True, slots=True)
class RecordingEnded(CallEvent):
    """The recording is over, and is kept unless a `Noted` after it says otherwise."""

    recording: str
    length_ms: int
    ended_by: RecordingEnd


class OrderKind(StrEnum):
    """What an operator can order of a call in progress."""

    HANG_UP = "hang_up"
    HANG_UP_LEG = "hang_up_leg"
    REDIRECT = "redirect"
    PLAY = "play"
    SAY = "say"


@dataclass(frozen=True, slots=True)
class CallOrdered(CallEvent):
    """An operator orders something of the call, which does it as soon as it can.

    `detail`: the app and slot of a redirection, the prompt that is to be played.
    """

    order: OrderKind
    detail: str
    operator: str


@dataclass(frozen=True, slots=True)
class Noted(CallEvent):
    """A slot, or a part of Ringflow, remarks something that has no event of its own."""

    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class HungUp(CallEvent):
    """The caller's channel is gone. `connection_lost`: its Asterisk may be, too."""

    connection_lost: bool


@dataclass(frozen=True, slots=True)
class CallFailed(CallEvent):
    """Asterisk, the database or Ringflow failed; `error` is the name of the error."""

    error: str


@dataclass(frozen=True, slots=True)
class CallEnded(CallEvent):
    """The call is over: always the last event. `sip`: the code that an unanswered caller was refused with.

    `variables` are those of the flow as records may have them; they are not in the JSON form.
    """

    outcome: str
    reason: str
    released_by: ReleasedBy
    release_cause: int | None
    sip: int | None
    variables: Mapping[str, JsonValue] = field(default_factory=dict)
