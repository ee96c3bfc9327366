"""A Local channel of the virtual Asterisk: two calls, each of which is the other one's far end.

Asterisk makes one where it is told to call somebody: the half `;2` dials, and when its callee has answered,
the half `;1` is with the callee in an app. What either does ends the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ringflow.simulator.callee import Behaviour
from ringflow.simulator.caller import CallerStep, ScriptedCaller
from ringflow.simulator.clock import VirtualClock, Waiter
from ringflow.simulator.line import CalleeActs, HungUp, LineEvent

FAR_MS = 10**12
"""Later than anything that is waited for."""


class DiallingHalf:
    """The `Line` of the half that dials: nobody hears or keys anything there.

    `answered` is called when the callee answers, `over` when this half is gone.
    """

    def __init__(self, clock: VirtualClock, answered: Callable[[], None], over: Callable[[], None]) -> None:
        self.answered_ms: int | None = None
        self.hung_up_ms: int | None = None
        """When the other half was gone."""
        self._clock = clock
        self._waiter = Waiter(clock)
        self._answered, self._over = answered, over
        self._callee_left = False

    def callee_hangs_up(self) -> None:
        """Who was called hangs up."""
        self._callee_left = True
        self._waiter.wake()

    def hang_up(self) -> None:
        """The other half is gone."""
        if self.hung_up_ms is None:
            self.hung_up_ms = self._clock.monotonic_ms()
            self._waiter.wake()

    async def until(self, deadline_ms: int | None) -> LineEvent | None:
        """Wait for the end of the other half."""
        while True:
            if self._callee_left:
                self._callee_left = False
                return CalleeActs(Behaviour.NO_ANSWER)
            if self.hung_up_ms is not None:
                return HungUp()
            if await self._waiter.until(FAR_MS if deadline_ms is None else deadline_ms):
                return None

    def interrupt(self) -> None:
        """Nothing happens to it but the end of the other half."""

    def drop(self) -> bool:
        """Whether the other half is gone."""
        return self.hung_up_ms is not None

    def answered(self) -> None:
        """The callee has answered."""
        if self.answered_ms is None:
            self.answered_ms = self._clock.monotonic_ms()
            self._answered()

    def starts(self, sound: str, takes_keys: bool) -> None:
        """Nobody listens."""

    def stops(self, sound: str) -> None:
        """Nobody listens."""

    def spoke_ms(self, from_ms: int, to_ms: int) -> int:
        """Nobody speaks."""
        return 0

    def spoke_until_ms(self, now_ms: int) -> int:
        """Nobody speaks."""
        return 0

    def ended(self) -> None:
        """This half is gone."""
        self._over()


class CalledParty(ScriptedCaller):
    """Who was called and has answered: a caller of the app from then on, by the other half."""

    def __init__(self, clock: VirtualClock, steps: Sequence[CallerStep], dialling: DiallingHalf) -> None:
        super().__init__(clock, steps)
        self._dialling = dialling
        self._is_cut_off = False

    def cut_off(self) -> None:
        """The half that dials is gone, and takes this one with it."""
        self._is_cut_off = True
        self._hangs_up_ms = self._clock.monotonic_ms() if self._hangs_up_ms is None else self._hangs_up_ms
        self._waiter.wake()

    async def until(self, deadline_ms: int | None) -> LineEvent | None:
        """As any caller; but a hang-up comes to the half that dials, and here only by its end."""
        event = await super().until(deadline_ms)
        if isinstance(event, HungUp):
            if not self._is_cut_off:
                self._dialling.callee_hangs_up()
            while not self._is_cut_off:
                await self._waiter.until(FAR_MS)
        return event

    def drop(self) -> bool:
        """The same."""
        super().drop()
        return self._is_cut_off

    def ended(self) -> None:
        """The app has ended the call, if it was not over before."""
        super().ended()
        self._dialling.hang_up()
