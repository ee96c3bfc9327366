"""A caller's script becomes keys and a hang-up at times that a real telephone can play."""

from __future__ import annotations

from ringflow.simulator.caller import HangsUp, Hears, Keys, ScriptedCaller, Waits
from ringflow.simulator.clock import VirtualClock
from ringflow.simulator.keypad import KeyPress
from ringflow.simulator.line import HungUp, KeyUp, Sound


async def test_keys_begin_where_the_prompt_ends_or_is_cut() -> None:
    clock = VirtualClock()
    caller = ScriptedCaller(clock, [Hears("a", 500), Keys("12", 200, 80), Hears("b"), Keys("3", after_ms=50)])
    clock.advance_to(1000)
    caller.answered()
    caller.starts("a", True)
    assert await caller.until(9000) == KeyUp("1", 80)
    assert clock.monotonic_ms() == 1580
    caller.stops("a")
    assert await caller.until(9000) == KeyUp("2", 80)
    caller.starts("b", False)
    assert await caller.until(2500) is None
    caller.stops("b")
    assert await caller.until(9000) == KeyUp("3", 100)
    caller.ended()
    timeline = caller.timeline
    assert timeline.keys == (KeyPress("1", 500, 80), KeyPress("2", 700, 80), KeyPress("3", 1550, 100))
    assert (timeline.answered, timeline.hung_up_at_ms) == (True, None)


async def test_a_sound_that_began_during_keys_is_not_missed() -> None:
    clock = VirtualClock()
    caller = ScriptedCaller(clock, [Keys("123", 1000), Hears("error"), Keys("4")])
    caller.answered()
    await caller.until(None)
    caller.starts("error", False)
    await caller.until(600)
    caller.stops("error")
    assert [await caller.until(None) for _ in range(3)] == [KeyUp(key, 100) for key in "234"]
    assert clock.monotonic_ms() == 2200


async def test_a_sound_from_before_the_keys_is_not_the_one_waited_for() -> None:
    caller = ScriptedCaller(VirtualClock(), [Waits(100), Keys("1"), Hears("ask"), Keys("2")])
    caller.answered()
    caller.starts("ask", True)
    await caller.until(None)
    caller.stops("ask")
    assert await caller.until(5000) is None
    assert caller.waits_for == "ask"


async def test_nobody_hears_that_asterisk_listens_on_after_a_key() -> None:
    clock = VirtualClock()
    caller = ScriptedCaller(clock, [Hears(None), Keys("1"), Hears(None), Keys("2")])
    caller.answered()
    caller.starts("menu", True)
    caller.stops("menu")
    assert await caller.until(5000) == KeyUp("1", 100)
    caller.starts(Sound.SILENCE, True)
    caller.stops(Sound.SILENCE)
    assert await caller.until(500) is None
    # A prompt that takes no keys, and the silence after it that does.
    caller.starts("ask", False)
    caller.stops("ask")
    caller.starts(Sound.SILENCE, True)
    assert await caller.until(5000) is None, "the silence is not over"
    caller.stops(Sound.SILENCE)
    assert await caller.until(9000) == KeyUp("2", 100)


async def test_keys_that_are_still_to_come_do_not_hide_what_is_heard_before_them() -> None:
    caller = ScriptedCaller(VirtualClock(), [Keys("1", after_ms=500), Hears(None), Keys("2")])
    caller.answered()
    caller.starts(Sound.SILENCE, True)
    caller.stops(Sound.SILENCE)
    assert [one.sound for one in caller.heard] == [Sound.SILENCE]


async def test_a_space_is_a_pause() -> None:
    caller = ScriptedCaller(VirtualClock(), [Keys("1 2", 200, 100, pause_ms=1500)])
    caller.answered()
    assert [press.at_ms for press in _all_keys(caller)] == [0, 1700]


async def test_a_key_that_the_hang_up_cuts_does_not_count() -> None:
    clock = VirtualClock()
    caller = ScriptedCaller(clock, [Hears("ask", 100), HangsUp(50)])
    caller.answered()
    caller.starts("ask", True)
    assert await caller.until(None) == HungUp()
    assert clock.monotonic_ms() == 150
    assert await caller.until(9000) == HungUp()
    caller.ended()
    assert caller.timeline.hung_up_at_ms == 150


async def test_what_comes_after_the_call_was_over_is_not_in_the_timeline() -> None:
    clock = VirtualClock()
    caller = ScriptedCaller(clock, [Keys("123", 1000), HangsUp()])
    caller.answered()
    while await caller.until(1200) is not None:
        pass
    caller.ended()
    assert [press.key for press in caller.timeline.keys] == ["1", "2"]
    assert caller.timeline.hung_up_at_ms is None


async def test_before_anything_is_heard_the_caller_does_nothing() -> None:
    caller = ScriptedCaller(VirtualClock(), [HangsUp()])
    assert await caller.until(5000) is None
    assert caller.waits_for == "anything at all"
    caller.starts("ringing", False)
    assert await caller.until(9000) == HungUp()


def _all_keys(caller: ScriptedCaller) -> tuple[KeyPress, ...]:
    # At the end of time, so that nothing is cut off.
    caller._clock.advance_to(1_000_000)
    return caller.timeline.keys


async def test_who_is_answered_in_time_does_not_give_up_and_who_is_not_does() -> None:
    clock = VirtualClock()
    patient = ScriptedCaller(clock, [], patience_ms=2000)
    assert await patient.until(1000) is None
    patient.answered()
    assert await patient.until(5000) is None
    left = ScriptedCaller(clock, [], patience_ms=2000)
    assert await left.until(None) == HungUp()
    assert (clock.monotonic_ms(), left.timeline.hung_up_at_ms) == (7000, 2000)
