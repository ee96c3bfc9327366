"""The AGI commands that the virtual Asterisk knows, replying as res/res_agi.c does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ringflow.simulator.applications import APPLICATIONS
from ringflow.simulator.incoming_call import GetData, IncomingCall, Recording
from ringflow.simulator.line import HungUp, KeyUp, LineEvent
from ringflow.simulator.recorded_sound import sound_of

SAMPLES_PER_MS = 8
GET_DATA_FIRST_MS = 6000
GET_DATA_BETWEEN_MS = 2000
GET_DATA_MAXIMUM = 1024
FOREVER_MS = 1_000_000_000
CUT_BEFORE_KEY_MS = 200
"""What `RECORD FILE` cuts off before a key that ends it, and what it leaves of a silence that does."""
SILENCE_LEFT_MS = 1000

Handler: TypeAlias = Callable[[IncomingCall, list[str]], Awaitable[str | None]]
"""Takes all words of the line and gives the reply; None: the words do not fit, show the usage."""


@dataclass(frozen=True, slots=True)
class Command:
    """`dead`: allowed on a channel that has hung up."""

    run: Handler
    dead: bool
    usage: str


async def _answer(call: IncomingCall, words: list[str]) -> str | None:
    call.answer()
    return f"200 result={-1 if call.channel.hung_up else 0}"


async def _channel_status(call: IncomingCall, words: list[str]) -> str | None:
    if len(words) > 3:
        return None
    return f"200 result={int(call.channel.state)}" if len(words) == 2 else "200 result=-1"


async def _exec(call: IncomingCall, words: list[str]) -> str | None:
    if len(words) < 2:
        return None
    application = APPLICATIONS.get(words[1].lower())
    if application is None or words[1].lower() in call.missing_applications:
        return "200 result=-2"
    # Only the first argument is passed on: what is not quoted is lost at its first space.
    return f"200 result={await application(call, words[2] if len(words) > 2 else '')}"


async def _get_data(call: IncomingCall, words: list[str]) -> str | None:
    if len(words) < 3:
        return None
    timeout_ms = _whole(words[3]) if len(words) > 3 else 0
    maximum = _whole(words[4]) if len(words) > 4 else GET_DATA_MAXIMUM
    first_ms, between_ms = GET_DATA_FIRST_MS, GET_DATA_BETWEEN_MS
    if timeout_ms:
        first_ms = between_ms = timeout_ms if timeout_ms > 0 else FOREVER_MS
    prompt = words[2]
    if (prompt and not call.has(prompt)) or maximum == 0:
        return "200 result=-1"
    ending, digits = await call.read_string(prompt or None, maximum, first_ms, between_ms, "#")
    if ending is GetData.FAILED:
        return "200 result=-1"
    return f"200 result={digits}" + (" (timeout)" if ending is GetData.TIMEOUT else "")


async def _get_full_variable(call: IncomingCall, words: list[str]) -> str | None:
    if len(words) not in (4, 5):
        return None
    return f"200 result=1 ({call.channel.substitute(words[3])})" if len(words) == 4 else "200 result=0"


async def _get_variable(call: IncomingCall, words: list[str]) -> str | None:
    if len(words) != 3:
        return None
    value = call.channel.get_variable(words[2])
    return "200 result=0" if value is None else f"200 result=1 ({value})"


async def _hangup(call: IncomingCall, words: list[str]) -> str | None:
    if len(words) > 2:
        return None
    if len(words) == 2:
        return "200 result=-1"
    call.channel.hung_up = True
    return "200 result=1"


async def _noop(call: IncomingCall, words: list[str]) -> str | None:
    return "200 result=0"


async def _record_file(call: IncomingCall, words: list[str]) -> str | None:
    """`handle_recordfile`: to a key, to silence (`s=SECONDS`), to the timeout, or to the hang-up."""
    if len(words) < 6:
        return None
    name, form, enders, timeout_ms, options = words[2], words[3], words[4], _whole(words[5]), words[6:]
    if any(not option.isdecimal() and "=" not in option for option in options):
        await call.play("beep", enders)
    if (path := call.recording_path(name, form)) is not None and not path.parent.is_dir():
        return "200 result=-1 (writefile)"
    silence_ms = next((_whole(one[2:]) * 1000 for one in options if one.startswith("s=")), 0)
    began_ms = call.clock.monotonic_ms()
    ends_ms = None if timeout_ms < 0 else began_ms + timeout_ms
    event, silent = await _recorded(call, enders, ends_ms, silence_ms)
    length_ms = call.clock.monotonic_ms() - began_ms
    # What ast_waitfor had left: nothing at the timeout, and the rest of it where silence came before.
    left_ms = timeout_ms - length_ms if silent and timeout_ms > 0 else 0
    if isinstance(event, KeyUp):
        # The key is cut off again, and while it was pressed no sound came.
        length_ms = max(0, length_ms - event.length_ms - CUT_BEFORE_KEY_MS)
    elif silent:
        length_ms -= silence_ms - SILENCE_LEFT_MS
    spoken_ms = call.line.spoke_ms(began_ms, began_ms + length_ms)
    path = call.recording_path(name, form)
    if path is not None:
        path.write_bytes(sound_of(call.line, began_ms, length_ms))
    call.recordings.append(Recording(name, form, length_ms, spoken_ms))
    position = length_ms * SAMPLES_PER_MS
    if isinstance(event, KeyUp):
        return f"200 result={ord(event.key)} (dtmf) endpos={position}"
    return f"200 result={f'{left_ms} (timeout)' if event is None else '-1 (hangup)'} endpos={position}"


async def _recorded(
    call: IncomingCall, enders: str, ends_ms: int | None, silence_ms: int
) -> tuple[LineEvent | None, bool]:
    """Wait for what ends a recording; whether it was silence, which only an end of speech begins anew."""
    began_ms = call.clock.monotonic_ms()
    while True:
        now_ms = call.clock.monotonic_ms()
        if ends_ms is not None and now_ms >= ends_ms:
            return None, False
        quiet_ms = max(began_ms, call.line.spoke_until_ms(now_ms)) + silence_ms if silence_ms else None
        if quiet_ms is not None and now_ms >= quiet_ms:
            return None, True
        until_ms = min((at for at in (ends_ms, quiet_ms) if at is not None), default=None)
        event = await call.wait(until_ms, enders)
        if event is not None:
            return event, False


async def _set_variable(call: IncomingCall, words: list[str]) -> str | None:
    if len(words) != 4:
        return None
    call.channel.set_variable(words[2], words[3])
    return "200 result=1"


async def _stream_file(call: IncomingCall, words: list[str]) -> str | None:
    if len(words) not in (4, 5):
        return None
    if not call.has(words[2]):
        # The same -1 as a hang-up, and the call goes on (docs/asterisk-facts.md).
        return "200 result=-1 endpos=0"
    offset = max(0, _whole(words[4])) if len(words) == 5 else 0
    call.played_ms = offset // SAMPLES_PER_MS
    event = await call.play(words[2], words[3], bool(words[3]), offset // SAMPLES_PER_MS)
    position = call.played_ms * SAMPLES_PER_MS
    result = ord(event.key) if isinstance(event, KeyUp) else -1 if isinstance(event, HungUp) else 0
    return f"200 result={result} endpos={position}"


async def _verbose(call: IncomingCall, words: list[str]) -> str | None:
    return "200 result=1" if len(words) > 1 else None


async def _wait_for_digit(call: IncomingCall, words: list[str]) -> str | None:
    if len(words) != 4:
        return None
    timeout_ms = _whole(words[3])
    deadline_ms = None if timeout_ms < 0 else call.clock.monotonic_ms() + timeout_ms
    event = await call.wait(deadline_ms, "0123456789*#ABCD")
    result = ord(event.key) if isinstance(event, KeyUp) else -1 if isinstance(event, HungUp) else 0
    return f"200 result={result}"


COMMANDS: Mapping[tuple[str, ...], Command] = {
    ("answer",): Command(_answer, False, "ANSWER"),
    ("channel", "status"): Command(_channel_status, False, "CHANNEL STATUS CHANNELNAME"),
    ("exec",): Command(_exec, True, "EXEC APPLICATION OPTIONS"),
    ("get", "data"): Command(_get_data, False, "GET DATA FILE TIMEOUT MAXDIGITS"),
    ("get", "full", "variable"): Command(
        _get_full_variable, True, "GET FULL VARIABLE EXPRESSION CHANNELNAME"
    ),
    ("get", "variable"): Command(_get_variable, True, "GET VARIABLE VARIABLENAME"),
    ("hangup",): Command(_hangup, False, "HANGUP CHANNELNAME"),
    ("noop",): Command(_noop, True, "NOOP"),
    ("record", "file"): Command(
        _record_file, False, "RECORD FILE FILENAME FORMAT ESCAPE_DIGITS TIMEOUT OFFSET BEEP s=SILENCE"
    ),
    ("set", "variable"): Command(_set_variable, True, "SET VARIABLE VARIABLENAME VALUE"),
    ("stream", "file"): Command(_stream_file, False, "STREAM FILE FILENAME ESCAPE_DIGITS SAMPLE OFFSET"),
    ("verbose",): Command(_verbose, True, "VERBOSE MESSAGE LEVEL"),
    ("wait", "for", "digit"): Command(_wait_for_digit, False, "WAIT FOR DIGIT TIMEOUT"),
}
"""By their words in small letters; `dead` is res_agi.c's own column."""

_LONGEST = max(len(name) for name in COMMANDS)


def find_command(words: list[str]) -> Command | None:
    """The command whose words the line begins with, without case."""
    for length in range(min(_LONGEST, len(words)), 0, -1):
        command = COMMANDS.get(tuple(word.lower() for word in words[:length]))
        if command is not None:
            return command
    return None


def _whole(text: str) -> int:
    """As C's atoi: what is no number is 0."""
    return int(text) if text.isascii() and text.lstrip("-").isdigit() else 0
