"""What a telephone's WebSocket carries: docs/api-telephone.md is its guide.

Each message is a JSON object with its `type`. What clients send is read as strictly as a request's body; to
what the server sends, fields and types may be added within a `VERSION`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from ringflow.errors import Refused
from ringflow.forms.json_value import json_object
from ringflow.forms.made_call import MadeCallForm
from ringflow.simulator.callee import Behaviour
from ringflow.web.api.simulations import FlowTexts
from ringflow.web.rest.request_input import Input, JsonText, read_json
from ringflow.wording import did_you_mean, known_words, quoted

VERSION = 1
FASTEST = 16
"""How many times as quick as real time a call may go."""
LONGEST_KEY_S = 60

PaceText = Annotated[float, Field(ge=0, le=FASTEST)]


class Call(FlowTexts):
    """Call a number. `drafts` and `texts` say which flows are others than those in service."""

    type: Literal["call"]
    did: str = Field(min_length=1, max_length=256)
    """The number that is called."""
    cli: str | None = Field(None, max_length=256)
    """The calling number; `anonymous` withholds it, null: there is none."""
    app: str | None = None
    """The app that answers, whatever the number leads to; the number need not be a DID."""
    pace: PaceText = 1
    """How many seconds of the call pass in one second; 0: it stands still."""


class Key(Input):
    """A key of the caller's is let go."""

    type: Literal["key"]
    key: str = Field(pattern="^[0-9*#A-D]$")
    held_s: float = Field(0.1, ge=0.04, le=LONGEST_KEY_S)
    """How long it was held, in the call's time."""


class HangUp(Input):
    """The caller hangs up."""

    type: Literal["hang_up"]


class Speak(Input):
    """The caller begins to speak, or is silent again."""

    type: Literal["speak"]
    speaks: bool


class Callee(Input):
    """The callee who rings or talks does this."""

    type: Literal["callee"]
    does: Literal["answer", "busy", "no_answer", "congestion", "unavailable", "hang_up"]

    @property
    def behaviour(self) -> Behaviour:
        """The same in the simulator's words."""
        return Behaviour.NO_ANSWER if self.does == "hang_up" else Behaviour(self.does)


class Pace(Input):
    """Let the call go at this pace."""

    type: Literal["pace"]
    pace: PaceText


class Skip(Input):
    """Let what the call waits for now be over: the prompt, the silence, the ringing."""

    type: Literal["skip"]
    until_s: float | None = Field(None, ge=0, le=1_000_000)
    """Only the wait that ends then, as `clock` says; null: the one that there is."""


class Scenario(Input):
    """Make a scenario of the last call, which is over."""

    type: Literal["scenario"]
    name: str = Field(min_length=1, max_length=200)
    """What it is called in its file."""
    save: bool = False
    """Also write it to the scenarios of the app that was called."""


Received: TypeAlias = Scenario | Call | Key | HangUp | Speak | Callee | Pace | Skip
RECEIVED: Mapping[str, type[Received]] = {
    "call": Call,
    "key": Key,
    "hang_up": HangUp,
    "speak": Speak,
    "callee": Callee,
    "pace": Pace,
    "skip": Skip,
    "scenario": Scenario,
}


def read_message(raw: bytes) -> Received:
    """Return what a client says. Raises `Refused`."""
    text = JsonText.read(raw)
    kind = text.value.get("type") if isinstance(text.value, dict) else None
    if not isinstance(kind, str) or kind not in RECEIVED:
        known = f"there are {known_words(RECEIVED)}"
        near = did_you_mean(kind, RECEIVED, known) if isinstance(kind, str) else known
        what = f"no message is a {quoted(kind)}" if isinstance(kind, str) else "a message has a type"
        raise Refused("telephone.unknown_message", f"{what} ({near})", ("type",))
    return read_json(text, RECEIVED[kind])


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message: what this server takes."""

    version: int
    fastest: int
    longest_call_s: int


@dataclass(frozen=True, slots=True)
class Calling:
    """The call is on its way. `app` is the one that was asked for, if any was."""

    did: str
    cli: str | None
    app: str | None


@dataclass(frozen=True, slots=True)
class TranscriptLineForm:
    """A line of the transcript."""

    at_s: float
    slot: str
    event: str
    detail: str


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of the call, as docs/events.md has it, and the lines of the transcript that it makes."""

    event: Mapping[str, object]
    lines: tuple[TranscriptLineForm, ...]


@dataclass(frozen=True, slots=True)
class VariablesChanged:
    """Variables that were set, and the names of those that are gone. Secret values are masked."""

    set: Mapping[str, object]
    gone: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SoundBegan:
    """The caller hears this from now on.

    `sound`: `prompt`, `ringing`, `callee`, `music`, `echo`, `conference`, `early_media` or `recording`.
    `prompt` is its name in the library, and `length_s` how long it plays.
    """

    sound: str
    prompt: str | None
    length_s: float | None
    takes_keys: bool
    at_s: float


@dataclass(frozen=True, slots=True)
class SoundEnded:
    """The caller hears it no more."""

    sound: str
    prompt: str | None
    at_s: float


@dataclass(frozen=True, slots=True)
class ClockSet:
    """The time of the call: it goes on at this pace from `at_s` on, and stops at `until_s` at the latest."""

    at_s: float
    until_s: float | None
    pace: float


@dataclass(frozen=True, slots=True)
class Dialled:
    """Asterisk would dial this now. `leg` counts the call's attempts from 1."""

    leg: int
    dial_string: str
    at_s: float


@dataclass(frozen=True, slots=True)
class Priced:
    """What the leg costs: `price` a minute, and what is charged once with the answer."""

    leg: int
    price: str
    connection: str
    currency: str
    prefix: str
    destination: str
    minimum_s: int
    increment_s: int


@dataclass(frozen=True, slots=True)
class ChargedLeg:
    """What a leg was charged; null: nothing is charged here."""

    leg: int
    charged: str | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over. Values of headers are not shown."""

    call: MadeCallForm
    charged: tuple[ChargedLeg, ...]
    prompts_missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScenarioMade:
    """A scenario of the last call. `differs`: in what it is another call than that one."""

    app: str
    name: str
    text: str
    differs: tuple[str, ...]
    saved: bool


@dataclass(frozen=True, slots=True)
class Trouble:
    """A message was refused, or the call could not be made. The connection goes on."""

    problem: Mapping[str, Any]
    about: str | None
    """The type of the message."""


@dataclass(frozen=True, slots=True)
class Bye:
    """The server closes the connection: `server_stops`, `no_longer_allowed`, `idle`, `too_slow`."""

    reason: str


Sent: TypeAlias = (
    Hello
    | Calling
    | Happened
    | VariablesChanged
    | SoundBegan
    | SoundEnded
    | ClockSet
    | Dialled
    | Priced
    | Ended
    | ScenarioMade
    | Trouble
    | Bye
)

_TYPES: Mapping[type[Sent], str] = {
    Happened: "event",
    VariablesChanged: "variables",
    ClockSet: "clock",
    Trouble: "problem",
    ScenarioMade: "scenario",
}
_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


def type_of(kind: type[Sent]) -> str:
    """Return the type that stands in a message of the server's."""
    return _TYPES.get(kind) or _CAPITAL.sub("_", kind.__name__).lower()


def sent_json(message: Sent) -> dict[str, object]:
    """Return a message of the server's as it is sent."""
    return {"type": type_of(type(message)), **json_object(message)}
