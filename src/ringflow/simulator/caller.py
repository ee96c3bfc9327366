"""A caller who follows a script: listens, presses keys at set times, waits, hangs up.

The caller's time begins with the first thing heard: the answer, or ringing where a call is put through
without one. Every step begins when the one before it is over. A sound that began while the caller was busy
with keys is not missed: listening to it then begins late, or is over at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ringflow.simulator.clock import VirtualClock, Waiter
from ringflow.simulator.keypad import KeyPress
from ringflow.simulator.line import HungUp, KeyUp, LineEvent, Sound

MAX_CALL_MS = 4 * 3600 * 1000
"""A simulated call that nobody has ended by then is ended by the caller, and says so."""


@dataclass(frozen=True, slots=True)
class Hears:
    """Listens to a sound to its end, or for `for_ms` from its beginning.

    `sound` is a prompt's name or a `Sound`; None: the next question, which is the first prompt of a
    command that takes keys.
    """

    sound: str | None
    for_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Keys:
    """Presses keys, `after_ms` from the step's beginning, one every `every_ms`, each for `tone_ms`.

    A space is a pause of `pause_ms`.
    """

    keys: str
    every_ms: int = 250
    tone_ms: int = 100
    after_ms: int = 0
    pause_ms: int = 1000


@dataclass(frozen=True, slots=True)
class Waits:
    """Does nothing."""

    for_ms: int


@dataclass(frozen=True, slots=True)
class Speaks:
    """Speaks for so long."""

    for_ms: int


@dataclass(frozen=True, slots=True)
class HangsUp:
    """Hangs up."""

    after_ms: int = 0


CallerStep: TypeAlias = Hears | Keys | Waits | Speaks | HangsUp


@dataclass(frozen=True, slots=True)
class Speech:
    """The caller speaks for `length_ms`, from `at_ms` on."""

    at_ms: int
    length_ms: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """What the caller did, in milliseconds from the answer (from the arrival where there was none)."""

    answered: bool
    keys: tuple[KeyPress, ...]
    hung_up_at_ms: int | None
    speech: tuple[Speech, ...] = ()


@dataclass(slots=True)
class HeardSound:
    """A prompt or a `Sound` that the caller heard, by the clock; `ended_ms` None: it goes on."""

    sound: str
    takes_keys: bool
    began_ms: int
    ended_ms: int | None = None


class ScriptedCaller:
    """A `Line` whose caller follows steps. It moves the virtual clock.

    `patience_ms`: a caller who is not answered hangs up so long after the arrival; None: never.
    """

    def __init__(
        self,
        clock: VirtualClock,
        steps: Sequence[CallerStep],
        limit_ms: int = MAX_CALL_MS,
        patience_ms: int | None = None,
    ) -> None:
        self.endless = False
        self.heard: list[HeardSound] = []
        self._clock = clock
        self._waiter = Waiter(clock)
        self._steps = deque(steps)
        self._arrived_ms = clock.monotonic_ms()
        self._limit_ms = self._arrived_ms + limit_ms
        self._script_ms: int | None = None
        self._answered_ms: int | None = None
        self._next_heard = 0
        self._listens_from_ms = 0
        self._answered_question_ms = 0
        self._presses: deque[KeyPress] = deque()
        self._pressed: list[KeyPress] = []
        self._speech: list[Speech] = []
        self._hangs_up_ms = None if patience_ms is None else self._arrived_ms + patience_ms
        self._is_patient = patience_ms is None
        self._ended_ms: int | None = None
        self._is_interrupted = False

    @property
    def waits_for(self) -> str | None:
        """The sound that the caller still waited for, None where the script was over."""
        step = self._steps[0] if self._steps else None
        if isinstance(step, Hears):
            return step.sound or "a prompt that takes keys"
        return "anything at all" if step is not None and self._script_ms is None else None

    @property
    def all_heard(self) -> tuple[str, ...]:
        """All that was heard, in order: prompts by their names, and the words of `Sound`, without silence."""
        return tuple(str(one.sound) for one in self.heard if one.sound != Sound.SILENCE)

    @property
    def timeline(self) -> Timeline:
        """What the caller did before the call was over."""
        zero_ms = self._arrived_ms if self._answered_ms is None else self._answered_ms
        end_ms = self._clock.monotonic_ms() if self._ended_ms is None else self._ended_ms
        hung_up = self._hangs_up_ms is not None and self._hangs_up_ms <= end_ms
        return Timeline(
            answered=self._answered_ms is not None,
            keys=tuple(
                KeyPress(press.key, press.at_ms - zero_ms, press.length_ms)
                for press in self._pressed
                if press.at_ms < end_ms
            ),
            hung_up_at_ms=self._hangs_up_ms - zero_ms if hung_up and self._hangs_up_ms is not None else None,
            speech=tuple(
                Speech(one.at_ms - zero_ms, one.length_ms) for one in self._speech if one.at_ms < end_ms
            ),
        )

    async def until(self, deadline_ms: int | None) -> LineEvent | None:
        """The next key or hang-up up to `deadline_ms`. Time passes until then, for other calls too."""
        self._is_interrupted = False
        while not self._is_interrupted:
            limit_ms = self._limit_ms if deadline_ms is None else min(deadline_ms, self._limit_ms)
            key_ms = self._presses[0].counts_at_ms if self._presses else None
            leaves_ms = self._hangs_up_ms
            if leaves_ms is not None and leaves_ms <= limit_ms and (key_ms is None or key_ms > leaves_ms):
                if await self._waiter.until(leaves_ms):
                    return HungUp()
            elif key_ms is not None and key_ms <= limit_ms:
                if await self._waiter.until(key_ms):
                    press = self._presses.popleft()
                    return KeyUp(press.key, press.length_ms)
            elif await self._waiter.until(limit_ms):
                break
        if self._is_interrupted:
            return None
        if deadline_ms is not None and deadline_ms <= self._limit_ms:
            return None
        self.endless = True
        self._hangs_up_ms = self._limit_ms
        return HungUp()

    def interrupt(self) -> None:
        """Have `until` return."""
        self._is_interrupted = True
        self._waiter.wake()

    def drop(self) -> bool:
        """Forget keys counted by now."""
        now_ms = self._clock.monotonic_ms()
        while self._presses and self._presses[0].counts_at_ms <= now_ms:
            self._presses.popleft()
        return self._hangs_up_ms is not None and self._hangs_up_ms <= now_ms

    def answered(self) -> None:
        """The caller's time begins, unless ringing began it."""
        if self._answered_ms is None:
            self._answered_ms = self._clock.monotonic_ms()
            if not self._is_patient and (self._hangs_up_ms or 0) > self._answered_ms:
                self._hangs_up_ms = None
        self._begin()

    def starts(self, sound: str, takes_keys: bool) -> None:
        """The caller may have waited for this."""
        if sound == Sound.SILENCE and self._keyed_since_last_sound():
            # Nobody hears that Asterisk goes on listening.
            return
        self.heard.append(HeardSound(sound, takes_keys, self._clock.monotonic_ms()))
        self._begin()

    def stops(self, sound: str) -> None:
        """The caller may go on now."""
        for heard in reversed(self.heard):
            if heard.sound == sound and heard.ended_ms is None:
                heard.ended_ms = self._clock.monotonic_ms()
                break
        self._progress()

    def spoke_ms(self, from_ms: int, to_ms: int) -> int:
        """For how long of this time the caller spoke."""
        spans = ((max(from_ms, one.at_ms), min(to_ms, one.at_ms + one.length_ms)) for one in self._speech)
        return sum(max(0, ends_ms - begins_ms) for begins_ms, ends_ms in spans)

    def spoke_until_ms(self, now_ms: int) -> int:
        """When the caller spoke last, 0 if never: now, while the caller speaks."""
        begun = [one for one in self._speech if one.at_ms < now_ms]
        return max((min(now_ms, one.at_ms + one.length_ms) for one in begun), default=0)

    def ended(self) -> None:
        """What the caller would have done later is not done."""
        if self._ended_ms is None:
            self._ended_ms = self._clock.monotonic_ms()

    def _keyed_since_last_sound(self) -> bool:
        heard_ms = next((one.ended_ms for one in reversed(self.heard) if one.ended_ms is not None), 0)
        now_ms = self._clock.monotonic_ms()
        return any(heard_ms <= press.counts_at_ms <= now_ms for press in self._pressed)

    def _begin(self) -> None:
        if self._script_ms is None:
            self._script_ms = self._clock.monotonic_ms()
        self._progress()

    def _progress(self) -> None:
        """Do every step whose time is known."""
        self._waiter.wake()
        while self._steps and self._script_ms is not None:
            step = self._steps[0]
            if isinstance(step, Hears):
                until_ms = self._listen(step)
                if until_ms is None:
                    return
                self._script_ms = max(self._script_ms, until_ms)
            elif isinstance(step, Keys):
                self._script_ms = self._press(step, self._script_ms + step.after_ms)
            elif isinstance(step, Waits):
                self._script_ms += step.for_ms
            elif isinstance(step, Speaks):
                self._speech.append(Speech(self._script_ms, step.for_ms))
                self._script_ms += step.for_ms
            else:
                leaves_ms = self._script_ms + step.after_ms
                if self._is_patient or self._hangs_up_ms is None or leaves_ms < self._hangs_up_ms:
                    self._hangs_up_ms, self._is_patient = leaves_ms, True
                self._steps.clear()
                return
            self._steps.popleft()

    def _listen(self, step: Hears) -> int | None:
        for index in range(self._next_heard, len(self.heard)):
            heard = self.heard[index]
            wanted = heard.takes_keys if step.sound is None else heard.sound == step.sound
            from_ms = self._answered_question_ms if step.sound is None else self._listens_from_ms
            if not wanted or heard.began_ms < from_ms:
                continue
            if step.for_ms is None and heard.ended_ms is None:
                return None
            self._next_heard = index + 1
            return heard.ended_ms if step.for_ms is None else heard.began_ms + step.for_ms
        return None

    def _press(self, step: Keys, at_ms: int) -> int:
        # A prompt that played before these keys is not the one that a later step listens for.
        self._listens_from_ms = at_ms
        end_ms = at_ms
        for key in step.keys:
            if key == " ":
                at_ms += step.pause_ms
                continue
            press = KeyPress(key, at_ms, step.tone_ms)
            if end_ms == self._listens_from_ms:
                # A prompt that began before the first key counted belongs to the question that it answers.
                self._answered_question_ms = press.counts_at_ms
            self._presses.append(press)
            self._pressed.append(press)
            end_ms = at_ms + step.tone_ms
            at_ms += step.every_ms
        return max(end_ms, at_ms) if step.keys.endswith(" ") else end_ms
