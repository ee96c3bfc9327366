"""The dialplan applications that the virtual Asterisk has; each returns what the real one does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TypeAlias

from ringflow.simulator.command_line import split_arguments, split_options
from ringflow.simulator.conference import run_conference
from ringflow.simulator.dial_application import run_dial
from ringflow.simulator.incoming_call import GetData, IncomingCall
from ringflow.simulator.line import HungUp, Sound
from ringflow.simulator.originate import Outcome
from ringflow.simulator.queue_application import (
    run_add_member,
    run_pause_member,
    run_queue,
    run_remove_member,
    run_unpause_member,
)

MAX_READ_DIGITS = 255
DEFAULT_SIP_CODE = 603
SIP_CODES = {
    1: 404, 2: 404, 3: 404, 17: 486, 18: 408, 19: 480, 20: 480, 21: 403, 22: 410, 27: 502, 28: 484, 29: 501,
    31: 480, 34: 503, 38: 500, 42: 503, 58: 488, 66: 503, 127: 500,
}  # fmt: skip
"""What an unanswered caller gets for a Q.850 cause (hangup_cause2sip in chan_pjsip.c)."""

ORIGINATE_S = 30.0

Application: TypeAlias = Callable[[IncomingCall, str], Awaitable[int]]


async def run_read(call: IncomingCall, data: str) -> int:
    """`Read(variable,files,maxdigits,options,attempts,timeout)`, apps/app_read.c. Always 0."""
    channel = call.channel
    channel.set_variable("READSTATUS", "ERROR")
    variable, files, maximum_text, option_text, attempts_text, timeout_text = _padded(data, 6)
    if not variable:
        return 0
    options = split_options(option_text)
    maximum = _whole(maximum_text)
    maximum = maximum if 1 <= maximum <= MAX_READ_DIGITS else MAX_READ_DIGITS
    timeout_ms = max(0, round(_decimal(timeout_text) * 1000))
    if channel.state.name != "UP" and "n" not in options:
        if "s" in options:
            channel.set_variable(variable, "")
            channel.set_variable("READSTATUS", "SKIPPED")
            return 0
        call.answer()
    enders = options.get("t", "#")
    status, digits = "ERROR", ""
    for _ in range(max(1, _whole(attempts_text))):
        first_ms, between_ms = timeout_ms or channel.response_ms, timeout_ms or channel.digit_ms
        ending, digits = await call.get_data(files.split("&"), maximum, first_ms, between_ms, enders)
        if ending in (GetData.COMPLETE, GetData.EMPTY_END_TERMINATED):
            status = "OK"
        elif ending is GetData.TIMEOUT:
            status = "TIMEOUT"
        if ending is GetData.EMPTY_END_TERMINATED and "e" in options:
            digits = enders[:1]
        channel.set_variable(variable, digits)
        if digits or ending is GetData.FAILED:
            break
    channel.set_variable("READSTATUS", "HANGUP" if channel.hung_up else status)
    return 0


async def run_mset(call: IncomingCall, data: str) -> int:
    """`MSet(name=value,...)`: variables and functions, from left to right."""
    for assignment in split_arguments(data):
        name, _, value = assignment.partition("=")
        call.channel.set_variable(name, value)
    return 0


async def run_answer(call: IncomingCall, data: str) -> int:
    """`Answer`."""
    call.answer()
    return -1 if call.channel.hung_up else 0


async def run_playback(call: IncomingCall, data: str) -> int:
    """`Playback(files)`: answers, plays all, ignores keys."""
    call.answer()
    failed = False
    for prompt in _padded(data, 1)[0].split("&"):
        failed = failed or not call.has(prompt)
        if isinstance(await call.play(prompt), HungUp):
            return -1
    call.channel.set_variable("PLAYBACKSTATUS", "FAILED" if failed else "SUCCESS")
    return 0


async def run_wait(call: IncomingCall, data: str) -> int:
    """`Wait(seconds)`; keys are dropped."""
    deadline_ms = call.clock.monotonic_ms() + max(0, round(_decimal(data) * 1000))
    return -1 if isinstance(await call.wait(deadline_ms), HungUp) else 0


async def run_hangup(call: IncomingCall, data: str) -> int:
    """`Hangup(cause)`: notes the cause and ends the dialplan. The channel goes when the script has ended."""
    if cause := _whole(data):
        call.channel.hangup_cause = cause
    if call.channel.state.name != "UP" and not call.channel.hung_up:
        call.sip_code = SIP_CODES.get(call.channel.hangup_cause, DEFAULT_SIP_CODE)
    return -1


async def run_pjsip_hangup(call: IncomingCall, data: str) -> int:
    """`PJSIPHangup(code)`, Asterisk 20.5 and later: an unanswered call is refused with this SIP status."""
    if data and call.channel.state.name != "UP" and not call.channel.hung_up:
        code = _whole(data)
        call.sip_code = code if 400 <= code <= 699 else DEFAULT_SIP_CODE
        call.channel.hung_up = True
    return -1


async def run_hangup_cause_clear(call: IncomingCall, data: str) -> int:
    """`HangupCauseClear`: forgets how the channels dialled so far ended."""
    call.channel.responses.clear()
    return 0


async def run_confbridge(call: IncomingCall, data: str) -> int:
    """`ConfBridge(name,bridge profile,user profile,menu)`, with what `CONFBRIDGE()` sets instead of those."""
    return await run_conference(call, _padded(data, 1)[0])


async def run_progress(call: IncomingCall, data: str) -> int:
    """`Progress`: a caller who is not answered hears what is played from now on."""
    call.channel.has_early_media = True
    return -1 if call.channel.hung_up else 0


async def run_start_music(call: IncomingCall, data: str) -> int:
    """`StartMusicOnHold(class)`: it plays on while the script goes on."""
    call.line.starts(Sound.MUSIC, False)
    return 0


async def run_stop_music(call: IncomingCall, data: str) -> int:
    """`StopMusicOnHold`."""
    call.line.stops(Sound.MUSIC)
    return 0


async def run_originate(call: IncomingCall, data: str) -> int:
    """`Originate(target,exten,context,extension,priority,timeout,options)`: calls somebody.

    It waits until that one has answered or not, unless the option `a` is given; ORIGINATE_STATUS says
    which. Of the options `c(number)` and `v(variable=value...)` are followed too.
    """
    target, kind, _, extension, _, timeout, option_text = _padded(data, 7)
    options = split_options(option_text)
    call.channel.set_variable("ORIGINATE_STATUS", Outcome.FAILED.value)
    if "/" not in target or kind != "exten":
        return -1
    made = partial(
        call.exchange.originated.originate,
        call.clock, target, extension, _decimal(timeout) or ORIGINATE_S, options.get("c", ""),
        dict(one.partition("=")[::2] for one in options.get("v", "").split("^") if one),
    )  # fmt: skip
    if "a" in options:
        call.exchange.originated.in_background(call.clock, made)
        call.channel.set_variable("ORIGINATE_STATUS", Outcome.ANSWERED.value)
        return 0
    result = await made()
    call.channel.set_variable("ORIGINATE_STATUS", result.outcome.value)
    return 0


async def run_nothing(call: IncomingCall, data: str) -> int:
    """`NoOp`, `Verbose`, `Ringing`: nothing that a caller's scenario can tell."""
    return 0


APPLICATIONS: Mapping[str, Application] = {
    "addqueuemember": run_add_member,
    "answer": run_answer,
    "confbridge": run_confbridge,
    "dial": run_dial,
    "hangup": run_hangup,
    "hangupcauseclear": run_hangup_cause_clear,
    "mset": run_mset,
    "noop": run_nothing,
    "originate": run_originate,
    "pausequeuemember": run_pause_member,
    "pjsiphangup": run_pjsip_hangup,
    "playback": run_playback,
    "progress": run_progress,
    "queue": run_queue,
    "read": run_read,
    "removequeuemember": run_remove_member,
    "ringing": run_nothing,
    "startmusiconhold": run_start_music,
    "stopmusiconhold": run_stop_music,
    "unpausequeuemember": run_unpause_member,
    "verbose": run_nothing,
    "wait": run_wait,
}
"""By name in small letters: `pbx_findapp` compares without case."""


def _padded(data: str, count: int) -> list[str]:
    return [*split_arguments(data), *[""] * count][:count]


def _whole(text: str) -> int:
    """As C's atoi: what is no number is 0."""
    return int(text) if text.isascii() and text.lstrip("-").isdigit() else 0


def _decimal(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
