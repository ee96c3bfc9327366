"""What is known of a call when it is over, and of the slots that it went through."""

from __future__ import annotations

from dataclasses import dataclass

from ringflow.calls.events import CallEvent
from ringflow.calls.json_value import JsonValue
from ringflow.calls.outcome import Leg, Reject, ReleasedBy
from ringflow.calls.transcript import TranscriptLine, transcript_of


@dataclass(slots=True)
class SlotVisit:
    """One passage through a slot, written on while it lasts.

    `entered_ms` counts from the call's arrival, by the call's clock. `slot` is its label in the app (its id,
    or its type with its place); `exit` None: the call ended in it, or in an app that it called. `keys` has
    one entry for each time digits were taken; secret ones are masked. `depth`: how many apps waited for the
    slot's app to return; 0 for the app with which the call began. `revision` is that of the app's file.
    """

    app: str
    slot: str
    type: str
    entered_ms: int
    exit: str | None = None
    keys: tuple[str, ...] = ()
    depth: int = 0
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class CallRecord:
    """What is known of a call when it is over.

    `outcome` is an `Outcome` value, or the name of the exit that led nowhere (`no_input`, `busy`, ...). Times
    are milliseconds; `started_at_s` is seconds since 1970 UTC. `release_cause` is the Q.850 cause of the
    caller's side, None where nobody knows. `asterisk` is the identity of the Asterisk that the call was on.
    `app` and `revision` are those that the call began with, `card` is the card that identified the caller.
    """

    call_id: str
    did: str
    cli: str | None
    app: str | None
    revision: str | None
    customer: int | None
    outcome: str
    reason: str
    started_at_s: float
    duration_ms: int
    reject: Reject | None
    variables: dict[str, JsonValue]
    legs: tuple[Leg, ...]
    events: tuple[CallEvent, ...]
    visits: tuple[SlotVisit, ...] = ()
    released_by: ReleasedBy | None = None
    release_cause: int | None = None
    asterisk: str = ""
    card: str | None = None

    @property
    def transcript(self) -> tuple[TranscriptLine, ...]:
        """What happened, line by line."""
        return transcript_of(self.events)
