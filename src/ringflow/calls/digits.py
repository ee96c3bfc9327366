"""Taking digits from a caller, input after input.

One command takes an input, `Read`: keys that come between two commands are lost. A full input ends with its
last digit, and the caller may still key something:

- **a terminator**, from habit. It belongs to the input that it comes after, and is ignored for
  `LATE_TERMINATOR_MS`, or until another key.
- **more digits**. After an input of fixed length (a card's ID) they belong to the next input. After any other
  they belong to this one, which is then too long, if the first of them comes within `FURTHER_KEY_S`.

Where sequences of keys mean something by themselves (`KeyOptions`), an input is taken by several commands: as
many keys at a time as cannot be decided on earlier. A key is lost between two of them only by a server that
answers later than callers key.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeAlias

from ringflow.agi.request import AgiRequest
from ringflow.agi.session import COMMAND_TIMEOUT_S, PROMPT_TIMEOUT_S, AgiSession
from ringflow.calls.clock import Clock
from ringflow.calls.key_options import Decision, KeyOptions, MoreKeys
from ringflow.calls.outcome import Ending
from ringflow.calls.playback import MissingMend, in_other_folder, play_sound, play_until
from ringflow.errors import ChannelGone, CommandRefused

MAX_DIGITS = 255
"""What Asterisk's `Read` can take (app_read.c)."""

FIRST_DIGIT_TIMEOUT_S = 5
INTER_DIGIT_TIMEOUT_S = 3
"""Of a slot that does not say otherwise. The dialplan sets them before the call comes to us."""

DIALPLAN_TIMERS = f"{FIRST_DIGIT_TIMEOUT_S}/{INTER_DIGIT_TIMEOUT_S}"
"""How the dialplan says so, in its second argument."""

_TIMERS = re.compile(r"([0-9]{1,3})/([0-9]{1,3})", re.ASCII)
_DIALPLANS_KNOWN = 16
ALL_KEYS = "0123456789*#ABCD"
_SAMPLES_PER_MS = 8

FURTHER_KEY_S = 0.4
"""How long a further key is waited for after the last digit that fits, where an input may be too long."""

LATE_TERMINATOR_MS = 2000
"""How long after an input's last digit its terminator may still come."""

KEPT_KEY_MS = 2000
"""How long a key that stopped a prompt waits for the input that it begins."""

KEYS_VARIABLE = "RINGFLOW_KEYS"
_RESULT = "${READSTATUS}:${" + KEYS_VARIABLE + "}"


Secret: TypeAlias = bool | Callable[[str], bool]
"""Whether the digits that are keyed are secret, or what says so of them."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What the caller keyed, without the terminator.

    `late_terminator`: the terminator of the input before came first, and was ignored.
    """

    digits: str
    ending: Ending
    late_terminator: bool = False

    @property
    def nothing(self) -> bool:
        """Whether the caller keyed nothing at all, not even a terminator."""
        return not self.digits and self.ending is Ending.SILENCE


@dataclass(frozen=True, slots=True)
class Collection:
    """How digits are taken. Seconds; the first-digit time counts from the end of the prompt.

    `sounds` are prompts as Asterisk names them, played one after the other. `fixed_length`: what is keyed
    past `max_digits` belongs to the next input. `options`: sequences that mean something by themselves;
    beside them `max_digits` others are taken, or none.
    """

    sounds: tuple[str, ...]
    max_digits: int
    terminators: str
    first_digit_timeout_s: float
    inter_digit_timeout_s: float
    barge_in: bool
    fixed_length: bool
    options: KeyOptions | None = None


@dataclass(frozen=True, slots=True)
class _Taken:
    """What one command took; `terminated`: a terminator ended it, which is not among the digits.

    `silent`: it was waited for a further key, and none came.
    """

    digits: str = ""
    terminated: bool = False
    silent: bool = False


@dataclass(frozen=True, slots=True)
class _KeptKey:
    """A key that stopped a prompt, and up to when of the monotonic clock it begins an input."""

    key: str
    until_ms: int


@dataclass(frozen=True, slots=True)
class _LateTerminator:
    """A full input's terminator may still come: one of `keys`, up to `until_ms` of the monotonic clock."""

    keys: str
    until_ms: int


def timers_of_dialplan(request: AgiRequest) -> tuple[float, float] | None:
    """First-digit and inter-digit time (seconds) that the channel came with; None: nobody has set them."""
    return _read_timers(request.headers.get("agi_arg_2", ""))


@lru_cache(_DIALPLANS_KNOWN)
def _read_timers(text: str) -> tuple[float, float] | None:
    said = _TIMERS.fullmatch(text)
    return (float(said[1]), float(said[2])) if said is not None else None


class Collector:
    """Takes the digits of one call. `collect` raises `ChannelGone` when the caller hangs up."""

    def __init__(self, session: AgiSession, clock: Clock, mend: MissingMend = in_other_folder) -> None:
        self._session = session
        self._mend = mend
        self._now_ms = clock.monotonic_ms
        self._timers = timers_of_dialplan(session.request)
        self._late: _LateTerminator | None = None
        self._kept: _KeptKey | None = None

    async def listen(self, sound: str, keys: str) -> str | None:
        """Play a sound to its end, or to one of `keys`, which is returned; None: Asterisk has no such sound.

        A terminator of the input before stops it too, and is ignored: the rest is played.
        """
        late, began_ms, offset_ms = self._late, self._now_ms(), 0
        while True:
            offset = offset_ms * _SAMPLES_PER_MS
            key = await play_until(self._session, sound, keys, sample_offset=offset, mend=self._mend)
            if not key or late is None or key not in late.keys or self._now_ms() > late.until_ms:
                break
            self._late = late = None
            offset_ms = self._now_ms() - began_ms
        if key:
            self._late = None
        return key

    def keep_key(self, key: str) -> None:
        """Have a key that stopped a prompt begin the next input, if that is asked for soon."""
        self._kept = _KeptKey(key, self._now_ms() + KEPT_KEY_MS)

    def kept_key(self) -> str:
        """The key that is kept for the next input; empty where there is none."""
        kept = self._kept
        return kept.key if kept is not None and self._now_ms() <= kept.until_ms else ""

    async def collect(self, collection: Collection) -> Collected:
        """Play the sounds and take digits up to a terminator, the maximum, or silence."""
        await self._set_timers(collection)
        sounds = collection.sounds
        kept, self._kept = self.kept_key(), None
        if kept and collection.barge_in:
            return await self._collect_from(collection, kept)
        if not collection.barge_in:
            for sound in sounds:
                await play_sound(self._session, sound, self._mend)
            sounds = ()
        late_before, options = self._late, collection.options
        taken = await (
            self._take(collection, sounds)
            if options is None
            else self._first_keys(collection, options, sounds)
        )
        late_terminator = self._late is not late_before
        if taken.digits or taken.terminated:
            self._late = None
        collected = await (
            self._finish(collection, taken) if options is None else self._choose(collection, options, taken)
        )
        return replace(collected, late_terminator=late_terminator)

    async def _collect_from(self, collection: Collection, key: str) -> Collected:
        """The input that a key began which was keyed before it was asked for: no prompt is played."""
        options = collection.options
        if options is None:
            return await self._finish(collection, await self._go_on(collection, key))
        first = options.after("", collection.max_digits, collection.terminators)
        ends = isinstance(first, MoreKeys) and key in first.terminators
        return await self._choose(collection, options, _Taken(terminated=True) if ends else _Taken(key))

    async def _set_timers(self, collection: Collection) -> None:
        timers = (collection.first_digit_timeout_s, collection.inter_digit_timeout_s)
        if timers != self._timers:
            first_s, between_s = timers
            # Both in one command: each costs Asterisk a quarter of a millisecond, and us as much.
            await self._session.execute("MSet", f"TIMEOUT(response)={first_s:g},TIMEOUT(digit)={between_s:g}")
            self._timers = timers

    async def _take(self, collection: Collection, sounds: tuple[str, ...]) -> _Taken:
        """The input as far as it fits, without a terminator of the input before."""
        late, began_ms = self._late, self._now_ms()
        if late is None or began_ms > late.until_ms:
            return await self._read(collection, sounds)
        if set(late.keys) == set(collection.terminators):
            taken = await self._read(collection, sounds)
            if taken.digits or not taken.terminated or self._now_ms() > late.until_ms:
                return taken
        else:
            # Here that terminator may be a digit, or another key a terminator: look at the first key alone.
            key = (await self._read(collection, sounds, maximum=1, terminators="")).digits
            if not key:
                return _Taken()
            if key not in late.keys or self._now_ms() > late.until_ms:
                return await self._go_on(collection, key)
        self._late = None
        # It has stopped the prompt: let it go on from there.
        key = await self._resume(sounds, self._now_ms() - began_ms)
        return await (self._go_on(collection, key) if key else self._read(collection))

    async def _go_on(self, collection: Collection, key: str) -> _Taken:
        """The input that this key begins."""
        if key in collection.terminators:
            return _Taken(terminated=True)
        if collection.max_digits == 1:
            return _Taken(key)
        wait_s = collection.inter_digit_timeout_s
        rest = await self._read(collection, maximum=collection.max_digits - 1, wait_s=wait_s)
        return _Taken(key + rest.digits, rest.terminated)

    async def _first_keys(
        self, collection: Collection, options: KeyOptions, sounds: tuple[str, ...]
    ) -> _Taken:
        """The first keys of an input with options, without a terminator of the input before."""
        first = options.after("", collection.max_digits, collection.terminators)
        assert isinstance(first, MoreKeys), "an input with options waits for a key"
        late, began_ms = self._late, self._now_ms()
        if late is None or began_ms > late.until_ms:
            return await self._read(collection, sounds, maximum=first.count, terminators=first.terminators)
        key = (await self._read(collection, sounds, maximum=1, terminators="")).digits
        if key and key in late.keys and self._now_ms() <= late.until_ms:
            self._late = None
            key = await self._resume(sounds, self._now_ms() - began_ms)
            if not key:
                return await self._read(collection, maximum=first.count, terminators=first.terminators)
        if key and key in first.terminators:
            return _Taken(terminated=True)
        return _Taken(key, silent=not key)

    async def _choose(self, collection: Collection, options: KeyOptions, taken: _Taken) -> Collected:
        """Take keys after the first ones until they are one of the options, other digits, or neither."""
        most, wait_s = collection.max_digits, collection.inter_digit_timeout_s
        keys = taken.digits
        while not (taken.terminated or taken.silent):
            further = options.after(keys, most, collection.terminators)
            if further is Decision.OTHER:
                rest = _Taken()
                if len(keys) < most:
                    rest = await self._read(collection, maximum=most - len(keys), wait_s=wait_s)
                return await self._finish(collection, _Taken(keys + rest.digits, rest.terminated))
            if not isinstance(further, MoreKeys):
                if keys[-1] not in collection.terminators:
                    self._expect_terminator(collection, self._now_ms())
                return Collected(keys, Ending.OPTION if further is Decision.OPTION else Ending.NO_OPTION)
            taken = await self._read(
                collection, maximum=further.count, terminators=further.terminators, wait_s=wait_s
            )
            keys += taken.digits
        return Collected(keys, Ending.TERMINATOR if taken.terminated else Ending.SILENCE)

    def _expect_terminator(self, collection: Collection, full_ms: int) -> None:
        if collection.terminators:
            self._late = _LateTerminator(collection.terminators, full_ms + LATE_TERMINATOR_MS)

    async def _resume(self, sounds: tuple[str, ...], played_ms: int) -> str:
        """Play the rest of a prompt, several sounds from the beginning; returns the key that stopped it."""
        offset = played_ms * _SAMPLES_PER_MS if len(sounds) == 1 else 0
        for sound in sounds:
            if key := await self._session.stream_file(sound, ALL_KEYS, sample_offset=offset):
                return key
        return ""

    async def _finish(self, collection: Collection, taken: _Taken) -> Collected:
        """How the input ended, after a look at what follows a full one."""
        digits = taken.digits
        if taken.terminated:
            return Collected(digits, Ending.TERMINATOR)
        if len(digits) < collection.max_digits:
            return Collected(digits, Ending.SILENCE)
        full_ms = self._now_ms()
        if not collection.fixed_length:
            further = await self._read(collection, maximum=1, wait_s=FURTHER_KEY_S)
            if further.terminated:
                return Collected(digits, Ending.TERMINATOR)
            if further.digits:
                wait_s = collection.inter_digit_timeout_s
                rest = await self._read(collection, maximum=MAX_DIGITS, wait_s=wait_s)
                return Collected((digits + further.digits + rest.digits)[:MAX_DIGITS], Ending.TOO_LONG)
        self._expect_terminator(collection, full_ms)
        return Collected(digits, Ending.MAXIMUM)

    async def _read(
        self,
        collection: Collection,
        sounds: tuple[str, ...] = (),
        *,
        maximum: int | None = None,
        terminators: str | None = None,
        wait_s: float | None = None,
    ) -> _Taken:
        """What one `Read` takes; `wait_s`: how long to wait for each key, instead of the channel's times.

        `Read` and not a `WAIT FOR DIGIT` loop: frames that arrive between two AGI commands are read and
        dropped by Asterisk, and keys with them. `Read` and not `GET DATA`: the latter has one timeout for the
        first digit and between digits, and ends on `#` only (ast_app_getdata_full in main/app.c).
        """
        at_most = collection.max_digits if maximum is None else maximum
        enders = collection.terminators if terminators is None else terminators
        arguments = f"{KEYS_VARIABLE},{'&'.join(sounds)},{at_most},{'' if enders == '#' else f't({enders})'}"
        if wait_s is None:
            first_s, between_s = collection.first_digit_timeout_s, collection.inter_digit_timeout_s
        else:
            first_s = between_s = wait_s
            arguments += f",1,{wait_s:g}"
        longest_s = PROMPT_TIMEOUT_S * len(sounds) + first_s + at_most * between_s + COMMAND_TIMEOUT_S
        await self._session.execute("Read", arguments, timeout_s=longest_s)
        status, _, digits = (await self._session.get_full_variable(_RESULT) or "").partition(":")
        if status == "TIMEOUT":
            return _Taken(digits, silent=True)
        if status == "HANGUP":
            raise ChannelGone("result")
        if status != "OK":
            # ERROR is what a missing file gives.
            raise CommandRefused(f"Read ended with READSTATUS {status or 'empty'}; has Asterisk the prompt?")
        return _Taken(digits, terminated=len(digits) < at_most)
