"""`--json` on every command, with one form for all."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import typer

from ringflow.cli import build

Run = Callable[..., Any]

NOT_FOR_PROGRAMS = {
    "script check": "prints what is wrong, a line each",
    "service install": "prints a line, or the unit",
    "service uninstall": "prints a line",
    "serve": "it runs until it is stopped; its log is JSON",
    "dial": "it is a conversation on a terminal",
    "completion": "it prints a script for the shell",
    "sounds words": "it prints the prompts of a value, for people who listen to them",
}
MEASUREMENTS = "bench "
"""Some of them print a table alone: what they find is for docs/performance.md."""

FLOW = """\
app: menu
slots:
  - slot: hangup
    file: MISC/hello
"""
SCENARIOS = """\
- name: it is heard
  given: {customer: {id: 1, clis: ["441910000001"]}}
  call: {did: "18005550100", from: "441910000001"}
  expect: {outcome: completed}
- name: it is not heard
  given: {customer: {id: 1, clis: ["441910000001"]}}
  call: {did: "18005550100", from: "441910000001"}
  expect: {outcome: busy}
"""


def commands(group: Any, *before: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *before, name)
        else:
            yield " ".join((*before, name)), command


def test_every_command_that_a_program_may_run_prints_json() -> None:
    without = {
        name
        for name, command in commands(typer.main.get_command(build()))
        if not any("--json" in parameter.opts for parameter in command.params)
    }
    assert {name for name in without if not name.startswith(MEASUREMENTS)} == NOT_FOR_PROGRAMS.keys()


def write_tone(path: Path) -> Path:
    soundfile.write(str(path), 0.1 * np.sin(np.arange(16_000) / 5), 16_000)
    return path


def test_imports_of_prompts_and_their_check_are_told_to_programs(ringflow: Run, tmp_path: Path) -> None:
    write_tone(tmp_path / "tone.wav")
    made = ringflow("sounds", "import", "tone.wav", "--as", "MISC/hello", "--json").json
    assert (made["name"], made["side"], made["damaged"], made["clipped"]) == ("MISC/hello", None, False, 0.0)
    assert [Path(one).suffix for one in made["files"]] == [".ulaw", ".alaw", ".g722", ".sln16"]
    checked = ringflow("sounds", "check", "--json")
    assert (checked.code, checked.json["prompt_count"], checked.json["problems"]) == (0, 1, [])
    assert checked.json["playing_s"] == pytest.approx(made["duration_s"], abs=0.02)
    (tmp_path / "sounds" / "MISC" / "hello.ulaw").unlink()
    checked = ringflow("sounds", "check", "--json")
    assert checked.code == 1
    (problem,) = checked.json["problems"]
    assert "is not stored as .ulaw" in problem["what"]
    assert checked.err == ""


def test_exports_say_which_file_they_wrote_and_how_much(ringflow: Run, tmp_path: Path) -> None:
    ring = {"RINGFLOW_PIN_PEPPER": "v1:a-pepper-for-tests-only", "RINGFLOW_TIMEZONE": "Europe/London"}
    ringflow("customer", "add", "Template", "--id", "7")
    words = ("--customer", "7", "--credit", "5.00", "--count", "2", "--expires", "2099-07-01")
    assert ringflow("card", "generate", *words, "--out", "pins.csv", "--json", **ring).code == 0
    assert ringflow("card", "export", "--out", "cards.csv", "--json", **ring).json == {
        "file": "cards.csv",
        "rows": 2,
    }
    with (tmp_path / "cards.csv").open(newline="") as file:
        assert [row["expires"] for row in csv.DictReader(file)] == ["2099-07-01"] * 2
    shown = ringflow("card", "list", "--json", **ring).json["items"]
    assert [row["expires"] for row in shown] == ["2099-07-01"] * 2
    ringflow("rate", "add", "retail", "--currency", "USD")
    assert ringflow("rate", "export", "retail", "--out", "rates.csv", "--json").json["rows"] == 0
    assert ringflow("record", "export", "--out", "calls.csv", "--json").json == {
        "file": "calls.csv",
        "rows": 0,
    }


def test_an_export_without_a_file_is_a_list_of_objects(ringflow: Run) -> None:
    ring = {"RINGFLOW_PIN_PEPPER": "v1:a-pepper-for-tests-only"}
    ringflow("customer", "add", "Template", "--id", "7")
    exports = (("card", "export"), ("rate", "export", "retail"), ("record", "export", "--out", "-"))
    ringflow("rate", "add", "retail", "--currency", "USD")
    for export in exports:
        assert ringflow(*export, "--json").json == []
    ringflow("card", "generate", "--customer", "7", "--count", "2", "--out", "pins.csv", **ring)
    for prefix in ("44", "33"):
        ringflow("rate", "set-rate", "retail", prefix, "--price", "0.01")
    cards = ringflow("card", "export", "--json").json
    assert (len(cards), cards) == (2, ringflow("card", "list", "--json").json["items"])
    rates = ringflow("rate", "export", "retail", "--json").json
    assert ([rate["prefix"] for rate in rates], rates) == (
        ["33", "44"],
        ringflow("rate", "show", "retail", "--json").json["items"],
    )


def test_scenarios_are_judged_for_programs(ringflow: Run, tmp_path: Path) -> None:
    write_tone(tmp_path / "tone.wav")
    ringflow("sounds", "import", "tone.wav", "--as", "MISC/hello")
    flows = tmp_path / "app_flows"
    flows.mkdir()
    (flows / "menu.yaml").write_text(FLOW)
    (flows / "menu.test.yaml").write_text(SCENARIOS)
    (flows / "broken.test.yaml").write_text("- nam: x\n")
    (tmp_path / "config.yaml").write_text(
        "customers: [{id: 1, clis: ['441910000001']}]\ndids: [{number: '18005550100', app: menu}]\n"
    )
    ran = ringflow("test", "--json")
    assert ran.code == 1, ran.err
    assert [(one["name"], one["passed"]) for one in ran.json["scenarios"]] == [
        ("it is heard", True),
        ("it is not heard", False),
    ]
    assert ran.json["scenarios"][0]["failure"] is None
    assert "busy" in ran.json["scenarios"][1]["failure"]
    assert {Path(one["path"]).name for one in ran.json["problems"]} == {"broken.test.yaml"}


def test_the_files_for_asterisk_and_what_would_change_in_them_are_told_to_programs(ringflow: Run) -> None:
    assert ringflow("asterisk", "config", "--out", "etc", "--diff", "--json").json["diff"]
    written = ringflow("asterisk", "config", "--out", "etc", "--json").json
    assert "README.md" in {Path(one).name for one in written["files"]}
    assert (written["copies"], written["advice"]) == ([], [])
    assert ringflow("asterisk", "config", "--out", "etc", "--diff", "--json").json == {"diff": []}


def test_the_schema_is_json_anyway_and_the_reference_never(ringflow: Run) -> None:
    assert ringflow("schema", "--json").json == ringflow("schema").json
    assert "are Markdown for people" in ringflow("schema", "--reference", "--json").err


def test_an_error_is_json_where_json_was_asked_for_and_the_exit_code_stays(ringflow: Run) -> None:
    ringflow("customer", "add", "One", "--id", "7")
    ringflow("customer", "add", "Two", "--id", "8")
    ringflow("cli", "add", "441910000001", "--customer", "7")
    failed = ringflow("cli", "add", "+44 1910 000001", "--customer", "8", "--json")
    assert (failed.code, failed.out) == (1, "")
    assert json.loads(failed.err) == {
        "code": "cli.taken",
        "message": "CLI 441910000001 already belongs to customer 7; delete it there first",
        "fields": {"number": "441910000001", "customer": 7},
    }
    in_words = ringflow("cli", "add", "+44 1910 000001", "--customer", "8")
    assert in_words.err == f"ringflow: {json.loads(failed.err)['message']}\n"


def test_an_error_of_the_surroundings_is_json_too(ringflow: Run) -> None:
    failed = ringflow("customer", "list", "--json", RINGFLOW_DATABASE__URL="sqlite:///nowhere.db")
    assert failed.code == 2
    assert json.loads(failed.err)["code"] == "start.impossible"
    wrong = ringflow("customer", "list", "--json", RINGFLOW_TIMEZONE="Mars/Olympus")
    assert (wrong.code, json.loads(wrong.err)["code"]) == (1, "document.faulty")
    assert "timezone" in json.loads(wrong.err)["problems"][0]["what"]
