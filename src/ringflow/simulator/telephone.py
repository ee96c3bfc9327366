"""A telephone in real time: a person's keys instead of a script, and the machine's clock."""

from __future__ import annotations

import asyncio
from typing import Protocol

from ringflow.calls.clock import Clock
from ringflow.simulator.callee import Behaviour
from ringflow.simulator.line import CalleeActs, HungUp, KeyUp, LineEvent, Sound

TAP_MS = 100
"""How long a key is held by somebody who only presses it."""


class Earpiece(Protocol):
    """Is told what is heard, and which keys are sent."""

    def pressed(self, key: str) -> None:
        """A key is sent."""
        ...

    def answered(self) -> None:
        """The call was answered."""
        ...

    def heard(self, sound: str) -> None:
        """A prompt or a `Sound` begins."""
        ...

    def over(self, sound: str) -> None:
        """It ends."""
        ...


class Telephone:
    """A `Line` that a person, or a pipe, is at the other end of.

    With `patient` keys wait until Asterisk takes keys, as no person's would: what comes through a pipe is
    there before the first prompt is.
    """

    def __init__(self, clock: Clock, earpiece: Earpiece, patient: bool = False) -> None:
        self._clock = clock
        self._earpiece = earpiece
        self._patient = patient
        self._keys: list[KeyUp] = []
        self._callee: Behaviour | None = None
        self._gone = False
        self._leaves = False
        self._taking_keys = False
        self._sound: str | None = None
        self._news = asyncio.Event()

    @property
    def hears(self) -> str | None:
        """What is heard now, None for nothing."""
        return self._sound

    def press(self, key: str, length_ms: int = TAP_MS) -> None:
        """A key of the telephone, let go after `length_ms` (which do not pass)."""
        if not self._patient:
            self._earpiece.pressed(key)
        self._keys.append(KeyUp(key, length_ms))
        self._news.set()

    def hang_up(self) -> None:
        """The caller hangs up."""
        self._gone = True
        self._news.set()

    def hang_up_after_keys(self) -> None:
        """The caller hangs up once every key has been taken."""
        self._leaves = True
        self._news.set()

    def callee_acts(self, behaviour: Behaviour) -> None:
        """The callee does this now."""
        self._callee = behaviour
        self._news.set()

    async def until(self, deadline_ms: int | None) -> LineEvent | None:
        """The next thing that happens, up to `deadline_ms` of the clock."""
        while (event := self._next()) is None:
            self._news.clear()
            wait_s = None
            if deadline_ms is not None:
                wait_s = max(0.0, (deadline_ms - self._clock.monotonic_ms()) / 1000)
            try:
                async with asyncio.timeout(wait_s):
                    await self._news.wait()
            except TimeoutError:
                return None
        return event

    def drop(self) -> bool:
        """A command begins: keys pressed before it are gone, unless the telephone is patient."""
        self._taking_keys = False
        self._callee = None
        if not self._patient:
            self._keys.clear()
        return self._gone

    def answered(self) -> None:
        """Tell the earpiece."""
        self._earpiece.answered()

    def starts(self, sound: str, takes_keys: bool) -> None:
        """Tell the earpiece."""
        self._taking_keys = self._taking_keys or takes_keys
        if sound != Sound.SILENCE:
            self._sound = sound
            self._earpiece.heard(sound)

    def stops(self, sound: str) -> None:
        """Tell the earpiece."""
        if sound != Sound.SILENCE:
            self._sound = None
            self._earpiece.over(sound)

    def spoke_ms(self, from_ms: int, to_ms: int) -> int:
        """Nothing: there is no microphone."""
        return 0

    def spoke_until_ms(self, now_ms: int) -> int:
        """Never."""
        return 0

    def ended(self) -> None:
        """Nothing more is heard."""
        self._sound = None

    def _next(self) -> LineEvent | None:
        self._gone = self._gone or (self._leaves and not self._keys)
        if self._gone:
            return HungUp()
        if self._callee is not None:
            behaviour, self._callee = self._callee, None
            return CalleeActs(behaviour)
        if self._keys and (self._taking_keys or not self._patient):
            key = self._keys.pop(0)
            if self._patient:
                self._earpiece.pressed(key.key)
            return key
        return None
