"""A call inside the virtual Asterisk: it plays and reads keys as main/file.c, channel.c and app.c do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TypeAlias

from ringflow.calls.clock import Clock
from ringflow.calls.recorded_sound import SHOWN
from ringflow.recordings.folder import BYTES_PER_MS, FORM
from ringflow.simulator.callee import DialledLeg, MeetCallee
from ringflow.simulator.channel import ChannelState, VirtualChannel
from ringflow.simulator.exchange import Exchange
from ringflow.simulator.held_keys import VirtualKeys
from ringflow.simulator.line import CalleeActs, HungUp, KeyUp, Line, LineEvent, Sound
from ringflow.simulator.talks import VirtualTalks

ANY_KEY = "0123456789*#ABCD"
BETWEEN_PROMPTS_MS = 50
"""Time for a key between two prompts of one `Read` (ast_app_getdata)."""

LENGTHENS_MS = 10
"""By how much a key that nobody takes lengthens the prompt that is played: 0 to 20 ms on Asterisk.

A file is sent by ticks of 20 ms (AST_TIMING_FD of __ast_read in main/channel.c). Of those that fall due while
the packets of a key are read, all but one are acknowledged and lost (timerfd_timer_ack).
"""

PromptDuration: TypeAlias = Callable[[str], float | None]
"""How long a prompt plays, in seconds; None: Asterisk would not find it."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A file that Asterisk wrote of what the caller said: how long it is, and how much of it is speech."""

    name: str
    form: str
    length_ms: int
    spoken_ms: int


class GetData(Enum):
    """How reading a string of digits ended (`enum ast_getdata_result`)."""

    FAILED = -1
    COMPLETE = 0
    TIMEOUT = 1
    EMPTY_END_TERMINATED = 3


@dataclass(slots=True)
class IncomingCall:
    """One call inside the virtual Asterisk: its channel, the line to the caller, and what came of it."""

    channel: VirtualChannel
    line: Line
    clock: Clock
    talks: VirtualTalks
    meet: MeetCallee
    duration_of: PromptDuration
    legs: list[DialledLeg] = field(default_factory=list)
    sounds_prefix: str = ""
    """What Ringflow puts before a prompt's name when it tells Asterisk to play it."""
    recordings_folder: Path | None = None
    """Where this Asterisk may write recordings, and finds them when it plays one; None: nowhere."""
    prompts: list[str] = field(default_factory=list)
    asked_prompts: set[str] = field(default_factory=set)
    """All that Asterisk was told to play; of several in one command a key may keep some from beginning."""
    missing_prompts: list[str] = field(default_factory=list)
    keys: VirtualKeys = field(default_factory=VirtualKeys)
    missing_applications: frozenset[str] = frozenset()
    """Applications that this Asterisk does not have, in small letters."""
    recordings: list[Recording] = field(default_factory=list)
    played_ms: int = 0
    """How far into its file the last prompt was played."""
    is_muted: bool = False
    """Whether the others in a conference do not hear this caller."""
    ignored_keys: int = 0
    """How many keys were read and dropped."""
    sip_code: int | None = None
    """The SIP status with which an unanswered call was refused, None where it was not."""

    def __post_init__(self) -> None:
        self.talks.warnings = self._hear_warning

    @property
    def exchange(self) -> Exchange:
        """What it shares with the other calls of this Asterisk."""
        return self.channel.exchange

    def answer(self) -> None:
        """Answer, unless that is done."""
        if self.channel.state is not ChannelState.UP:
            self.channel.state = ChannelState.UP
            self.line.answered()

    async def wait(self, deadline_ms: int | None, keys: str = "") -> LineEvent | None:
        """Wait for one of `keys` or a hang-up; other keys are read and dropped. None: the deadline came."""
        if self.channel.hung_up:
            return HungUp()
        while True:
            due_ms = self.talks.next_ms
            if due_ms is None or (deadline_ms is not None and deadline_ms < due_ms):
                event = await self.line.until(deadline_ms)
            elif (event := await self.line.until(due_ms)) is None:
                await self.talks.pass_to(due_ms)
                ends_ms = self.talks.ends_ms
                if ends_ms is not None and (deadline_ms is None or ends_ms < deadline_ms):
                    # The callee was hung up.
                    deadline_ms = ends_ms
                continue
            if isinstance(event, HungUp):
                self.channel.hung_up = True
            if not isinstance(event, KeyUp) or event.key in keys:
                return event
            self.ignored_keys += 1

    async def play(
        self, prompt: str, keys: str = "", takes_keys: bool = False, from_ms: int = 0
    ) -> LineEvent | None:
        """Play a prompt to its end (None), or to one of `keys`, or to the hang-up (`ast_waitstream`).

        A prompt that is not there is silent and over at once; ask `has` first where that matters. One that
        does not begin at its beginning goes on.
        """
        name = self._name(prompt)
        self.asked_prompts.add(name)
        duration_s = self._duration_s(prompt)
        if duration_s is None or self.channel.hung_up:
            return HungUp() if self.channel.hung_up else None
        if not from_ms:
            self.prompts.append(name)
        if self.channel.state is ChannelState.UP or self.channel.has_early_media:
            self.line.starts(name, takes_keys)
        rest_ms = max(0, round(duration_s * 1000) - from_ms)
        began_ms, ignored = self.clock.monotonic_ms(), self.ignored_keys
        ends_ms, event = began_ms + rest_ms, None
        while event is None and self.clock.monotonic_ms() < ends_ms:
            event = await self.wait(ends_ms, keys)
            ends_ms = began_ms + rest_ms + LENGTHENS_MS * (self.ignored_keys - ignored)
        lengthened_ms = LENGTHENS_MS * (self.ignored_keys - ignored)
        self.played_ms = from_ms + max(0, self.clock.monotonic_ms() - began_ms - lengthened_ms)
        self.line.stops(name)
        return event

    def has(self, prompt: str) -> bool:
        """Whether Asterisk would find the prompt."""
        found = self._duration_s(prompt) is not None
        if not found:
            self.missing_prompts.append(self._name(prompt))
        return found

    def length_ms(self, prompt: str) -> int | None:
        """For how long a prompt plays; None: Asterisk would not find it."""
        duration_s = self._duration_s(prompt)
        return None if duration_s is None else round(duration_s * 1000)

    def hear(self, prompt: str) -> None:
        """A prompt begins that is played to this caller from elsewhere, beside what its script does."""
        name = self._name(prompt)
        self.prompts.append(name)
        self.line.starts(name, False)

    def hear_no_more(self, prompt: str) -> None:
        """It is over."""
        self.line.stops(self._name(prompt))

    def _hear_warning(self, sound: str) -> None:
        self.hear(sound)
        self.hear_no_more(sound)

    def recording_path(self, name: str, form: str) -> Path | None:
        """The file of a recording, as Asterisk is told to write or play it; None: it is no recording."""
        folder = self.recordings_folder
        return Path(f"{name}.{form}") if folder is not None and name.startswith(f"{folder}/") else None

    def _duration_s(self, prompt: str) -> float | None:
        path = self.recording_path(prompt, FORM)
        if path is None:
            return self.duration_of(self._name(prompt))
        return path.stat().st_size / BYTES_PER_MS / 1000 if path.exists() else None

    def _name(self, prompt: str) -> str:
        if self.recording_path(prompt, FORM) is not None:
            return SHOWN
        return prompt.removeprefix(f"{self.sounds_prefix}/") if self.sounds_prefix else prompt

    async def read_string(
        self,
        prompt: str | None,
        maximum: int,
        first_ms: int,
        between_ms: int,
        enders: str,
        *,
        goes_on: bool = False,
    ) -> tuple[GetData, str]:
        """Digits up to an ender, the maximum, or silence (`ast_readstring_full`). Waits are milliseconds.

        `goes_on`: the prompt is a further one of a question that has begun.
        """
        digits = ""
        wait_ms = first_ms
        event: LineEvent | None = None
        if prompt:
            event = await self.play(prompt, ANY_KEY, takes_keys=not goes_on)
        else:
            self.line.starts(Sound.SILENCE, True)
            self.line.stops(Sound.SILENCE)
        while True:
            if event is None:
                event = await self.wait(self.clock.monotonic_ms() + wait_ms, ANY_KEY)
            if event is None:
                return GetData.TIMEOUT, digits
            if isinstance(event, HungUp | CalleeActs):
                # tmp keeps what was keyed, though nothing ends it in C; Read stores it.
                return GetData.FAILED, digits
            if event.key in enders:
                return (GetData.COMPLETE if digits else GetData.EMPTY_END_TERMINATED), digits
            digits += event.key
            if len(digits) >= maximum:
                return GetData.COMPLETE, digits
            wait_ms, event = between_ms, None

    async def get_data(
        self, prompts: list[str], maximum: int, first_ms: int, between_ms: int, enders: str
    ) -> tuple[GetData, str]:
        """Prompts one after the other, each of which a key ends (`ast_app_getdata`)."""
        ending, digits = GetData.COMPLETE, ""
        has_begun = False
        self.asked_prompts |= {self._name(prompt) for prompt in prompts}
        for index, prompt in enumerate(prompts):
            if prompt and not self.has(prompt):
                ending = GetData.FAILED
                continue
            last = index == len(prompts) - 1
            first = first_ms if last else BETWEEN_PROMPTS_MS
            ending, digits = await self.read_string(
                prompt or None, maximum, first, between_ms, enders, goes_on=has_begun
            )
            has_begun = True
            if ending is GetData.EMPTY_END_TERMINATED or digits or self.channel.hung_up:
                break
        return ending, digits
