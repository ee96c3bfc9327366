"""Time at a pace, and the telephone that a person has: keys, a hang-up, a callee, speech."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ringflow.simulator.callee import Behaviour
from ringflow.simulator.line import CalleeActs, HungUp, KeyUp, Sound
from ringflow.simulator.paced_clock import PacedClock
from ringflow.simulator.telephone import Telephone


class Machine:
    """A machine's clock that a test moves."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Ear:
    """Keeps what an earpiece is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pressed(self, key: str) -> None:
        self.told.append(f"pressed {key}")

    def answered(self) -> None:
        self.told.append("answered")

    def heard(self, sound: str, takes_keys: bool) -> None:
        self.told.append(f"{sound} {takes_keys}")

    def over(self, sound: str) -> None:
        self.told.append(f"{sound} over")

    def waits(self, until_ms: int | None) -> None:
        self.told.append(f"waits {until_ms}")


@asynccontextmanager
async def waiting(clock: PacedClock, at_ms: int | None) -> AsyncIterator[asyncio.Task[bool]]:
    task = asyncio.create_task(clock.until(at_ms))
    await asyncio.sleep(0)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(("pace", "passed_ms"), [(1, 2000), (0.5, 1000), (0.25, 500), (0, 0), (16, 32000)])
async def test_time_passes_at_the_pace_while_somebody_waits_and_not_otherwise(
    pace: float, passed_ms: int
) -> None:
    machine = Machine()
    clock = PacedClock(1_750_000_000, pace, machine)
    machine.now_s += 60
    assert (clock.monotonic_ms(), clock.now_s()) == (0, 1_750_000_000)
    async with waiting(clock, None) as wait:
        machine.now_s += 2
        assert clock.monotonic_ms() == passed_ms
        clock.wake()
        assert await wait is False
    machine.now_s += 60
    assert clock.monotonic_ms() == passed_ms
    assert clock.now_s() == 1_750_000_000 + passed_ms / 1000


async def test_another_pace_counts_from_then_on() -> None:
    machine = Machine()
    clock = PacedClock(0, 1, machine)
    async with waiting(clock, 100_000) as wait:
        machine.now_s += 10
        clock.set_pace(0.5)
        assert await wait is False
    async with waiting(clock, 100_000) as wait:
        machine.now_s += 10
        clock.set_pace(0)
        assert await wait is False
    async with waiting(clock, 100_000) as wait:
        machine.now_s += 10
        assert clock.monotonic_ms() == 15_000
        clock.skip()
        assert await wait is True
    assert clock.monotonic_ms() == 100_000


async def test_no_wait_ends_late_and_one_without_an_end_is_not_skipped() -> None:
    machine = Machine()
    clock = PacedClock(0, 1, machine)
    assert await clock.until(0) is True
    async with waiting(clock, 50) as wait:
        machine.now_s += 10
        clock.wake()
        # Somebody acts when the moment has come already: it has come.
        assert await wait is True
    assert clock.monotonic_ms() == 50
    async with waiting(clock, None) as wait:
        clock.skip()
        assert await wait is False
    assert clock.monotonic_ms() == 50
    # What was skipped when nobody waited skips nothing later.
    clock.skip()
    async with waiting(clock, 60) as wait:
        # Nor does what was meant for the wait before this one.
        clock.skip(50)
        clock.wake()
        assert await wait is False


async def test_keys_that_come_at_once_are_told_apart_and_one_that_comes_late_waits() -> None:
    telephone = Telephone(clock := PacedClock(0, 0, Machine()), ear := Ear())
    for key in "123":
        telephone.press(key, 40)
    assert await telephone.until(10_000) == KeyUp("1", 40)
    first_ms = clock.monotonic_ms()
    assert await telephone.until(10_000) == KeyUp("2", 40)
    assert clock.monotonic_ms() == first_ms + 60
    # The third comes after this moment, and is for the next command.
    assert await telephone.until(first_ms + 90) is None
    assert clock.monotonic_ms() == first_ms + 90
    assert telephone.drop() is False
    assert await telephone.until(None) == KeyUp("3", 40)
    assert [(one.key, one.counts_at_ms - first_ms) for one in telephone.keys] == [
        ("1", 0),
        ("2", 60),
        ("3", 120),
    ]
    assert ear.told == ["pressed 1", "pressed 2", "pressed 3"]


async def test_what_a_callee_is_to_do_is_lost_where_another_sound_is_heard() -> None:
    telephone = Telephone(PacedClock(0, 0, Machine()), Ear())
    telephone.callee_acts(Behaviour.ANSWER)
    telephone.starts(Sound.RINGING, False)
    telephone.callee_acts(Behaviour.ANSWER)
    assert await telephone.until(60_000) == CalleeActs(Behaviour.ANSWER)
    telephone.callee_acts(Behaviour.ANSWER)
    telephone.stops(Sound.RINGING)
    telephone.starts(Sound.CALLEE, False)
    telephone.press("5")
    # Who answers twice does not hang up by that.
    assert await telephone.until(60_000) == KeyUp("5", 100)
    telephone.callee_acts(Behaviour.BUSY)
    telephone.callee_acts(Behaviour.NO_ANSWER)
    assert await telephone.until(60_000) == CalleeActs(Behaviour.NO_ANSWER)
    assert [one.behaviour for one in telephone.deeds] == [Behaviour.ANSWER, Behaviour.NO_ANSWER]


async def test_the_caller_hangs_up_once_and_is_gone_from_then_on() -> None:
    telephone = Telephone(clock := PacedClock(0, 0, Machine()), Ear())
    telephone.press("1")
    telephone.hang_up()
    assert await telephone.until(60_000) == HungUp()
    assert (telephone.drop(), telephone.hung_up_ms, clock.monotonic_ms()) == (True, 1, 1)
    assert await telephone.until(60_000) == HungUp()
    assert telephone.hung_up_ms == 1


async def test_speech_counts_while_it_lasts() -> None:
    machine = Machine()
    telephone = Telephone(clock := PacedClock(0, 1, machine), Ear())
    telephone.speak(True)
    async with waiting(clock, 5000):
        machine.now_s += 2
        assert telephone.spoke_ms(500, 10_000) == 1500
        assert telephone.spoke_until_ms(clock.monotonic_ms()) == 2000
        telephone.speak(False)
        machine.now_s += 1
        assert telephone.spoke_ms(0, 10_000) == 2000
        assert telephone.spoke_until_ms(clock.monotonic_ms()) == 2000
