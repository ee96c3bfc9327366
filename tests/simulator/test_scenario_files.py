"""Scenario files: what is read, and every problem at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringflow.config import load_config
from ringflow.errors import DocumentError, Refused
from ringflow.simulator.caller import HangsUp, Hears, Keys, Waits
from ringflow.simulator.durations import parse_duration_ms, show_duration
from ringflow.simulator.scenario_files import find_scenario_files, read_scenarios
from ringflow.simulator.stage import given_config


def problems(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "x.test.yaml"
    path.write_text(text)
    with pytest.raises(DocumentError) as raised:
        read_scenarios(path)
    return [str(problem).removeprefix(f"{path}:") for problem in raised.value.problems]


def test_steps_and_times_are_read(tmp_path: Path) -> None:
    path = tmp_path / "card.test.yaml"
    path.write_text("""
- name: a
  caller:
    - {hears: IVR/ask, for: 500ms}
    - {keys: 44 12#, every: 80ms, tone: 40ms, after: 1.5s, pause: 3s}
    - {waits: 1m}
    - {hangs_up: true, after: 2s}
  callee: [{does: congestion}, {answers_after: 4s}]
  expect: {outcome: completed}
""")
    (case,) = read_scenarios(path)
    assert case.scenario.steps == (
        Hears("IVR/ask", 500), Keys("44 12#", 80, 40, 1500, 3000), Waits(60_000), HangsUp(2000),
    )  # fmt: skip
    assert [callee.after_ms for callee in case.scenario.callees] == [200, 4000]
    assert [callee.talk_ms for callee in case.scenario.callees] == [None, None]
    assert (case.app, case.line) == ("card", 2)


def test_a_file_may_bring_its_own_flows(tmp_path: Path) -> None:
    path = tmp_path / "ivr.yaml"
    path.write_text("""
flow: {app: main, slots: [{slot: destination, internal: other}]}
flows: {other: [{slot: hangup}]}
scenarios:
  - {name: a, expect: {}}
  - {name: b, flow: [{slot: hangup}], expect: {}}
""")
    a, b = read_scenarios(path)
    assert (a.app, sorted(a.flows)) == ("main", ["main", "other"])
    assert [slot.slot for slot in b.flows[b.app].slots] == ["hangup"]
    assert [slot.slot for slot in a.flows["main"].slots] == ["destination"]


PROBLEMS = {
    "flow: [{slot: ivr, file: a/b, min: 9, max: 3, result: did, on: {done: nowhere}}]\n"
    "scenarios: [{name: a, name: b, expect: {outcome: complete, foo: 1}}]": [
        "1:36: min 9 is more than max 3",
        "1:55: `did` cannot be set",
        "1:71: no slot here has the id `nowhere`",
        "2:23: the key `name` stands here a second time",
        "2:50: no call ends by `complete`",
        "2:60: unknown key `foo`",
    ],
    "flows: {b: [{slot: audio, file: a/b}]}\n"
    "scenarios: [{name: a, flow: [{slot: destination, internal: b, on: {done: 'app:c'}}], expect: {}}]": [
        "2:68: with these fields, destination does not end by `done`"
    ],
    "{}": ["1:1: `scenarios` is missing (add `scenarios:` with a list under it)"],
    "[]": ["1:1: there is no list of scenarios (begin each with `- name: ...`)"],
    "flow: [{slot: nosuch}]\nscenarios: [{name: a, expect: {}}]": ["1:15: unknown slot type `nosuch`"],
    "- {name: a, expect: {}}\n- {name: a, expect: {}}": [
        "2:10: a second scenario is called `a` (the first one stands on line 1)"
    ],
    "- name: a\n  expect: {outcome: complete}": [
        "2:21: no call ends by `complete` (did you mean `completed`?)"
    ],
    "- name: a\n  expect: {outcome: 7}": ["2:21: `outcome` must be text"],
    "- name: a\n  calle: {}\n  expect: {}": ["2:3: unknown key `calle` (did you mean `caller`?"],
    "- name: a\n  given: {credit: '5.00'}\n  expect: {}": ["2:11: unknown key `credit`"],
    "- name: a\n  caller: [{keys: 1x}]\n  expect: {}": ["2:19: `keys` cannot be `1x`"],
    "- name: a\n  caller: [{keys: '12', every: 50ms}]\n  expect: {}": [
        "2:12: `caller`: keys would overlap: `every` must be longer than `tone` (make `every` longer)"
    ],
    "- name: a\n  caller: [{hears: a, keys: '1'}]\n  expect: {}": [
        "2:12: `caller`: hears and keys stand in one step (write one of hears, keys, waits, speaks, hangs_up"
    ],
    '- name: a\n  call: {did: ""}\n  expect: {}': [
        "2:15: `did`: the number that is called is empty (give a DID)"
    ],
    '- name: a\n  call: {did: "1", from: "4\\n4"}\n  expect: {}': [
        "2:26: `from`: `4?4` is not a number (write one line of at most 256 characters)"
    ],
    "- name: a\n  caller: [{hear: a}]\n  expect: {}": ["2:13: unknown key `hear` (did you mean `hears`?"],
    "- name: a\n  caller: [{every: 1s}]\n  expect: {}": [
        "2:12: `caller`: this step does nothing (write one of"
    ],
    "app: card\ntitle: A card\nslots: [{slot: hangup}]": [
        "1:1: this is a flow, not a file of scenarios (its scenarios stand in x.test.yaml;"
    ],
    "- name: a\n  caller: [{hears: a, every: 1s}]\n  expect: {}": [
        "2:12: `caller`: `every` means nothing with `hears` (with it goes for)"
    ],
    "- name: a\n  caller: [{waits: 4}]\n  expect: {}": [
        "2:20: `waits`: `4` is not a length of time (write a number and a unit: 500ms, 4s, 1.5s, 2m, 1h)"
    ],
    "- name: a\n  callee: {does: busy, answers_after: 4s}\n  expect: {}": [
        "2:3: `callee`: a callee that `does: busy` does not answer (remove one of the two)"
    ],
    "- name: a\n  expect: {talked: 25h}": [
        "2:20: `talked`: `25h` is more than a day (a simulated call is shorter)"
    ],
    "- name: a\n  given: {rates: []}\n  top_up: {after: 3s, amount: '-1.00'}\n  expect: {}": [
        "3:31: `amount` cannot be `-1.00`"
    ],
    "- name: a\n  top_up: {after: 3s, amount: '1.00'}\n  expect: {}": [
        "1:3: without `rates` calls cost nothing, so nobody pays in (write `rates: [...]` under `given`)"
    ],
    "- name: a\n  given: {costs: {carrier: [{prefix: '44', price: '1'}]}}\n  expect: {}": [
        "2:3: `given`: without `rates` nothing is sold, so nothing is below cost (write `rates: [...]`)"
    ],
    "- name: a\n  given: {cards: [{id: '100000000007', pin: '1234'}]}\n  expect: {}": [
        "2:24: `id`: the last digit of `100000000007` does not check (write 100000000008)"
    ],
    "- name: a\n  given: {vouchers: [{code: '1000000000000001', value: '1'}]}\n  expect: {}": [
        "2:29: `code`: the last digit of `1000000000000001` does not check (write 1000000000000008)"
    ],
    "- name: a\n  given: {now: noon}\n  expect: {}": [
        "2:16: `now`: `noon` is not a moment (write 2026-01-31T22:30:00Z)"
    ],
}


@pytest.mark.parametrize("text", PROBLEMS)
def test_a_problem_is_named_at_its_place(tmp_path: Path, text: str) -> None:
    found = problems(tmp_path, text)
    assert len(found) == len(PROBLEMS[text]), found
    for problem, expected in zip(found, PROBLEMS[text], strict=True):
        assert problem.startswith(expected)


def test_all_problems_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    assert len(problems(tmp_path, "- {name: a, expect: {x: 1}}\n- {nam: b}\n- 5")) == 4


def test_what_a_scenario_gives_leaves_the_paths_of_the_configuration_alone(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("sounds: {folder: prompts}\n", "utf-8")
    (tmp_path / "flows").mkdir()
    file = tmp_path / "flows" / "one.test.yaml"
    file.write_text("flow: [{slot: hangup}]\nscenarios: [{name: one, expect: {}}]\n", "utf-8")
    (case,) = read_scenarios(file)
    given = given_config(load_config(tmp_path / "config.yaml", {}), case)
    assert given.asterisk_sounds == str(tmp_path / "prompts")
    assert given.problem(("dids",), "x").path == str(file)


def test_files_are_found_under_folders_and_by_name(tmp_path: Path) -> None:
    inner = tmp_path / "flows"
    inner.mkdir()
    for name in ("b.test.yaml", "a.test.yaml", "a.yaml"):
        (inner / name).touch()
    assert [path.name for path in find_scenario_files([tmp_path])] == ["a.test.yaml", "b.test.yaml"]
    assert find_scenario_files([inner / "a.yaml"]) == [inner / "a.yaml"]
    with pytest.raises(Refused, match="is not there"):
        find_scenario_files([tmp_path / "gone"])


def test_lengths_of_time() -> None:
    written = {"500ms": 500, "4s": 4000, "1.5s": 1500, "2m": 120_000, "1h": 3_600_000, "0s": 0}
    assert {text: parse_duration_ms(text) for text in written} == written
    for text in ("4", "s", "-1s", "1 s", "1d", "", "1e3s"):
        with pytest.raises(ValueError, match="not a length of time"):
            parse_duration_ms(text)
    shown = {3_600_000: "1h", 90_000: "90s", 1500: "1.5s", 80: "80ms", 0: "0ms", 60_000: "1m"}
    assert {number: show_duration(number) for number in shown} == shown
