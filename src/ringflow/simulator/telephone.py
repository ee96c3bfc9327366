"""A telephone for a person: keys and a hang-up by hand, and a clock that goes at a pace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ringflow.simulator.callee import Behaviour
from ringflow.simulator.caller import HeardSound, Speech
from ringflow.simulator.keypad import KeyPress
from ringflow.simulator.line import CalleeActs, HungUp, KeyUp, LineEvent, Sound
from ringflow.simulator.paced_clock import PacedClock

TAP_MS = 100
"""How long a key is held by somebody who only presses it."""

LEAST_BETWEEN_KEYS_MS = 60
"""From the end of a key to that of the next one at least: no Asterisk tells keys apart that come quicker."""

AT_ONCE_MS = 1
"""What somebody does while Ringflow works comes so long after that: what comes with a command is lost."""


class Earpiece(Protocol):
    """Is told what is heard, and which keys are sent."""

    def pressed(self, key: str) -> None:
        """A key is sent."""
        ...

    def answered(self) -> None:
        """The call was answered."""
        ...

    def heard(self, sound: str, takes_keys: bool) -> None:
        """A prompt or a `Sound` begins; `takes_keys` as `Line.starts` has it."""
        ...

    def over(self, sound: str) -> None:
        """It ends."""
        ...

    def waits(self, until_ms: int | None) -> None:
        """Time passes from now on, to this moment of the clock at most."""
        ...


@dataclass(frozen=True, slots=True)
class CalleeDeed:
    """What the person had the callee do, and when."""

    at_ms: int
    behaviour: Behaviour


class Telephone:
    """A `Line` that a person, or a pipe, is at the other end of.

    `sounds`, `keys`, `speech`, `deeds` and `hung_up_ms` say what happened on it, by the clock. With `patient`
    keys wait until Asterisk takes keys, as no person's would: what comes through a pipe is there before the
    first prompt is.
    """

    def __init__(self, clock: PacedClock, earpiece: Earpiece, patient: bool = False) -> None:
        self.sounds: list[HeardSound] = []
        self.keys: list[KeyPress] = []
        self.deeds: list[CalleeDeed] = []
        self.hung_up_ms: int | None = None
        self.answered_ms: int | None = None
        self._clock = clock
        self._earpiece = earpiece
        self._patient = patient
        self._waiting_keys: list[KeyUp] = []
        self._callee: tuple[str | None, Behaviour] | None = None
        self._gone = False
        self._leaves = False
        self._taking_keys = False
        self._speech: list[Speech] = []
        self._speaks_since_ms: int | None = None
        self._is_interrupted = False

    @property
    def hears(self) -> str | None:
        """What is heard now, None for nothing."""
        last = self.sounds[-1] if self.sounds else None
        return last.sound if last is not None and last.ended_ms is None else None

    @property
    def speech(self) -> list[Speech]:
        """When the person spoke."""
        since_ms = self._speaks_since_ms
        under_way = [] if since_ms is None else [Speech(since_ms, self._clock.monotonic_ms() - since_ms)]
        return [*self._speech, *under_way]

    def press(self, key: str, length_ms: int = TAP_MS) -> None:
        """A key of the telephone is let go, after `length_ms`."""
        if not self._patient:
            self._earpiece.pressed(key)
        self._waiting_keys.append(KeyUp(key, length_ms))
        self._clock.wake()

    def hang_up(self) -> None:
        """The caller hangs up."""
        self._gone = True
        self._clock.wake()

    def hang_up_after_keys(self) -> None:
        """The caller hangs up once every key has been taken."""
        self._leaves = True
        self._clock.wake()

    def callee_acts(self, behaviour: Behaviour) -> None:
        """The callee who rings or talks now does this; where there is none, nothing happens."""
        if self.hears == Sound.RINGING or (self.hears == Sound.CALLEE and behaviour is Behaviour.NO_ANSWER):
            self._callee = self.hears, behaviour
            self._clock.wake()

    def speak(self, speaks: bool) -> None:
        """The caller begins to speak, or is silent again."""
        now_ms = self._clock.monotonic_ms()
        if speaks and self._speaks_since_ms is None:
            self._speaks_since_ms = now_ms
        elif not speaks and self._speaks_since_ms is not None:
            self._speech.append(Speech(self._speaks_since_ms, now_ms - self._speaks_since_ms))
            self._speaks_since_ms = None

    async def until(self, deadline_ms: int | None) -> LineEvent | None:
        """The next thing that happens, up to `deadline_ms` of the clock."""
        self._is_interrupted = False
        while True:
            event, at_ms = self._next()
            if event is not None and (deadline_ms is None or at_ms < deadline_ms):
                self._clock.advance_to(at_ms)
                self._taken(event)
                return event
            if event is not None and deadline_ms is not None:
                # It comes later, and waits for the next command.
                self._clock.advance_to(deadline_ms)
                return None
            self._earpiece.waits(deadline_ms)
            if await self._clock.until(deadline_ms) or self._is_interrupted:
                return None

    def interrupt(self) -> None:
        """Have `until` return."""
        self._is_interrupted = True
        self._clock.wake()

    def drop(self) -> bool:
        """A command begins. Nothing is lost: keys that Asterisk did not ask for were read and dropped."""
        self._taking_keys = False
        return self._gone and self.hung_up_ms is not None

    def answered(self) -> None:
        """Tell the earpiece."""
        if self.answered_ms is None:
            self.answered_ms = self._clock.monotonic_ms()
        self._earpiece.answered()

    def starts(self, sound: str, takes_keys: bool) -> None:
        """Tell the earpiece."""
        self._taking_keys = self._taking_keys or takes_keys
        if sound != Sound.SILENCE:
            self.sounds.append(HeardSound(sound, takes_keys, self._clock.monotonic_ms()))
            self._earpiece.heard(sound, takes_keys)

    def stops(self, sound: str) -> None:
        """Tell the earpiece."""
        if sound == Sound.SILENCE:
            return
        for heard in reversed(self.sounds):
            if heard.sound == sound and heard.ended_ms is None:
                heard.ended_ms = self._clock.monotonic_ms()
                break
        self._earpiece.over(sound)

    def spoke_ms(self, from_ms: int, to_ms: int) -> int:
        """For how long of this time the caller spoke."""
        spans = ((max(from_ms, one.at_ms), min(to_ms, one.at_ms + one.length_ms)) for one in self.speech)
        return sum(max(0, ends_ms - begins_ms) for begins_ms, ends_ms in spans)

    def spoke_until_ms(self, now_ms: int) -> int:
        """When the caller spoke last, 0 if never: now, while the caller speaks."""
        begun = [one for one in self.speech if one.at_ms < now_ms]
        return max((min(now_ms, one.at_ms + one.length_ms) for one in begun), default=0)

    def ended(self) -> None:
        """Nothing more is heard."""
        for heard in self.sounds:
            if heard.ended_ms is None:
                heard.ended_ms = self._clock.monotonic_ms()

    def _next(self) -> tuple[LineEvent | None, int]:
        """What comes next of what was done already, and when it comes."""
        soon_ms = self._clock.monotonic_ms() + AT_ONCE_MS
        self._gone = self._gone or (self._leaves and not self._waiting_keys)
        if self._gone:
            return HungUp(), soon_ms
        if self._callee is not None:
            sound, behaviour = self._callee
            if sound == self.hears:
                return CalleeActs(behaviour), soon_ms
            # It was meant for a callee who is gone, or for one who has answered meanwhile.
            self._callee = None
        if self._waiting_keys and (self._taking_keys or not self._patient):
            last_ms = self.keys[-1].counts_at_ms if self.keys else 0
            return self._waiting_keys[0], max(soon_ms, last_ms + LEAST_BETWEEN_KEYS_MS)
        return None, soon_ms

    def _taken(self, event: LineEvent) -> None:
        now_ms = self._clock.monotonic_ms()
        if isinstance(event, KeyUp):
            self._waiting_keys.pop(0)
            # A key began when the one before it was over at the earliest.
            free_ms = now_ms - (self.keys[-1].counts_at_ms if self.keys else 0)
            length_ms = min(event.length_ms, max(1, free_ms - 1))
            self.keys.append(KeyPress(event.key, now_ms - length_ms, length_ms))
            if self._patient:
                self._earpiece.pressed(event.key)
        elif isinstance(event, CalleeActs):
            self._callee = None
            self.deeds.append(CalleeDeed(now_ms, event.behaviour))
        else:
            self.hung_up_ms = now_ms if self.hung_up_ms is None else self.hung_up_ms
