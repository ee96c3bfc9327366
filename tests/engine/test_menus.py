"""What a menu makes of keys that come late, early, too often or nearly right, and when."""

from __future__ import annotations

from ringflow.simulator.caller import CallerStep, Hears, Keys
from ringflow.simulator.virtual_call import CarriedCall
from ringflow.slots.hangup import Hangup
from ringflow.slots.menu import MAX_REPEATS, Extensions, Menu

from .conftest import Place

END = Hangup(slot="hangup")


def exits(called: CarriedCall) -> list[str]:
    return [one.exit_name for one in called.exits]


def last_exit_ms(called: CarriedCall) -> int:
    return [one.at_ms for one in called.record.transcript if one.event == "exit"][-2]


async def test_a_choice_that_may_go_on_waits_for_the_inter_digit_time_and_no_longer(place: Place) -> None:
    menu = Menu(slot="menu", file="a", options={"1": "next", "12": "next"}, inter_digit_timeout=1.5)
    called = await place.call(menu, END, steps=[Hears("a"), Keys("1")])
    # A prompt of two seconds, and a key of 100 ms.
    assert (exits(called), last_exit_ms(called)) == (["1", "done"], 2000 + 100 + 1500)
    at_once = await place.call(menu, END, steps=[Hears("a"), Keys("12")])
    assert (exits(at_once), last_exit_ms(at_once)) == (["12", "done"], 2000 + 350)


async def test_a_terminator_after_a_choice_that_ends_with_one_is_a_key_of_its_own(place: Place) -> None:
    menus = (
        Menu(slot="menu", file="a", options={"5#": "next"}),
        Menu(slot="menu", file="b", options={"#": "next", "1": "next"}, no_input_attempts=1),
        END,
    )
    steps: list[CallerStep] = [Hears("a"), Keys("5#"), Hears("b", 300), Keys("#")]
    assert exits(await place.call(*menus, steps=steps)) == ["5#", "#", "done"]
    # After one that does not, it is the habit of callers.
    first = Menu(slot="menu", file="a", options={"5": "next"})
    steps = [Hears("a"), Keys("5"), Hears("b", 300), Keys("#")]
    assert exits(await place.call(first, *menus[1:], steps=steps)) == ["5", "no_input"]


async def test_another_key_than_the_late_terminator_belongs_to_the_next_menu(place: Place) -> None:
    first = Menu(slot="menu", file="a", options={"1": "next"})
    second = Menu(
        slot="menu", file="b", options={"2": "next"}, terminators="*", invalid_attempts=1, no_input_attempts=1
    )
    steps: list[CallerStep] = [Hears("a"), Keys("1"), Hears("b", 300), Keys("*")]
    called = await place.call(first, second, END, steps=steps)
    assert exits(called) == ["1", "invalid"]
    keyed = [one.detail for one in called.record.transcript if one.event == "keys"]
    assert keyed == ["1 (option)", " (terminator)"]
    silent = await place.call(first, second, END, steps=[Hears("a"), Keys("1")])
    assert exits(silent) == ["1", "no_input"]
    # Two prompts and a key, and once the time for the first digit.
    assert silent.record.duration_ms == 2100 + 2000 + 5000


async def test_the_repeat_key_is_a_wrong_one_in_the_end(place: Place) -> None:
    menu = Menu(slot="menu", file="a", options={"1": "next"}, repeat="9", invalid_attempts=1)
    steps: list[CallerStep] = [step for _ in range(MAX_REPEATS + 1) for step in (Hears("a", 300), Keys("9"))]
    called = await place.call(menu, END, steps=steps)
    assert exits(called) == ["invalid"]
    assert called.prompts.count("a") == MAX_REPEATS + 1


async def test_an_extension_begins_with_one_of_its_first_digits(place: Place) -> None:
    menu = Menu(
        slot="menu",
        file="a",
        options={"44": "next"},
        extensions=Extensions(length=2, first_digits="2"),
        result="n",
        invalid_attempts=1,
    )
    assert exits(await place.call(menu, END, steps=[Hears("a"), Keys("45")])) == ["invalid"]
    assert exits(await place.call(menu, END, steps=[Hears("a"), Keys("24")])) == ["extension", "done"]
    assert exits(await place.call(menu, END, steps=[Hears("a"), Keys("44")])) == ["44", "done"]


async def test_of_extensions_of_two_lengths_silence_ends_the_shorter_one(place: Place) -> None:
    extensions = Extensions(length=4, shortest=2)
    menu = Menu(slot="menu", file="a", options={"0": "next"}, extensions=extensions, result="n")
    called = await place.call(menu, END, steps=[Hears("a"), Keys("24")])
    assert (exits(called), called.record.variables["n"]) == (["extension", "done"], "24")
