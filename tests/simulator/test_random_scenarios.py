"""Random flows and scenarios: what is made, what is found, and how small it becomes."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import yaml

from ringflow.config import Config, load_config
from ringflow.flows.registry import slot_types
from ringflow.simulator.judgement import Judgement, play
from ringflow.simulator.random_search import random_cases, search_block
from ringflow.simulator.scenario_files import ScenarioCase, read_scenarios
from ringflow.simulator.stage import Stage

SELDOM_DRAWN = {"condition", "http", "schedule", "store"}
"""Slot types whose fields exclude each other, or which look, as no schema tells: few random values fit."""
ROOT = Path(__file__).parents[2]


def configured() -> Config:
    return load_config(ROOT / "config.yaml", {})


async def finds_a_number_taken(case: ScenarioCase, stage: Stage) -> Judgement:
    """Judges as if no caller could ever key what an `ivr` asks for."""
    judged = await play(case, stage)
    taken = any(
        one.slot_type == "ivr" and one.exit_name == "done"
        for call in judged.calls
        for one in call.carried.exits
    )
    return replace(judged, failure="a number was taken") if taken else judged


def test_random_flows_have_every_slot_type_and_the_same_seed_makes_the_same(tmp_path: Path) -> None:
    config = configured()
    first, again, other = (
        [case.path.read_text() for case in random_cases(config, 60, seed, tmp_path)] for seed in (1, 1, 2)
    )
    assert first == again
    assert not set(first) & set(other)
    assert len(set(first)) > 0.9 * len(first)
    documents = [yaml.safe_load(text) for text in (*first, *other)]
    flows = [flow for one in documents for flow in (one["flow"], *one.get("flows", {}).values())]
    kinds = Counter(slot["slot"] for flow in flows for slot in flow["slots"])
    assert set(slot_types()) - set(kinds) <= SELDOM_DRAWN


def test_random_calls_break_no_invariant_and_come_to_many_ends() -> None:
    found = search_block(configured(), 7, range(1, 61))
    assert (found.text, found.failure) == ("", "")
    assert 40 < found.played <= 60
    assert len(found.outcomes) >= 5
    assert len(found.exits) >= 10
    assert found.legs > 0


def test_what_fails_is_made_small_and_fails_again_from_its_file(tmp_path: Path) -> None:
    found = search_block(configured(), 3, range(1, 200), finds_a_number_taken)
    assert found.failure == "a number was taken"
    document = yaml.safe_load(found.text)
    slots = document["flow"]["slots"]
    assert [slot["slot"] for slot in slots] == ["ivr"]
    assert "flows" not in document
    (scenario,) = document["scenarios"]
    assert len([step for step in scenario["caller"] if "keys" in step]) == 1
    path = tmp_path / "random.test.yaml"
    path.write_text(found.text)
    (case,) = read_scenarios(path)

    async def again() -> Judgement:
        async with Stage.open(configured()) as stage:
            return await finds_a_number_taken(case, stage)

    assert asyncio.run(again()).failure == "a number was taken"


def ringflow(folder: Path, *words: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """The command in a process of its own; `before`: what Python does first."""
    code = f"import sys; sys.argv[0] = 'ringflow'; {before}\nfrom ringflow.cli import main\nmain()"
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "COLUMNS": "300"}
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_the_command_plays_them_on_all_processors_and_counts_what_came_of_them(tmp_path: Path) -> None:
    done = ringflow(tmp_path, "test", "--random", "110", "--seed", "4", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert (told["seed"], told["failure"]) == (4, None)
    assert told["played"] == sum(told["outcomes"].values())
    assert 80 < told["played"] <= 110


def test_without_hypothesis_the_command_says_what_to_install(tmp_path: Path) -> None:
    done = ringflow(tmp_path, "test", "--random", "5", before="sys.modules['hypothesis'] = None")
    assert done.returncode == 2
    assert "Hypothesis, which is not installed: pip install 'ringflow[random]'" in done.stderr


def test_options_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    done = ringflow(tmp_path, "test", "--random", "5", "-k", "busy")
    assert (done.returncode, "leave out PATH and -k" in done.stderr) == (1, True)
    done = ringflow(tmp_path, "test", "--lab", "5")
    assert (done.returncode, "--lab goes with --random" in done.stderr) == (1, True)
