"""Taking digits from a caller with one command of Asterisk."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TypeAlias

from ringflow.agi.request import AgiRequest
from ringflow.agi.session import AgiSession
from ringflow.calls.playing import play_sound
from ringflow.errors import CallEnded, CommandRefused

MAX_DIGITS = 255
"""What Asterisk's `Read` can take (app_read.c)."""

FIRST_DIGIT_TIMEOUT_S = 5
INTER_DIGIT_TIMEOUT_S = 3
"""Of a slot that does not say otherwise. The dialplan sets them before the call comes to us."""

DIALPLAN_TIMERS = f"{FIRST_DIGIT_TIMEOUT_S}/{INTER_DIGIT_TIMEOUT_S}"
"""How the dialplan says so, in its second argument."""

_TIMERS = re.compile(r"([0-9]{1,3})/([0-9]{1,3})", re.ASCII)
_DIALPLANS_KNOWN = 16

KEYS_VARIABLE = "RINGFLOW_KEYS"
_RESULT = "${READSTATUS}:${" + KEYS_VARIABLE + "}"


Secret: TypeAlias = bool | Callable[[str], bool]
"""Whether the digits that are keyed are secret, or what says so of them."""


class Ending(StrEnum):
    """Why no more digits were taken."""

    TERMINATOR = "terminator"
    MAXIMUM = "maximum"
    SILENCE = "silence"


@dataclass(slots=True)
class Collected:
    """What the caller keyed, without the terminator."""

    digits: str
    ending: Ending

    @property
    def nothing(self) -> bool:
        """Whether the caller keyed nothing at all, not even a terminator."""
        return not self.digits and self.ending is Ending.SILENCE


@dataclass(slots=True)
class Collection:
    """How digits are taken. Seconds; the first-digit time counts from the end of the prompt.

    `sounds` are prompts as Asterisk names them, played one after the other.
    """

    sounds: tuple[str, ...]
    max_digits: int
    terminators: str
    first_digit_timeout_s: float
    inter_digit_timeout_s: float
    barge_in: bool


def timers_of_dialplan(request: AgiRequest) -> tuple[float, float] | None:
    """First-digit and inter-digit time (seconds) that the channel came with; None: nobody has set them."""
    return _read_timers(request.headers.get("agi_arg_2", ""))


@lru_cache(_DIALPLANS_KNOWN)
def _read_timers(text: str) -> tuple[float, float] | None:
    said = _TIMERS.fullmatch(text)
    return (float(said[1]), float(said[2])) if said is not None else None


async def collect_digits(session: AgiSession, collection: Collection, timers_set: bool) -> Collected:
    """Play the sounds and take digits. Raises `CallEnded` when the caller hangs up.

    `Read` and not a `WAIT FOR DIGIT` loop: frames that arrive between two AGI commands are read and dropped
    by Asterisk, and keys with them. `Read` and not `GET DATA`: the latter has one timeout for the first digit
    and between digits, and ends on `#` only (ast_app_getdata_full in main/app.c). `timers_set` says that the
    channel already has these two timeouts.
    """
    if not timers_set:
        first_s, between_s = collection.first_digit_timeout_s, collection.inter_digit_timeout_s
        # Both in one command: each costs Asterisk a quarter of a millisecond, and us as much.
        await session.execute("MSet", f"TIMEOUT(response)={first_s:g},TIMEOUT(digit)={between_s:g}")
    sounds = collection.sounds
    if not collection.barge_in:
        for sound in sounds:
            await play_sound(session, sound)
        sounds = ()
    await session.execute("Read", _read_arguments(collection, sounds))
    status, _, digits = (await session.get_full_variable(_RESULT) or "").partition(":")
    if status == "TIMEOUT":
        return Collected(digits, Ending.SILENCE)
    if status == "HANGUP":
        raise CallEnded("result")
    if status != "OK":
        # ERROR is what a missing file gives.
        raise CommandRefused(f"Read ended with READSTATUS {status or 'empty'}; has Asterisk the prompt?")
    full = len(digits) >= collection.max_digits
    return Collected(digits, Ending.MAXIMUM if full else Ending.TERMINATOR)


def _read_arguments(collection: Collection, sounds: tuple[str, ...]) -> str:
    terminators = "" if collection.terminators == "#" else f"t({collection.terminators})"
    return f"{KEYS_VARIABLE},{'&'.join(sounds)},{collection.max_digits},{terminators}"
