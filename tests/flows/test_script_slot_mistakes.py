"""Mistakes between a slot `script` and the script that it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringflow.errors import ProblemCode
from ringflow.flows.check import check_flows
from ringflow.flows.load import draft_from_bytes
from ringflow.flows.registry import slot_types
from ringflow.flows.surroundings import Surroundings
from ringflow.scripts.folder import ScriptFolder
from ringflow.scripts.known_scripts import KnownScripts

CHOOSE = "function main(d) {\n  d.exit = d.vars.old ? 'gold' : 'silver';\n}\n"


def problems(folder: Path, slot: str) -> list[tuple[str, ProblemCode]]:
    text = f"app: main\nslots:\n  - {slot}\n  - {{slot: debug, id: end, text: end}}\n"
    draft = draft_from_bytes(text.encode(), slot_types(), "main.yaml")
    known = KnownScripts(ScriptFolder(folder))
    return [(str(one), one.code) for one in check_flows([draft], Surroundings(scripts=known))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "choose.js").write_text(CHOOSE)
    (tmp_path / "open.js").write_text("function main(d) { d.exit = d.vars.exit; }")
    (tmp_path / "broken.js").write_text("require('./nowhere');")
    return tmp_path


def test_exits_of_script_and_slot_that_are_the_same_are_no_problem(folder: Path) -> None:
    assert problems(folder, "{slot: script, script: choose, on: {gold: end, silver: hangup}}") == []


def test_an_exit_that_the_slot_does_not_have_is_named_with_its_place_in_the_script(folder: Path) -> None:
    assert problems(folder, "{slot: script, script: choose, on: {gold: end}}") == [
        (
            (
                "main.yaml:3:28: script choose ends by `silver` (choose.js:2:34), and the slot has no such "
                "exit (lead `silver` somewhere under `on`)"
            ),
            ProblemCode.SCRIPT_UNUSABLE,
        )
    ]


def test_an_exit_that_the_script_never_names_is_reported_where_it_stands(folder: Path) -> None:
    slot = "{slot: script, script: choose, on: {gold: end, silver: hangup, golf: end}}"
    assert [what for what, _ in problems(folder, slot)] == [
        "main.yaml:3:68: script choose never ends by `golf` (did you mean `gold`?)"
    ]


def test_of_a_script_that_works_its_exit_out_no_exit_is_missing(folder: Path) -> None:
    assert problems(folder, "{slot: script, script: open, on: {gold: end}}") == []


@pytest.mark.parametrize(
    ("slot", "what"),
    [
        ("script: chose", "main.yaml:3:28: there is no script chose (did you mean `choose`?)"),
        ("script: broken", "main.yaml:3:28: script broken cannot be used: broken.js:1:"),
        ("script: a.js", "main.yaml:3:28: `script`: `a.js` is written without its ending"),
        (
            "script: open, timeout_action: later",
            "main.yaml:3:50: `later` is neither an exit of this slot nor",
        ),
        ("script: open, timeout_action: 200 Fine", "main.yaml:3:50: `200 Fine` is neither an exit"),
        ("script: open, results: [a, a]", "main.yaml:3:34: `a` stands twice in `results`"),
        ("script: open, timeout: 20", "main.yaml:3:43: "),
    ],
)
def test_each_field_is_checked_where_it_stands(folder: Path, slot: str, what: str) -> None:
    (found, *_) = problems(folder, f"{{slot: script, {slot}, on: {{failed: end}}}}")
    assert found[0].startswith(what)


def test_results_are_set_by_the_exits_that_the_script_chooses(folder: Path) -> None:
    text = (
        "app: main\nslots:\n"
        "  - {slot: script, script: open, results: [desk], timeout_action: late,"
        " on: {gold: end, late: late}}\n"
        '  - {slot: debug, id: end, text: "${desk}", on: {done: hangup}}\n'
        '  - {slot: debug, id: late, text: "${desk}"}\n'
    )
    draft = draft_from_bytes(text.encode(), slot_types(), "main.yaml")
    (found,) = check_flows([draft], Surroundings())
    assert (found.line, found.code) == (5, ProblemCode.VARIABLE_UNSET)
