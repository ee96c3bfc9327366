"""Apps called as subroutines: their frames, their variables, and what is told of them."""

from __future__ import annotations

import pytest

from ringflow.calls.call import Call
from ringflow.calls.json_value import MAX_CALL_BYTES, MAX_VALUE_BYTES, JsonValue
from ringflow.engine.walk import MAX_FRAMES, MAX_SLOTS_IN_A_CALL
from ringflow.flows.flow import Flow
from ringflow.flows.slot import Slot
from ringflow.simulator.caller import HangsUp, Hears, Keys
from ringflow.simulator.virtual_call import CarriedCall
from ringflow.slots.app import App
from ringflow.slots.audio import Audio
from ringflow.slots.destination import Destination
from ringflow.slots.hangup import Hangup
from ringflow.slots.ivr import Ivr

from .conftest import Place


class Stores(Slot):
    """Sets variables."""

    values: dict[str, object]

    async def run(self, call: Call) -> str:
        for name, value in self.values.items():
            call.variables.store(name, value)  # type: ignore[arg-type]
        return "done"


class Reuses(Slot):
    """Changes a value after it has stored it."""

    async def run(self, call: Call) -> str:
        value: list[JsonValue] = [1]
        call.variables.store("value", value)
        value.append(2)
        return "done"


class Breaks(Slot):
    """Has a bug."""

    async def run(self, call: Call) -> str:
        raise RuntimeError("a bug")


def flow(app: str, *slots: Slot) -> Flow:
    return Flow(app, "", slots, f"{app}.yaml", "r1")


def app(name: str, **fields: object) -> App:
    return App.model_validate({"slot": "app", "call": name, **fields})


def stores(**values: object) -> Stores:
    return Stores(slot="stores", values=values)


def ask(**fields: object) -> Ivr:
    given = {"slot": "ivr", "file": "IVR/ask", "attempts": 1, "result": "key", "max": 1, **fields}
    return Ivr.model_validate(given)


def events(called: CarriedCall) -> list[str]:
    return [f"{one.slot}: {one.event} {one.detail}".rstrip() for one in called.record.transcript]


async def test_the_transcript_and_the_visits_tell_which_app_ran_for_which_slot(place: Place) -> None:
    called = await place.call(
        app("sub", id="one"),
        Audio(slot="audio", file="IVR/bye"),
        also=[flow("sub", app("deep")), flow("deep", Audio(slot="audio", file="IVR/deep"))],
    )
    assert events(called) == [
        "one: app_called sub",
        "> sub/app[1]: app_called deep",
        ">> deep/audio[1]: answered",
        ">> deep/audio[1]: prompt IVR/deep",
        ">> deep/audio[1]: exit done",
        "> sub/app[1]: app_returned done",
        "> sub/app[1]: exit done",
        "one: app_returned done",
        "one: exit done",
        "audio[2]: prompt IVR/bye",
        "audio[2]: exit done",
        ": ended completed",
    ]
    assert [(visit.app, visit.depth, visit.exit) for visit in called.record.visits] == [
        ("tested", 0, "done"),
        ("sub", 1, "done"),
        ("deep", 2, "done"),
        ("tested", 0, "done"),
    ]
    assert [(one.app, one.slot_type, one.exit_name) for one in called.exits] == [
        ("deep", "audio", "done"),
        ("sub", "app", "done"),
        ("tested", "app", "done"),
        ("tested", "audio", "done"),
    ]


async def test_keys_belong_to_the_slot_that_took_them(place: Place) -> None:
    called = await place.call(
        app("sub"),
        ask(),
        also=[flow("sub", ask())],
        steps=[Hears("IVR/ask"), Keys("1"), Hears("IVR/ask"), Keys("2")],
    )
    assert [visit.keys for visit in called.record.visits] == [(), ("1",), ("2",)]


async def test_an_app_sees_its_arguments_and_gives_its_results(place: Place) -> None:
    called = await place.call(
        stores(order={"items": [{"name": "x"}]}, here="mine"),
        app(
            "sub",
            arguments={"order": "${order}", "text": "to ${order.items.0.name}"},
            results={"got": "made", "not": "unset"},
        ),
        also=[flow("sub", stores(made=[1, True, None], here="theirs"))],
    )
    variables = called.record.variables
    assert (variables["got"], variables["here"], "not" in variables) == ([1, True, None], "mine", False)
    assert "order" in variables
    assert "text" not in variables


async def test_a_result_that_changes_there_afterwards_does_not_change_here(place: Place) -> None:
    called = await place.call(
        stores(a=[1]),
        app("sub", arguments={"b": "${a}"}, results={"c": "b"}),
        also=[flow("sub", stores(b=[2]))],
    )
    assert (called.record.variables["a"], called.record.variables["c"]) == ([1], [2])


async def test_where_the_call_ends_in_a_called_app_the_record_has_the_variables_of_all(place: Place) -> None:
    called = await place.call(
        stores(outer="1", both="outer"),
        app("sub"),
        also=[flow("sub", stores(inner="2", both="inner"), Hangup(slot="hangup"))],
    )
    variables = called.record.variables
    assert (variables["outer"], variables["inner"], variables["both"]) == ("1", "2", "inner")
    assert called.record.app == "tested"
    assert [visit.exit for visit in called.record.visits] == ["done", None, "done", "done"]


async def test_a_secret_is_one_in_every_app_that_it_reaches(place: Place) -> None:
    called = await place.call(
        ask(secret=True, result="pin"),
        app(
            "sub",
            arguments={"given": {"deep": ["x${pin}"]}, "plain": "1"},
            results={"back": "given", "fine": "plain"},
        ),
        also=[flow("sub", Audio(slot="audio", file="IVR/bye"))],
        steps=[Hears("IVR/ask"), Keys("7")],
    )
    variables = called.record.variables
    assert (variables["pin"], variables["back"], variables["fine"]) == ("****", "****", "1")


async def test_a_part_of_a_secret_value_is_secret_and_what_is_stored_over_it_is_not(place: Place) -> None:
    called = await place.call(
        ask(secret=True, result="pin"),
        app("sub", arguments={"given": ["${pin}"]}, results={"back": "given"}),
        app("sub", arguments={"given": "${back.0}"}, results={"part": "given"}),
        stores(pin="open"),
        also=[flow("sub", Audio(slot="audio", file="IVR/bye"))],
        steps=[Hears("IVR/ask"), Keys("7")],
    )
    variables = called.record.variables
    assert (variables["back"], variables["part"], variables["pin"]) == ("****", "****", "open")


async def test_a_value_is_kept_as_it_was_when_it_was_stored(place: Place) -> None:
    assert (await place.call(Reuses(slot="reuses"))).record.variables["value"] == [1]


async def test_each_app_knows_its_own_name(place: Place) -> None:
    called = await place.call(
        app("sub"),
        also=[
            flow("sub", Destination(slot="destination", internal="other")),
            flow("other", app("last", arguments={"from": "${app}"})),
            flow("last", Hangup(slot="hangup")),
        ],
    )
    assert (called.record.variables["from"], called.record.variables["app"]) == ("other", "last")


@pytest.mark.parametrize(
    ("on", "outcome", "reason"),
    [
        ({}, "no_input", "tested/app[1] ended by no_input, which leads nowhere (sub/ivr[1] ended so)"),
        ({"no_input": "hangup"}, "completed", ""),
        ({"no_input": "return:done"}, "completed", ""),
        ({"no_input": "return:vip"}, "vip", "tested/app[1] returned vip, and no app called tested"),
    ],
)
async def test_an_exit_that_leads_nowhere_is_passed_on(
    place: Place, on: dict[str, str], outcome: str, reason: str
) -> None:
    called = await place.call(app("sub", on=on), also=[flow("sub", ask())])
    assert (called.record.outcome, called.record.reason) == (outcome, reason)


async def test_the_reason_does_not_name_a_slot_that_ended_otherwise(place: Place) -> None:
    called = await place.call(app("sub"), also=[flow("sub", ask(on={"no_input": "return:vip"}))])
    assert called.record.reason == "tested/app[1] ended by vip, which leads nowhere"


async def test_a_caller_who_is_not_answered_gets_the_code_of_the_slot_that_failed_in_the_called_app(
    place: Place,
) -> None:
    dials = Destination.model_validate({"slot": "destination", "external": "1"})
    called = await place.call(app("sub"), also=[flow("sub", dials)])
    assert (called.record.outcome, called.sip_code) == ("refused", 403)


async def test_an_app_that_another_goes_on_in_returns_to_the_slot_that_called_the_first(place: Place) -> None:
    called = await place.call(
        stores(x="1"),
        app("sub", results={"got": "made"}),
        also=[
            flow("sub", stores(made="2"), Destination(slot="destination", internal="other")),
            flow("other", Audio(slot="audio", file="IVR/bye")),
        ],
    )
    assert (called.record.outcome, called.record.variables["got"], called.record.variables["app"]) == (
        "completed",
        "2",
        "tested",
    )


async def test_a_fault_names_the_stack(place: Place) -> None:
    called = await place.call(
        app("sub", id="one"), also=[flow("sub", app("deep")), flow("deep", Breaks(slot="breaks"))]
    )
    assert called.record.outcome == "error"
    assert called.record.reason == "RuntimeError: a bug (in tested/one > sub/app[1] > deep/breaks[1])"
    alone = await place.call(Breaks(slot="breaks"))
    assert alone.record.reason == "RuntimeError: a bug"


async def test_an_app_that_is_gone_is_a_fault_in_the_slot_that_calls_it(place: Place) -> None:
    called = await place.call(app("sub"), also=[flow("sub", app("gone"))])
    assert called.record.reason == "FlowFault: the app gone is gone (in tested/app[1] > sub/app[1])"


async def test_apps_call_each_other_only_so_deep(place: Place) -> None:
    called = await place.call(app("tested"))
    assert called.record.outcome == "error"
    stack = " > ".join(["tested/app[1]"] * MAX_FRAMES)
    assert called.record.reason == f"FlowFault: apps call each other more than {MAX_FRAMES} deep (in {stack})"
    assert [visit.depth for visit in called.record.visits] == list(range(MAX_FRAMES))


async def test_apps_that_return_and_are_called_again_are_ended_after_so_many_slots(place: Place) -> None:
    again = app("sub", id="again", on={"done": "again"})
    called = await place.call(again, also=[flow("sub", stores(x="1"))])
    assert called.record.reason == f"FlowFault: the call went through {MAX_SLOTS_IN_A_CALL} slots"
    assert len(called.record.visits) == MAX_SLOTS_IN_A_CALL


async def test_a_caller_who_hangs_up_in_a_called_app_leaves_every_slot_open(place: Place) -> None:
    called = await place.call(app("sub"), also=[flow("sub", ask())], steps=[Hears("IVR/ask", 100), HangsUp()])
    assert called.record.outcome == "abandoned"
    assert [visit.exit for visit in called.record.visits] == [None, None]


def nested(depth: int) -> JsonValue:
    value: JsonValue = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("x" * MAX_VALUE_BYTES, ""),
        ("x" * (MAX_VALUE_BYTES + 1), f"{MAX_VALUE_BYTES + 1} bytes, and a value has at most 16384"),
        ("é" * (MAX_VALUE_BYTES // 2 + 1), f"{MAX_VALUE_BYTES + 2} bytes"),
        (["x" * MAX_VALUE_BYTES], f"{MAX_VALUE_BYTES + 4} bytes"),
        (float("nan"), "its value is not JSON"),
        (nested(16), ""),
        (nested(17), "more than 16 deep"),
    ],
)
async def test_a_value_that_is_too_large_ends_the_call_and_names_the_variable(
    place: Place, value: JsonValue, reason: str
) -> None:
    called = await place.call(stores(big=value))
    if not reason:
        assert (called.record.outcome, called.record.variables["big"]) == ("completed", value)
        return
    assert called.record.outcome == "error"
    assert called.record.reason.startswith("UnusableValue: `big` cannot be set")
    assert reason in called.record.reason
    assert "big" not in called.record.variables


async def test_all_variables_together_have_a_bound_in_which_a_value_stored_again_counts_once(
    place: Place,
) -> None:
    whole = "x" * MAX_VALUE_BYTES
    names = [f"v{number}" for number in range(MAX_CALL_BYTES // MAX_VALUE_BYTES)]
    fits = dict.fromkeys(names, whole)
    called = await place.call(stores(**fits), stores(**fits))
    assert called.record.outcome == "completed"
    called = await place.call(stores(**fits), stores(one="x"))
    assert f"{MAX_CALL_BYTES + 1} bytes, and a call" in called.record.reason
    # Those of an app that called this one count, those of an app that has returned do not.
    half = dict.fromkeys(names[:5], whole)
    called = await place.call(stores(**half), app("sub"), also=[flow("sub", stores(**half))])
    assert called.record.outcome == "error"
    called = await place.call(app("sub"), stores(**half), also=[flow("sub", stores(**half))])
    assert called.record.outcome == "completed"


async def test_a_text_that_becomes_too_long_for_asterisk_is_a_fault_and_is_not_cut(place: Place) -> None:
    dials = Destination.model_validate({"slot": "destination", "external": "${x}"})
    called = await place.call(stores(x="1" * 1025), dials)
    assert called.record.legs == ()
    assert called.record.reason.startswith("TextError: `${x}` becomes 1025 characters, and 1024 are the most")


@pytest.mark.parametrize(("value", "length"), [("a" * 512, 0), ("a" * 513, 513), ("é" * 86, 516)])
async def test_a_header_that_becomes_too_long_is_a_fault_and_is_not_cut(
    place: Place, value: str, length: int
) -> None:
    fields = {"slot": "destination", "external": "441234567890", "headers": {"X-A": "${x}"}}
    called = await place.call(stores(x=value), Destination.model_validate(fields))
    if length:
        why = f"TextError: the header X-A becomes {length} characters, and 512 are the most"
        assert (called.record.reason, called.record.legs) == (why, ())
    else:
        assert [leg.headers["X-A"] for leg in called.record.legs] == [value]


async def test_what_is_not_there_in_a_value_ends_the_call_unless_there_is_a_default(place: Place) -> None:
    order = stores(order={"items": []})
    dial = {"slot": "destination", "external": "${order.items.0}"}
    called = await place.call(order, Destination.model_validate(dial))
    assert called.record.reason.startswith(
        "TextError: `${order.items.0}` cannot be filled in: `order.items.0` is not set"
    )
    called = await place.call(
        order, Destination.model_validate(dial | {"external": "${order.items.0|441234567890}"})
    )
    assert [leg.dialled for leg in called.record.legs] == ["441234567890"]
