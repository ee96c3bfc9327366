"""What only shows when flows are looked at together: jumps, loops and variables across apps."""

from __future__ import annotations

import sys
from textwrap import dedent
from typing import ClassVar

from ringflow.calls.call import Call
from ringflow.flows.check import check_flows
from ringflow.flows.draft import Draft
from ringflow.flows.load import draft_from_bytes
from ringflow.flows.registry import slot_types
from ringflow.flows.slot import Jump, Slot, SlotResult
from ringflow.flows.surroundings import Surroundings
from ringflow.speaking import prompts_needed

ASK = "  - {slot: ivr, file: IVR/ivr-please, result: number}\n"
PLAY = "  - {slot: audio, file: MISC/error}\n"
DIAL = "  - {slot: destination, external: '${number}'}\n"


class Goto(Slot):
    """Always goes on in another app."""

    fixed_exits: ClassVar[tuple[str, ...]] = ("done", "busy")
    app: str

    def jumps(self) -> frozenset[str]:
        return frozenset({self.app})

    @property
    def exits(self) -> tuple[str, ...]:
        return ()

    async def run(self, call: Call) -> SlotResult:
        return Jump(self.app)


def flow(app: str, *slots: str, path: str = "") -> Draft:
    text = f"app: {app}\nslots:\n" + "".join(slots)
    return draft_from_bytes(text.encode(), {**slot_types(), "goto": Goto}, path or f"{app}.yaml")


def to(app: str) -> str:
    return f"  - {{slot: destination, internal: {app}}}\n"


def problems(*drafts: Draft, entries: frozenset[str] = frozenset()) -> list[str]:
    return [str(problem) for problem in check_flows(drafts, Surroundings(entries=entries))]


def test_flows_without_mistakes_have_no_problems() -> None:
    assert problems(flow("card", ASK, to("pay")), flow("pay", DIAL)) == []


def test_what_remains_of_a_wrong_slot_is_checked_too() -> None:
    wrong = """\
  - slot: ivr
    file: IVR/x
    regex: "[0-9"
    min: 5
    max: 3
    transfer: 1
    result: number
    on: {done: nowhere, transferred: next, invalid: "a b"}
  - {slot: destination, external: [1], headers: {Via X: a}}
  - {slot: audio}
"""
    assert [line.partition(" (")[0] for line in problems(flow("a", wrong))] == [
        "a.yaml:5:12: `regex`: not a regular expression of RE2: missing ] in `[0-9`",
        "a.yaml:6:10: min 5 is more than max 3",
        "a.yaml:8:5: unknown key `transfer`",
        "a.yaml:10:16: no slot here has the id `nowhere`",
        "a.yaml:10:53: `invalid` cannot be `a b`",
        "a.yaml:11:25: `external`: must be text",
        "a.yaml:11:40: `Via X` cannot name a header",
        "a.yaml:12:5: `file` is missing",
    ]


def test_a_required_field_that_is_wrong_or_missing_does_not_hide_the_rest_of_its_slot() -> None:
    first = """\
  - slot: ivr
    min: 5
    max: 3
    result: number
    transfer_on_failure: ${nubmer}
    on: {invalid: nowhere}
"""
    others = """\
  - {min: 9, slot: ivr, file: a b, max: 8, result: Number, on: {invalid: next}}
  - {slot: audio, file: [a/b, c d], on: {don: next}}
  - {slot: destination, external: "${number}", headers: {X: "${did}"}}
"""
    assert [line.partition(" (")[0] for line in problems(flow("a", first, others))] == [
        "a.yaml:3:5: `file` is missing",
        "a.yaml:4:10: min 5 is more than max 3",
        "a.yaml:7:26: `${nubmer}` may be unset: nothing sets it before this slot",
        "a.yaml:8:19: no slot here has the id `nowhere`",
        "a.yaml:9:11: min 9 is more than max 8",
        "a.yaml:9:31: `file` cannot be `a b`",
        "a.yaml:9:52: `result` cannot be `Number`",
        "a.yaml:10:31: `file` cannot be `c d`",
        "a.yaml:10:42: audio has no exit `don`",
    ]


def test_where_a_slot_does_not_say_what_it_sets_only_the_ways_are_told_on_which_it_sets_nothing() -> None:
    ask = "  - {slot: ivr, file: a/b, on: {busy: next, %s: next}}\n"
    assert [line.partition(" (")[0] for line in problems(flow("a", ask % "done", DIAL))] == [
        "a.yaml:3:5: `result` is missing",
        "a.yaml:3:33: ivr has no exit `busy`",
    ]
    assert [line.partition(" (")[0] for line in problems(flow("a", ask % "invalid", DIAL))] == [
        "a.yaml:3:5: `result` is missing",
        "a.yaml:3:33: ivr has no exit `busy`",
        "a.yaml:4:35: `${number}` may be unset: nothing sets it on the way ivr[1] -> destination[2]",
    ]


def test_a_key_given_twice_does_not_hide_what_else_is_wrong_with_the_file() -> None:
    twice = flow("a", "  - {slot: audio, file: a/b, file: b/c}\n  - {slot: ivr, file: a/b, min: 2, max: 1}\n")
    assert [line.partition(" (")[0] for line in problems(twice)] == [
        "a.yaml:3:30: the key `file` stands here a second time",
        "a.yaml:4:5: `result` is missing",
        "a.yaml:4:33: min 2 is more than max 1",
    ]
    assert twice.flow is None


def test_variables_are_followed_through_what_remains_of_wrong_slots() -> None:
    ask = "  - {slot: ivr, file: a/b, result: number, colour: red, on: {invalid: next}}\n"
    dial = "  - {slot: destination, external: '${number}', timeout: 0, on: {busy: 'app:b'}}\n"
    lost = "  - {slot: destination, external: '${nubmer}', on: {done: nowhere}}\n"
    assert [line.partition(" (")[0] for line in problems(flow("a", ask, dial), flow("b", lost, lost))] == [
        "a.yaml:3:44: unknown key `colour`",
        "a.yaml:4:35: `${number}` may be unset: ivr[1] ends by `invalid`, and only `done` sets it",
        "a.yaml:4:57: `timeout` must be at least 1, not `0`",
        "b.yaml:3:35: unknown variable `nubmer`",
        "b.yaml:3:59: no slot here has the id `nowhere`",
        "b.yaml:4:35: unknown variable `nubmer`",
        "b.yaml:4:59: no slot here has the id `nowhere`",
    ]


def test_a_problem_has_no_control_characters_whatever_the_file_says() -> None:
    wrong = '  - {slot: audio, id: "\\e[2J", file: a/b, on: {done: nowhere}}\n'
    assert [line.partition(": ")[2] for line in problems(flow("a", wrong))] == [
        "`id` cannot be `?[2J` (use letters, digits, - and _, beginning with a letter or digit)",
        "no slot here has the id `nowhere` (ids here: ?[2J)",
    ]


def test_a_sip_uri_leads_to_a_host_that_may_be_dialled() -> None:
    uris = (
        "sip:a@PBX.example.com",
        "sip:a@pbx.example.com:5070",
        "sip:${did}@${did}",
        "sip:${did}@elsewhere",
    )
    drafts = [flow("a", *(f"  - {{slot: destination, uri: '{uri}'}}\n" for uri in uris))]
    allowed = Surroundings(uri_hosts=frozenset({"pbx.example.com"}))
    assert [str(problem) for problem in check_flows(drafts, allowed)] == [
        "a.yaml:6:30: the host `elsewhere` may not be dialled (list it in config.yaml: uri_hosts)"
    ]
    assert problems(*drafts) == []


def test_two_apps_of_one_name_are_told_at_both_files() -> None:
    assert problems(flow("x", PLAY, path="a.yaml"), flow("x", PLAY, path="b.yaml")) == [
        "a.yaml:1:6: the app `x` is also in b.yaml (rename one of them)",
        "b.yaml:1:6: the app `x` is also in a.yaml (rename one of them)",
    ]


def test_a_jump_to_an_app_with_a_near_name_suggests_it() -> None:
    assert problems(flow("main", to("operater")), flow("operator", PLAY)) == [
        "main.yaml:3:35: there is no app `operater` (did you mean `operator`?)"
    ]


def test_a_jump_to_an_app_whose_own_file_is_broken_is_not_a_second_problem() -> None:
    found = problems(flow("main", to("pay")), flow("pay", "  - {slot: audio}\n"))
    assert found == ["pay.yaml:3:5: `file` is missing (add `file:`)"]


def test_apps_that_lead_only_to_each_other_are_a_loop_across_files() -> None:
    ping = "  - {slot: audio, id: ping, file: MISC/error, on: {done: 'app:b'}}\n"
    pong = "  - {slot: audio, id: pong, file: MISC/error, on: {done: 'app:a'}}\n"
    assert problems(flow("a", ping), flow("b", pong)) == [
        "a.yaml:3:5: this loop can never end: ping -> app:b/pong -> ping (lead one of its exits out of it)"
    ]


def test_a_slot_that_leads_to_itself_is_a_loop() -> None:
    assert problems(flow("a", "  - {slot: audio, id: a, file: MISC/error, on: {done: a}}\n")) == [
        "a.yaml:3:5: this loop can never end: a -> a (lead one of its exits out of it)"
    ]


def test_what_leads_into_an_endless_loop_is_not_itself_one() -> None:
    again = "  - {slot: audio, id: b, file: MISC/error, on: {done: b}}\n"
    assert [one.split(":")[1] for one in problems(flow("a", PLAY, again))] == ["4"]


def test_two_loops_in_one_trap_are_one_problem() -> None:
    menu = "  - {slot: audio, id: m, file: MISC/error}\n"
    ask = "  - {slot: ivr, file: F, result: n, on: {done: m, no_input: m, invalid: q}}\n"
    other = "  - {slot: audio, id: q, file: MISC/error, on: {done: m}}\n"
    assert problems(flow("a", menu, ask, other)) == [
        "a.yaml:3:5: this loop can never end: m -> ivr[2] -> m (lead one of its exits out of it)"
    ]


def test_a_loop_that_an_exit_leaves_may_go_on_as_long_as_the_caller_likes() -> None:
    menu = "  - {slot: ivr, id: m, file: F, result: n, on: {no_input: m, invalid: m}}\n"
    assert problems(flow("a", menu, PLAY)) == []


def test_an_app_that_only_goes_on_in_itself_is_a_loop() -> None:
    assert problems(flow("a", "  - {slot: goto, app: a}\n")) == [
        "a.yaml:3:5: this loop can never end: goto[1] -> goto[1] (lead one of its exits out of it)"
    ]


def test_what_follows_a_slot_that_never_ends_by_an_exit_cannot_be_reached() -> None:
    goto = "  - {slot: goto, app: b, on: {busy: sorry}}\n"
    assert problems(flow("a", goto, PLAY.replace("audio,", "audio, id: sorry,")), flow("b", PLAY)) == [
        "a.yaml:3:31: with these fields, goto does not end by `busy` (remove it)",
        "a.yaml:4:5: sorry cannot be reached (lead an exit to it, or remove it)",
    ]


def test_a_variable_set_before_a_jump_is_set_after_it() -> None:
    assert problems(flow("card", ASK, to("pay")), flow("pay", PLAY, DIAL)) == []


def test_a_variable_that_one_of_two_callers_of_an_app_does_not_set_may_be_unset() -> None:
    found = problems(flow("card", ASK, to("pay")), flow("desk", PLAY, to("pay")), flow("pay", DIAL))
    assert found == [
        (
            "pay.yaml:3:35: `${number}` may be unset: nothing sets it on the way app:desk/audio[1] -> "
            "app:desk/destination[2] -> destination[1] (write ${number|default}, or set it first)"
        )
    ]


def test_the_exit_that_leads_into_another_app_without_the_variable_is_named() -> None:
    ask = "  - {slot: ivr, id: ask, file: F, result: number, on: {done: 'app:pay', invalid: 'app:pay'}}\n"
    assert problems(flow("card", ask), flow("pay", DIAL)) == [
        (
            "pay.yaml:3:35: `${number}` may be unset: app:card/ask ends by `invalid`, "
            "and only `done` sets it (write ${number|default}, or set it first)"
        )
    ]


def test_an_app_that_a_did_leads_to_begins_without_what_other_apps_set() -> None:
    drafts = flow("card", ASK, to("pay")), flow("pay", DIAL)
    assert problems(*drafts, entries=frozenset({"pay"})) == [
        (
            "pay.yaml:3:35: `${number}` may be unset: nothing sets it before this slot "
            "(write ${number|default}, or set it first)"
        )
    ]


def test_a_variable_set_on_both_ways_round_is_set() -> None:
    first = "  - {slot: ivr, file: F, result: n, on: {invalid: two, no_input: two}}\n"
    one = "  - {slot: ivr, id: one, file: F, result: number, on: {done: dial}}\n"
    two = "  - {slot: ivr, id: two, file: F, result: number}\n"
    dial = "  - {slot: destination, id: dial, external: '${number}'}\n"
    assert problems(flow("a", first, one, two, dial)) == []


def test_a_variable_is_not_set_for_the_slot_that_sets_it_the_first_time_round() -> None:
    again = (
        "  - {slot: ivr, id: m, file: F, result: number, transfer_on_failure: '${number}', on: {done: m}}\n"
    )
    found = problems(flow("a", again))
    assert [one.partition(" (")[0] for one in found] == [
        "a.yaml:3:70: `${number}` may be unset: nothing sets it before this slot"
    ]


def test_a_default_makes_every_variable_usable() -> None:
    assert problems(flow("a", "  - {slot: destination, external: '${cli|1}${number|2}'}\n")) == []


def test_a_jump_from_a_flow_with_other_mistakes_still_counts_as_a_way_in() -> None:
    card = flow("card", ASK, "  - {slot: audio}\n", "  - {slot: destination, internal: pay, timeout: x}\n")
    found = problems(card, flow("pay", DIAL))
    assert {one.partition(":")[0] for one in found} == {"card.yaml"}


def test_what_cannot_be_reached_is_not_guessed_where_a_target_is_misspelt() -> None:
    stop = "  - {slot: hangup}\n"
    sorry = "  - {slot: audio, id: sorry, file: F}\n"
    ask = "  - {slot: ivr, file: F, result: n, on: {invalid: sory}}\n"
    assert problems(flow("a", ask, stop, sorry)) == [
        "a.yaml:3:51: no slot here has the id `sory` (did you mean `sorry`?)"
    ]


def long_flows(count: int) -> list[str]:
    """Flows of 20 slots, each of which leads to the next flow."""
    ask = "  - {{slot: ivr, id: s{0}, file: F, result: n{0}, on: {{invalid: s{1}, no_input: hangup}}}}\n"
    return [
        f"app: app{number}\nslots:\n"
        + "".join(ask.format(index, min(index + 1, 18)) for index in range(19))
        + f"  - {{slot: destination, internal: app{(number + 1) % count}, headers: {{X-N: '${{did}}'}}}}\n"
        for number in range(count)
    ]


def calls_to_check(texts: list[str]) -> int:
    """How many calls of Python functions it takes to read and check flows that have no problem."""
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        drafts = [
            draft_from_bytes(text.encode(), slot_types(), f"{number}.yaml")
            for number, text in enumerate(texts)
        ]
        found = check_flows(drafts, Surroundings())
    finally:
        sys.setprofile(None)
    assert found == []
    return count


def test_eight_times_the_flows_take_about_eight_times_the_work_to_check() -> None:
    calls_to_check(long_flows(2))  # loads what is loaded once
    few, many = calls_to_check(long_flows(10)), calls_to_check(long_flows(80))
    assert 8 * 0.9 < many / few < 8 * 1.1


def test_a_long_way_is_shortened() -> None:
    found = problems(flow("a", *[PLAY] * 9, DIAL, ASK.replace("ivr,", "ivr, id: late,")))
    assert [dedent(one).partition(" on the way ")[2] for one in found] == [
        (
            "audio[1] -> audio[2] -> audio[3] -> audio[4] -> ... -> destination[10] "
            "(write ${number|default}, or set it first)"
        )
    ]


class Library:
    """A library that has everything but the words of these languages."""

    def __init__(self, *silent: str) -> None:
        self._silent = tuple(f"SAY/{language}/" for language in silent)

    def exists(self, name: str) -> bool:
        return not name.startswith(self._silent)

    def suggest(self, name: str) -> tuple[str, ...]:
        return ()


def test_a_language_whose_words_are_missing_is_told_once_with_the_command_that_makes_them() -> None:
    speaks = flow("card", "  - {slot: balance, language: es}\n")

    found = check_flows([speaks], Surroundings(prompts=Library("es")))

    words = len(prompts_needed("es", "balance"))
    mend = "ringflow sounds build --speaking es --missing"
    assert [str(problem) for problem in found] == [
        f"card.yaml:3:31: {words} of the words of `es` have no prompt ({mend})"
    ]
    assert check_flows([speaks], Surroundings(prompts=Library("fr"))) == []


def test_a_language_that_is_not_spoken_is_told_when_the_flow_is_loaded() -> None:
    assert problems(flow("card", "  - {slot: balance, language: xx}\n")) == [
        "card.yaml:3:31: `language`: numbers are not spoken in `xx` (write one of de, en, es, fr, ru)"
    ]


def test_ways_of_authentication_that_cannot_be_tried_are_told() -> None:
    assert problems(flow("card", "  - {slot: authenticate, by: [card, cli]}\n")) == [
        "card.yaml:3:26: `cli` asks for nothing, so it goes first (write `cli` first)"
    ]
