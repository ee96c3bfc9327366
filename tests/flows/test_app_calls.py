"""Apps that call each other: what the static check finds across frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import pytest

from ringflow.calls.call import Call
from ringflow.flows.check import check_flows
from ringflow.flows.draft import Draft
from ringflow.flows.flow import End, Return
from ringflow.flows.graph import Graph
from ringflow.flows.load import draft_from_bytes
from ringflow.flows.registry import slot_types
from ringflow.flows.slot import Slot
from ringflow.flows.surroundings import Surroundings

ASK = "  - {slot: ivr, id: ask, file: F, result: number, on: {done: 'return:done'}}\n"
PLAY = "  - {slot: audio, file: F}\n"
DIAL = "  - {slot: destination, external: '${number}', on: {done: hangup}}\n"
EXITS = ("done", "no_input", "invalid")
HANG_UP = "  - {slot: hangup}\n"


class Chooses(Slot):
    """Has a main exit that is not `done`."""

    fixed_exits: ClassVar[tuple[str, ...]] = ("yes", "no")

    async def run(self, call: Call) -> str:
        return "yes"


TYPES: Mapping[str, type[Slot]] = {**slot_types(), "chooses": Chooses}


def flow(app: str, *slots: str) -> Draft:
    return draft_from_bytes(f"app: {app}\nslots:\n{''.join(slots)}".encode(), TYPES, f"{app}.yaml")


def call(app: str, rest: str = "") -> str:
    return f"  - {{slot: app, call: {app}{rest}}}\n"


def problems(*drafts: Draft, entries: frozenset[str] = frozenset(), other_apps: bool = False) -> list[str]:
    found = check_flows(drafts, Surroundings(entries=entries, other_apps=other_apps))
    return [str(problem) for problem in found]


def whats(*drafts: Draft) -> list[str]:
    return [one.partition(" (")[0] for one in problems(*drafts)]


def test_an_app_that_returns_what_the_caller_needs_has_no_problems() -> None:
    ways = ", results: [number], on: {no_input: hangup, invalid: hangup}"
    assert problems(flow("main", call("ask", ways), DIAL), flow("ask", ASK)) == []


def test_the_targets_of_a_flow_are_what_the_walk_goes_by() -> None:
    ask = flow("ask", ASK, PLAY).flow
    assert ask is not None
    assert [ask.step(0, name) for name in ("done", "no_input")] == [Return("done"), End.UNMAPPED]
    assert ask.step(1, "done") is End.FINISHED


def test_a_result_is_set_only_by_the_exits_on_all_ways_to_which_the_other_app_sets_it() -> None:
    ask = ASK.replace("'return:done'", "'return:done', invalid: 'return:done', no_input: 'return:silent'")
    ways = ", results: [number], on: {silent: hangup}"
    assert whats(flow("main", call("ask", ways), DIAL), flow("ask", ask)) == [
        "main.yaml:4:35: `${number}` may be unset: nothing sets it on the way app[1] -> destination[2]"
    ]
    ways = ", results: [number], on: {silent: next}"
    ask = ASK.replace("'return:done'", "'return:done', no_input: 'return:silent'")
    assert whats(flow("main", call("ask", ways), DIAL), flow("ask", ask)) == [
        "main.yaml:4:35: `${number}` may be unset: app[1] ends by `silent`, and only `done` sets it"
    ]


def test_a_result_has_its_name_here_and_not_the_one_there() -> None:
    assert whats(flow("main", call("ask", ", results: {to: number}"), DIAL), flow("ask", ASK))[0] == (
        "main.yaml:4:35: `${number}` may be unset: nothing sets it on the way app[1] -> destination[2]"
    )
    dial = DIAL.replace("${number}", "${to}")
    assert problems(flow("main", call("ask", ", results: {to: number}"), dial), flow("ask", ASK)) == []


def test_variables_of_the_caller_are_not_seen_unless_they_are_arguments() -> None:
    ask = ASK.replace(", on: {done: 'return:done'}", "")
    assert problems(flow("main", ask, call("pay")), flow("pay", DIAL)) == [
        (
            "pay.yaml:3:35: `${number}` may be unset: app:main/app[2] calls pay without it among the "
            "`arguments` (write ${number|default}, or set it first)"
        )
    ]
    given = call("pay", ", arguments: {number: '${number}'}")
    assert problems(flow("main", ask, given), flow("pay", DIAL)) == []
    # Another slot calls it without, and a call begins in it.
    assert len(problems(flow("main", ask, given, call("pay")), flow("pay", DIAL))) == 1
    assert whats(flow("main", ask, given), flow("pay", DIAL)) == []
    begun = problems(flow("main", ask, call("pay")), flow("pay", DIAL), entries=frozenset({"pay"}))
    assert "may be unset: nothing sets it before this slot (" in begun[0]
    assert len(problems(flow("main", ask, given), flow("pay", DIAL), entries=frozenset({"pay"}))) == 1


def test_a_variable_of_the_called_app_is_not_one_of_the_caller() -> None:
    assert whats(flow("main", call("ask"), DIAL), flow("ask", ASK)) == [
        "main.yaml:4:35: `${number}` may be unset: nothing sets it on the way app[1] -> destination[2]"
    ]


def test_an_argument_is_filled_in_from_what_is_set_here() -> None:
    order = call("pay", ", arguments: {order: {items: [{to: 'x ${numbr}'}]}}")
    assert whats(flow("main", order, DIAL.replace("number", "did")), flow("pay", PLAY)) == [
        "main.yaml:3:61: unknown variable `numbr`"
    ]


def test_a_part_of_a_value_is_set_where_the_variable_is() -> None:
    uses = "  - {slot: destination, external: '${order.items.0.number}', on: {done: hangup}}\n"
    order = ", arguments: {order: {items: [{number: 44123}]}}"
    assert problems(flow("main", call("pay", order)), flow("pay", uses)) == []
    assert whats(flow("main", call("pay")), flow("pay", uses)) == ["pay.yaml:3:35: unknown variable `order`"]
    wrong = uses.replace("order.items", "customer.items")
    assert whats(flow("main", call("pay", order)), flow("pay", wrong)) == [
        "pay.yaml:3:35: unknown variable `customer.items.0.number`"
    ]


def test_an_exit_that_the_other_app_never_returns_by_is_told_with_those_that_it_does() -> None:
    assert problems(flow("main", call("ask", ", on: {slient: next}"), PLAY), flow("ask", ASK)) == [
        "main.yaml:3:33: the app `ask` does not return by `slient` (it returns by: done, invalid, no_input)"
    ]
    assert problems(flow("main", call("end", ", on: {done: next}"), PLAY), flow("end", HANG_UP)) == [
        "main.yaml:3:33: the app `end` does not return by `done` (it returns by: nothing)",
        "main.yaml:4:5: audio[2] cannot be reached (lead an exit to it, or remove it)",
    ]


def test_what_follows_an_app_that_never_returns_cannot_be_reached() -> None:
    assert whats(flow("main", call("end"), PLAY), flow("end", PLAY, HANG_UP)) == [
        "main.yaml:4:5: audio[2] cannot be reached"
    ]
    assert whats(flow("main", call("end"), PLAY), flow("end", PLAY)) == []


def test_what_a_broken_app_returns_is_not_guessed() -> None:
    broken = flow("ask", "  - {slot: ivr, file: F}\n")
    ways = ", results: [number], on: {whatever: bye}"
    bye = "  - {slot: hangup, id: bye}\n"
    assert whats(flow("main", call("ask", ways), DIAL, bye), broken) == ["ask.yaml:3:5: `result` is missing"]


def test_an_app_that_leads_to_a_broken_one_is_not_guessed_either() -> None:
    broken = flow("last", "  - {slot: ivr, file: F}\n")
    middle = flow("middle", call("last"))
    ways = ", results: [number], on: {whatever: hangup}"
    assert whats(flow("main", call("middle", ways), DIAL), middle, broken) == [
        "last.yaml:3:5: `result` is missing"
    ]


@pytest.mark.parametrize(
    ("last", "told"),
    [
        ("  - {slot: audio, file: F, on: {done: nowhere}}\n", "no slot here has the id `nowhere`"),
        ("  - {slot: audio, file: F, on: {done: 'app:gone'}}\n", "there is no app `gone`"),
        ("  - {slot: destination, internal: gone}\n", "there is no app `gone`"),
        ("  - {slot: app, call: gone}\n", "there is no app `gone`"),
    ],
)
def test_what_an_app_returns_that_leads_to_what_is_not_there_is_not_guessed(last: str, told: str) -> None:
    ways = ", results: [number], on: {whatever: hangup}"
    found = whats(flow("main", call("sub", ways), DIAL), flow("sub", last))
    assert [one.partition(": ")[2] for one in found] == [told]


def test_an_app_returns_by_done_whatever_the_main_exit_of_its_last_slot() -> None:
    main = flow("main", call("sub"), PLAY)
    assert problems(main, flow("sub", "  - {slot: chooses}\n")) == []
    graph = Graph({"main": main, "sub": flow("sub", "  - {slot: chooses}\n")})
    assert graph.returns("sub") == frozenset({"done", "no"})


def test_an_app_that_is_not_there_is_told_and_not_followed() -> None:
    assert problems(flow("main", call("asc", ", on: {x: next}"), PLAY), flow("ask", ASK)) == [
        "main.yaml:3:23: there is no app `asc` (did you mean `ask`?)"
    ]
    assert problems(flow("main", call("asc", ", results: [number]"), DIAL), other_apps=True) == []
    assert whats(flow("main", "  - {slot: app}\n")) == ["main.yaml:3:5: `call` is missing"]


def test_an_app_that_is_only_called_is_not_where_calls_begin() -> None:
    given = call("pay", ", arguments: {number: '44'}")
    assert problems(flow("zmain", given), flow("pay", DIAL)) == []


def test_a_loop_over_an_app_that_always_returns_can_never_end() -> None:
    again = "  - {slot: app, id: again, call: sub, on: {done: again}}\n"
    assert problems(flow("main", again), flow("sub", PLAY)) == [
        "main.yaml:3:5: this loop can never end: again -> again (lead one of its exits out of it)"
    ]
    # Where the other app can end the call, or return otherwise, it can end.
    asks = "  - {slot: ivr, file: F, result: n, on: {no_input: hangup, invalid: 'return:done'}}\n"
    assert problems(flow("main", again), flow("sub", asks)) == []
    leaves = "  - {slot: ivr, file: F, result: n, on: {no_input: 'return:done', invalid: 'return:out'}}\n"
    assert problems(flow("main", again), flow("sub", leaves)) == []


def test_apps_that_only_call_each_other_are_a_loop() -> None:
    assert problems(flow("a", PLAY, call("b")), flow("b", call("a"), PLAY)) == [
        (
            "a.yaml:3:5: this loop can never end: audio[1] -> app[2] -> app:b/app[1] -> audio[1] "
            "(lead one of its exits out of it)"
        ),
        "b.yaml:4:5: audio[2] cannot be reached (lead an exit to it, or remove it)",
    ]


def test_an_app_may_call_itself_where_it_can_return() -> None:
    asks = "  - {slot: ivr, file: F, result: n, on: {no_input: 'return:done', invalid: 'return:done'}}\n"
    assert problems(flow("a", asks, call("a"), PLAY)) == []
    assert whats(flow("a", call("a"), PLAY))[0] == "a.yaml:3:5: this loop can never end: app[1] -> app[1]"


def test_a_loop_inside_an_app_that_is_called_is_told_once() -> None:
    turn = "  - {slot: audio, id: turn, file: F, on: {done: turn}}\n"
    assert whats(flow("main", call("sub")), flow("sub", turn)) == [
        "sub.yaml:3:5: this loop can never end: turn -> turn"
    ]


def test_exits_are_passed_on_through_apps_that_do_not_map_them() -> None:
    middle = flow("middle", call("ask"))
    ways = ", on: {no_input: bye, invalid: bye}"
    bye = "  - {slot: hangup, id: bye}\n"
    assert problems(flow("main", call("middle", ways), PLAY, bye), middle, flow("ask", ASK)) == []
    graph = Graph({"main": flow("main", call("middle")), "middle": middle, "ask": flow("ask", ASK)})
    assert graph.returns("ask") == graph.returns("middle") == frozenset(EXITS)
    assert graph.body("middle") == {("middle", 0)}


def test_an_app_returns_by_the_exits_of_the_apps_that_it_goes_on_in() -> None:
    first = flow("first", "  - {slot: destination, internal: second}\n")
    second = flow("second", "  - {slot: audio, file: F, on: {done: 'return:far'}}\n")
    assert problems(flow("main", call("first", ", on: {far: next}"), PLAY), first, second) == []


def test_names_that_every_call_has_can_be_no_arguments_and_no_results() -> None:
    wrong = call("sub", ", arguments: {did: '1'}, results: {cli: x}")
    assert [one.partition(": ")[2] for one in whats(flow("main", wrong), flow("sub", PLAY))] == [
        "`cli` cannot be set: it is given to every call",
        "`did` cannot be set: it is given to every call",
    ]


@pytest.mark.parametrize(
    ("field", "problem"),
    [
        ("call: 'app:sub'", "`call`: `app:sub` is written without `app:` here"),
        ("call: sub, arguments: {a: '${'}", "`a`: `${` is not closed"),
        ("call: sub, arguments: {Big: 1}", "`arguments` cannot be `Big`"),
        ("call: sub, results: {a: A}", "`a` cannot be `A`"),
        ("call: sub, arguments: [a]", "`arguments` must be a mapping, not a list"),
        ("call: sub, on: {done: 'return:'}", "`done` cannot be `return:`"),
    ],
)
def test_a_wrong_field_is_told(field: str, problem: str) -> None:
    found = whats(flow("main", f"  - {{slot: app, {field}}}\n"), flow("sub", PLAY))
    assert [one.split(": ", 1)[1] for one in found] == [problem]


def test_many_apps_that_call_each_other_are_checked_in_time_that_grows_with_them() -> None:
    chain = [flow(f"app{n:03}", PLAY, call(f"app{n + 1:03}"), PLAY) for n in range(150)]
    drafts = [*chain, flow("app150", ASK)]
    assert problems(*drafts) == []
    graph = Graph({draft.app or "": draft for draft in drafts})
    assert graph.returns("app001") == frozenset(EXITS)


def test_an_unknown_variable_is_told_with_those_of_its_app_and_of_apps_that_lead_to_it() -> None:
    (problem,) = problems(
        flow("main", ASK.replace("number", "mine").replace("return:done", "app:pay")),
        flow("pay", DIAL.replace("${number}", "${xyzzy}")),
        flow("other", ASK.replace("number", "theirs").replace(", on: {done: 'return:done'}", "")),
        entries=frozenset({"main", "other"}),
    )
    assert "unknown variable `xyzzy` (known: " in problem
    assert ("mine" in problem, "theirs" in problem) == (True, False)
