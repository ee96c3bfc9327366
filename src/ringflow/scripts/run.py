"""What a run of a script is given, what comes of it, and why there may be nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from ringflow.errors import RingflowError
from ringflow.scripts.script import Place


@dataclass(frozen=True, slots=True)
class RunLimits:
    """What one run may take. Log and output are counted in characters."""

    time_ms: int = 2000
    memory_bytes: int = 32 * 1024 * 1024
    microtasks: int = 100_000
    output_chars: int = 256 * 1024
    log_lines: int = 200
    log_chars: int = 16 * 1024
    calls: int = 100
    timers: int = 1000


class FailureKind(StrEnum):
    """Why a run has no result."""

    THROWN = "thrown"
    SYNTAX = "syntax"
    TIME = "time"
    MEMORY = "memory"
    MICROTASKS = "microtasks"
    NEVER_SETTLED = "never_settled"
    BAD_RESULT = "bad_result"
    LOST = "lost"
    BUSY = "busy"
    UNUSABLE = "unusable"


class ScriptFailed(RingflowError):
    """A run that has no result. `thrown`: the message of what the script itself threw, else None."""

    code = "script.failed"

    def __init__(self, kind: FailureKind, what: str, place: Place, thrown: str | None = None) -> None:
        self.kind = kind
        self.what = what
        self.place = place
        self.thrown = thrown
        self.log: Sequence[LogLine] = ()
        super().__init__(f"{place}: {what}")


@dataclass(frozen=True, slots=True)
class LogLine:
    """What a script wrote with `console`."""

    level: str
    text: str


class HostCall(BaseModel):
    """What a script wants of the host. Anything may stand in it."""

    model_config = ConfigDict(extra="ignore", strict=True)

    id: int
    name: str
    given: dict[str, JsonValue]


class Ticket(BaseModel):
    """What stands for a security key while the script runs: its text, and for whom and where it counts."""

    model_config = ConfigDict(extra="ignore")

    ticket: str = Field(max_length=200)
    place: tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class RunResult:
    """What `main` returned, what was written, and which security keys were asked for."""

    value: JsonValue
    log: Sequence[LogLine] = ()
    tickets: Sequence[Ticket] = ()


class CallRefused(Exception):
    """What the host answers to a call that it does not carry out: an error in the script, at the call."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        self.code = code
        self.status = status
        super().__init__(message)


HostCalls = Callable[[HostCall], Awaitable[JsonValue]]
"""Carries out a call, and returns its value. Raises `CallRefused`."""


async def no_host_calls(call: HostCall) -> JsonValue:
    """Refuse every call."""
    raise CallRefused("script.no_host", f"{call.name} is not available here")


@dataclass(frozen=True, slots=True)
class Job:
    """A run: what `main` is given, by which clock (milliseconds since 1970), within which limits.

    `is_check`: the script is only read.
    """

    data: JsonValue
    now_ms: int
    limits: RunLimits = field(default_factory=RunLimits)
    host: HostCalls = no_host_calls
    is_check: bool = False


def one_line(text: str, limit: int) -> str:
    """Return text of a script without control characters, cut to a length."""
    text = text[:limit]
    return text if text.isprintable() else "".join(one if one.isprintable() else " " for one in text)
