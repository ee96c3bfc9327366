"""The actions we use: their fields on the wire, and their answers as values."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ringflow.ami.messages import AmiMessage, Fields, shown
from ringflow.errors import ProtocolViolation

# ast_variable names as a dialplan can read them; leading underscores make them inherited.
# One function is taken for a variable: it adds a header to the INVITE of the channel that is made.
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|PJSIP_HEADER\(add,[A-Za-z0-9-]+\)")
_DURATION = re.compile(r"([0-9]+):([0-5][0-9]):([0-5][0-9])")
MAX_VARIABLES = 64


@dataclass(frozen=True, slots=True)
class AsteriskState:
    """What Asterisk says of itself. Its times are its own local time: AMI gives no zone."""

    version: str
    started_at: datetime
    reloaded_at: datetime
    live_calls: int


@dataclass(frozen=True, slots=True)
class LiveChannel:
    """One channel. `state` is Asterisk's word (`Ring`, `Up`, ...); numbers come from the network: hostile."""

    channel: str
    unique_id: str
    linked_id: str
    caller_id: str
    connected: str
    extension: str
    state: str
    application: str
    duration_s: int


@dataclass(frozen=True, slots=True)
class DialplanTarget:
    """Where an originated call goes on in the dialplan."""

    context: str
    extension: str
    priority: int = 1


@dataclass(frozen=True, slots=True)
class ApplicationTarget:
    """The one application that an originated call runs."""

    application: str
    data: str = ""


@dataclass(frozen=True, slots=True)
class DialplanStep:
    """One line of a context: an application with its data, or another context that is included."""

    included: str
    application: str
    data: str


class OriginateOutcome(StrEnum):
    """How an originated channel ended its ringing."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    CONGESTION = "congestion"
    FAILED = "failed"


# `Reason` of OriginateResponse is the last AST_CONTROL_* frame (include/asterisk/frame.h) or 0.
_OUTCOMES = {
    "1": OriginateOutcome.NO_ANSWER,
    "3": OriginateOutcome.NO_ANSWER,
    "5": OriginateOutcome.BUSY,
    "8": OriginateOutcome.CONGESTION,
}


@dataclass(frozen=True, slots=True)
class OriginateResult:
    """What became of it. `unique_id` is empty unless answered; `reason` is Asterisk's number as text."""

    outcome: OriginateOutcome
    channel: str
    unique_id: str
    reason: str


def state_of(settings: AmiMessage, status: AmiMessage) -> AsteriskState:
    """Join the answers of CoreSettings and CoreStatus. Raises `ProtocolViolation` if they are not such."""
    calls = status.text("CoreCurrentCalls")
    if not calls.isdecimal():
        raise ProtocolViolation(f"CoreStatus counts {shown(calls)!r} calls")
    return AsteriskState(
        version=settings.text("AsteriskVersion"),
        started_at=_time(status.text("CoreStartupDate"), status.text("CoreStartupTime")),
        reloaded_at=_time(status.text("CoreReloadDate"), status.text("CoreReloadTime")),
        live_calls=int(calls),
    )


def channels_of(answers: Sequence[AmiMessage]) -> tuple[LiveChannel, ...]:
    """Read the answers of CoreShowChannels. Raises `ProtocolViolation` if the list is not what it says."""
    channels = tuple(_channel(one) for one in answers if one.event == "CoreShowChannel")
    announced = answers[-1].text("ListItems")
    if announced != str(len(channels)):
        raise ProtocolViolation(
            f"CoreShowChannels listed {len(channels)} channels and says {shown(announced)}"
        )
    return channels


def database_of(family: str, answers: Sequence[AmiMessage]) -> dict[str, str]:
    """Read the answers of DBGetTree. Raises `ProtocolViolation` if the list is not whole.

    Its `ListItems` is not looked at: Asterisk 16.28 says 1 of any number.
    """
    if answers[-1].event != "DBGetTreeComplete":
        raise ProtocolViolation("DBGetTree was answered without a DBGetTreeComplete")
    rows = [one for one in answers if one.event == "DBGetTreeResponse"]
    return {one.text("Key").removeprefix(f"/{family}/"): one.text("Val") for one in rows}


def commands_of(answer: AmiMessage) -> frozenset[str]:
    """Read the answer of ListCommands: the actions that this manager user may use, in small letters."""
    return frozenset(answer.fields) - {"response", "actionid", "message"}


def devices_of(answers: Sequence[AmiMessage]) -> tuple[str, ...]:
    """Read the answers of DeviceStateList: names of devices, such as `PJSIP/carrier`."""
    return tuple(one.text("Device") for one in answers if one.event == "DeviceStateChange")


def device_states_of(answers: Sequence[AmiMessage]) -> dict[str, str]:
    """Read the same answers: the state of each device, such as `NOT_INUSE`."""
    return {one.text("Device"): one.text("State") for one in answers if one.event == "DeviceStateChange"}


def steps_of(answers: Sequence[AmiMessage]) -> tuple[DialplanStep, ...]:
    """Read the answers of ShowDialPlan."""
    return tuple(
        DialplanStep(one.text("IncludeContext"), one.text("Application"), one.text("AppData"))
        for one in answers
        if one.event == "ListDialplan"
    )


def evaluation_fields(expression: str) -> Fields:
    """Getvar without a channel: a global variable, or a dialplan function with its arguments."""
    return {"Action": "Getvar", "Variable": expression}


def get_variable_fields(channel: str, name: str) -> Fields:
    """Getvar of one channel: a variable, or a dialplan function with its arguments."""
    return {"Action": "Getvar", "Channel": _one_channel(channel), "Variable": name}


def get_global_fields(name: str) -> Fields:
    """Getvar of a global variable."""
    return {"Action": "Getvar", "Variable": name}


def hangup_fields(channel: str, cause: int) -> Fields:
    """Hangup of one channel with a Q.850 `cause`. Raises `ProtocolViolation`."""
    if not 0 <= cause <= 127:
        raise ProtocolViolation(f"{cause} is not a Q.850 cause")
    return {"Action": "Hangup", "Channel": _one_channel(channel), "Cause": str(cause)}


def absolute_timeout_fields(channel: str, seconds: float) -> Fields:
    """Setvar of TIMEOUT(absolute), to the millisecond: the action AbsoluteTimeout knows whole seconds only.

    Raises `ProtocolViolation` for what Asterisk would take for no limit at all.
    """
    if not 0.001 <= seconds < 2**31:
        raise ProtocolViolation(f"a channel cannot be limited to {seconds:g} s")
    return {
        "Action": "Setvar",
        "Channel": _one_channel(channel),
        "Variable": "TIMEOUT(absolute)",
        "Value": f"{seconds:.3f}",
    }


def originate_fields(
    channel: str,
    target: DialplanTarget | ApplicationTarget,
    caller_id: str,
    variables: Mapping[str, str],
    timeout_s: float,
    codecs: str = "",
) -> Fields:
    """An asynchronous Originate. Raises `ProtocolViolation`: a variable's name, or too many of them."""
    if not 0 < timeout_s < 2**31 / 1000:
        raise ProtocolViolation(f"a channel cannot ring for {timeout_s:g} s")
    fields: Fields = {
        "Action": "Originate",
        "Channel": channel,
        "Async": "true",
        "Timeout": str(math.ceil(timeout_s * 1000)),
    }
    if isinstance(target, DialplanTarget):
        fields |= {"Context": target.context, "Exten": target.extension, "Priority": str(target.priority)}
    else:
        fields |= {"Application": target.application, "Data": target.data}
    if caller_id:
        fields["CallerID"] = caller_id
    if codecs:
        fields["Codecs"] = codecs
    if variables:
        fields["Variable"] = _variables(variables)
    return fields


def originate_result(answers: Sequence[AmiMessage]) -> OriginateResult:
    """Read the OriginateResponse. Raises `ProtocolViolation` where there is none."""
    last = answers[-1]
    if last.event != "OriginateResponse":
        raise ProtocolViolation("Originate was answered without an OriginateResponse")
    reason = last.text("Reason")
    if last.text("Response") == "Success":
        outcome = OriginateOutcome.ANSWERED
    else:
        outcome = _OUTCOMES.get(reason, OriginateOutcome.FAILED)
    return OriginateResult(outcome, last.text("Channel"), last.text("Uniqueid"), reason)


def _variables(variables: Mapping[str, str]) -> list[str]:
    if len(variables) > MAX_VARIABLES:
        raise ProtocolViolation(f"{len(variables)} variables; Originate takes {MAX_VARIABLES}")
    for name in variables:
        if not _VARIABLE.fullmatch(name):
            raise ProtocolViolation(f"{shown(name)} is not a variable's name")
    # Asterisk splits the line at commas unless it is quoted (measured on 22.10, read back from VarSet).
    return [f'"{name}={_escape(value)}"' for name, value in variables.items()]


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _one_channel(channel: str) -> str:
    # Asterisk takes /.../ for a regular expression and would act on every channel that it matches.
    if not channel or channel.startswith("/"):
        raise ProtocolViolation(f"{shown(channel)!r} does not name one channel")
    return channel


def _channel(event: AmiMessage) -> LiveChannel:
    duration = _DURATION.fullmatch(event.text("Duration"))
    if duration is None:
        raise ProtocolViolation(f"a channel lasts {shown(event.text('Duration'))!r}")
    hours, minutes, seconds = (int(part) for part in duration.groups())
    return LiveChannel(
        channel=event.text("Channel"),
        unique_id=event.text("Uniqueid"),
        linked_id=event.text("Linkedid"),
        caller_id=event.text("CallerIDNum"),
        connected=event.text("ConnectedLineNum"),
        extension=event.text("Exten"),
        state=event.text("ChannelStateDesc"),
        application=event.text("Application"),
        duration_s=hours * 3600 + minutes * 60 + seconds,
    )


def _time(date: str, time: str) -> datetime:
    try:
        return datetime.fromisoformat(f"{date}T{time}")
    except ValueError:
        raise ProtocolViolation(f"{shown(date)!r} {shown(time)!r} is not a time") from None
