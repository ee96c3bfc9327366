"""What an input that is full costs its caller, and what comes of the keys after it."""

from __future__ import annotations

import pytest

from ringflow.calls.transcript import TranscriptLine
from ringflow.simulator.caller import CallerStep, Hears, Keys, Waits
from ringflow.simulator.virtual_call import CarriedCall
from ringflow.slots.destination import Destination
from ringflow.slots.ivr import Ivr

from .conftest import Place

ASK = Ivr(slot="ivr", file="IVR/ask", min=3, max=4, attempts=1, result="number")
MENU = Ivr(slot="ivr", file="IVR/menu", max=1, result="choice")
DIAL = Destination(slot="destination", external="44191000${number}")


def events(called: CarriedCall, name: str) -> list[TranscriptLine]:
    return [one for one in called.record.transcript if one.event == name]


def reads(called: CarriedCall) -> int:
    return sum("EXEC" in line and "Read" in line for line in called.wire)


@pytest.mark.parametrize(
    ("keys", "waited_ms", "commands"),
    [("123#", 0, 1), ("1234#", 0, 2), ("1234", 400, 2)],
    ids=["a terminator", "full, and a terminator", "full"],
)
async def test_only_a_full_number_without_a_terminator_waits_before_it_is_dialled(
    place: Place, keys: str, waited_ms: int, commands: int
) -> None:
    called = await place.call(ASK, DIAL, steps=[Hears("IVR/ask"), Keys(keys)])
    released_ms = 2000 + 250 * (len(keys) - 1) + 100
    assert events(called, "dial")[0].at_ms - released_ms == waited_ms
    assert called.legs[0].target.startswith("PJSIP/441910001234@" if "4" in keys else "PJSIP/44191000123@")
    assert reads(called) == commands


async def test_a_choice_of_one_key_is_not_waited_for(place: Place) -> None:
    called = await place.call(MENU, steps=[Hears("IVR/menu"), Keys("1")])
    assert [one.at_ms for one in events(called, "exit")] == [2100]
    assert reads(called) == 1


@pytest.mark.parametrize(("after_ms", "dialled"), [(240, False), (320, True)])
async def test_a_digit_counts_as_one_too_many_for_0_4_seconds(
    place: Place, after_ms: int, dialled: bool
) -> None:
    # A key counts at its end, 100 ms after it is pressed.
    steps: list[CallerStep] = [Hears("IVR/ask"), Keys("1234"), Keys("5", after_ms=after_ms)]
    called = await place.call(ASK, DIAL, steps=steps)
    assert bool(called.legs) is dialled
    assert called.record.outcome == ("completed" if dialled else "invalid")


async def test_a_number_that_is_too_long_is_taken_to_its_end(place: Place) -> None:
    asked_twice = ASK.model_copy(update={"attempts": 2})
    steps: list[CallerStep] = [
        Hears("IVR/ask"),
        Keys("12345 67#", pause_ms=2500),
        Hears("IVR/ask"),
        Keys("876#"),
    ]
    called = await place.call(asked_twice, DIAL, steps=steps)
    assert [one.detail for one in events(called, "keys")] == ["1234567 (too_long)", "876 (terminator)"]
    assert called.record.visits[0].keys == ("1234567", "876")
    assert called.record.outcome == "completed"


async def test_more_keys_than_a_record_should_hold_are_cut(place: Place) -> None:
    called = await place.call(ASK, steps=[Hears("IVR/ask"), Keys("1" * 400, every_ms=60, tone_ms=40)])
    assert called.record.visits[0].keys == ("1" * 255,)


async def test_the_longest_input_can_be_too_long(place: Place) -> None:
    longest = Ivr(slot="ivr", file="IVR/ask", attempts=1, result="number")
    called = await place.call(
        longest, steps=[Hears("IVR/ask"), Keys("1" * 256 + "#", every_ms=60, tone_ms=40)]
    )
    assert called.record.outcome == "invalid"


async def test_a_prompt_goes_on_where_a_late_terminator_stopped_it(place: Place) -> None:
    called = await place.call(MENU, ASK, steps=[Hears("IVR/menu"), Keys("1 #", pause_ms=500)])
    played_ms = 500 + 250
    assert [line for line in called.wire if "STREAM FILE" in line and str(played_ms * 8) in line]
    # The prompt lasts 2 s from its beginning, and 5 s are waited from there.
    assert [one.at_ms for one in events(called, "keys")] == [2100, 2100 + 2000 + 5000]
    assert called.prompts == ("IVR/menu", "IVR/ask")


async def test_a_late_terminator_is_ignored_once_and_in_time(place: Place) -> None:
    for keys, pause_ms, ending in (("1#", 0, "silence"), ("1##", 0, "terminator"), ("1 #", 1650, "silence")):
        called = await place.call(MENU, ASK, steps=[Hears("IVR/menu"), Keys(keys, pause_ms=pause_ms)])
        assert [one.detail for one in events(called, "keys")][1] == f" ({ending})", keys
        assert len(events(called, "late_terminator")) == 1
    called = await place.call(MENU, ASK, steps=[Hears("IVR/menu"), Keys("1 #", pause_ms=2000)])
    assert events(called, "late_terminator") == []
    assert [one.detail for one in events(called, "keys")][1] == " (terminator)"


async def test_after_another_key_a_terminator_is_that_input_s_own(place: Place) -> None:
    second = Ivr(slot="ivr", file="IVR/ask", max=2, longer="next", result="second")
    third = Ivr(slot="ivr", file="IVR/third", min=0, attempts=1, result="third")
    called = await place.call(MENU, second, third, steps=[Hears("IVR/menu"), Keys("15##")])
    assert events(called, "late_terminator") == []
    assert (called.record.variables["second"], called.record.variables["third"]) == ("5", "")


async def test_what_follows_a_late_terminator_is_taken_as_any_input(place: Place) -> None:
    second = Ivr(slot="ivr", file="IVR/ask", max=4, longer="next", result="second")
    third = Ivr(slot="ivr", file="IVR/third", result="third")
    called = await place.call(MENU, second, third, steps=[Hears("IVR/menu"), Keys("1#12345#")])
    assert (called.record.variables["second"], called.record.variables["third"]) == ("1234", "5")
    # Three seconds between digits, not the five for the first one.
    called = await place.call(MENU, second, steps=[Hears("IVR/menu"), Keys("1#56")])
    assert events(called, "keys")[1].detail == "56 (silence)"
    assert events(called, "keys")[1].at_ms == 2100 + 3 * 250 + 3000


async def test_the_end_of_a_number_that_is_too_long_is_waited_for_as_between_digits(place: Place) -> None:
    called = await place.call(ASK, steps=[Hears("IVR/ask"), Keys("12345")])
    assert [one.at_ms for one in events(called, "keys")] == [2100 + 4 * 250 + 3000]


async def test_the_two_seconds_count_from_the_last_digit(place: Place) -> None:
    for after_ms, late in ((1850, 1), (2050, 0)):
        steps: list[CallerStep] = [Hears("IVR/ask"), Keys("1234"), Keys("#", after_ms=after_ms)]
        called = await place.call(ASK, MENU, steps=steps)
        assert len(events(called, "late_terminator")) == late


@pytest.mark.parametrize("first", ["", "*"])
async def test_silence_is_no_late_terminator(place: Place, first: str) -> None:
    one = MENU.model_copy(update={"terminators": first})
    silent = Ivr(slot="ivr", file="IVR/ask", first_digit_timeout=0.5, attempts=1, result="second")
    called = await place.call(one, silent, steps=[Hears("IVR/menu"), Keys("1")], prompts_s=0.4)
    assert events(called, "late_terminator") == []
    assert [one.at_ms for one in events(called, "keys")] == [500, 500 + 400 + 500]


async def test_the_first_key_after_a_late_terminator_may_be_all(place: Place) -> None:
    second = MENU.model_copy(update={"result": "second"})
    called = await place.call(MENU, second, steps=[Hears("IVR/menu"), Keys("1#2")])
    assert (called.record.variables["second"], reads(called)) == ("2", 2)


@pytest.mark.parametrize(
    ("first", "then", "keys", "second"),
    [
        ("*", "#", "1**5#", "*5"),
        ("*", "#", "1*#", ""),
        ("*", "#", "1#", ""),
        ("#", "*#", "1*", ""),
        ("#", "*#", "1#*", ""),
        ("*", "#", "15*#", "5*"),
        ("", "#", "1#", ""),
    ],
)
async def test_only_the_terminators_of_the_input_before_are_late(
    place: Place, first: str, then: str, keys: str, second: str
) -> None:
    one = MENU.model_copy(update={"terminators": first})
    two = Ivr(slot="ivr", file="IVR/ask", min=0, terminators=then, result="second")
    called = await place.call(one, two, steps=[Hears("IVR/menu"), Keys(keys)])
    assert called.record.variables["second"] == second
    late = len(keys) > 1 and keys[1] in first
    assert len(events(called, "late_terminator")) == late
    assert events(called, "keys")[1].detail == f"{second} (terminator)"


async def test_silence_before_the_time_is_over_leaves_the_terminator_to_the_next_input(place: Place) -> None:
    silent = Ivr(slot="ivr", file="IVR/ask", min=0, first_digit_timeout=0.5, attempts=2, result="second")
    steps: list[CallerStep] = [Hears("IVR/menu"), Keys("1"), Waits(1000), Keys("#")]
    called = await place.call(MENU, silent, steps=steps, prompts_s=0.4)
    assert [one.detail for one in events(called, "keys")] == ["1 (maximum)", " (silence)", " (silence)"]
    assert len(events(called, "late_terminator")) == 1


@pytest.mark.parametrize(("pause_ms", "second"), [(1500, "5"), (2100, "*5")])
async def test_a_late_terminator_that_may_be_a_digit_is_one_after_two_seconds(
    place: Place, pause_ms: int, second: str
) -> None:
    one = MENU.model_copy(update={"terminators": "*"})
    two = Ivr(slot="ivr", file="IVR/ask", result="second")
    called = await place.call(one, two, steps=[Hears("IVR/menu"), Keys("1 *5#", pause_ms=pause_ms)])
    assert called.record.variables["second"] == second


async def test_keys_for_the_next_prompt_wait_for_it_though_asterisk_listens_on(place: Place) -> None:
    first = MENU.model_copy(update={"longer": "invalid"})
    steps: list[CallerStep] = [Hears(None), Keys("1"), Hears(None), Keys("23#")]
    called = await place.call(first, ASK.model_copy(update={"min": 1}), steps=steps)
    assert (called.record.variables["choice"], called.record.variables["number"]) == ("1", "23")
