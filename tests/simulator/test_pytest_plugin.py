"""pytest runs scenario files, and leaves other people's files alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

FLOW = "flow: [{slot: hangup, code: 480, reason: Closed}]\nscenarios:\n"
PASSES = "  - {name: it is refused, expect: {outcome: rejected}}\n"
FAILS = "  - name: it is not\n    expect: {outcome: completed}\n"


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run of pytest ended, and what it printed."""

    code: int
    out: str


RunPytest = Callable[..., Ran]


@pytest.fixture
def run_pytest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> RunPytest:
    """Runs pytest in the test's folder, within this process: Ringflow is loaded already."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("RINGFLOW", "PYTEST"))]:
        monkeypatch.delenv(name)

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        code = pytest.main(["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:asyncio", "-q", *arguments])
        return Ran(code, capsys.readouterr().out)

    return run


def test_each_scenario_is_an_item_and_a_failure_shows_its_transcript(
    tmp_path: Path, run_pytest: RunPytest
) -> None:
    (tmp_path / "closed.test.yaml").write_text(FLOW + PASSES + FAILS)
    result = run_pytest("-vv")
    assert result.code == 1, result.out
    assert "closed.test.yaml::it is refused PASSED" in result.out
    assert "outcome: expected completed, came rejected" in result.out
    assert "rejected 480 Closed" in result.out
    assert "Traceback" not in result.out
    assert run_pytest("-k", "refused").code == 0


def test_a_broken_file_is_an_error_with_its_place(tmp_path: Path, run_pytest: RunPytest) -> None:
    (tmp_path / "closed.test.yaml").write_text("- {name: a, expect: {}}\n- name: b\n  expect: {outcom: x}\n")
    result = run_pytest()
    assert result.code == 2
    assert "closed.test.yaml:3:12: unknown key `outcom`" in result.out


def test_scenarios_written_on_one_line_are_played(tmp_path: Path, run_pytest: RunPytest) -> None:
    (tmp_path / "closed.test.yaml").write_text("- {name: a, expect: {reject: {sip: 503}}}\n")
    assert "1 passed" in run_pytest().out


def test_a_file_beside_its_flow_is_never_passed_over(tmp_path: Path, run_pytest: RunPytest) -> None:
    (tmp_path / "desk.yaml").write_text("app: desk\nslots: [{slot: hangup}]\n")
    (tmp_path / "desk.test.yaml").write_text("x: [\n")
    result = run_pytest()
    assert result.code == 2
    assert "desk.test.yaml:1:4: the `[` here is not closed" in result.out


def test_files_of_other_tools_are_not_touched(tmp_path: Path, run_pytest: RunPytest) -> None:
    (tmp_path / "chart.test.yaml").write_text("suite: chart\ntests:\n  - it: works\n    asserts: []\n")
    (tmp_path / "chart.yaml").write_text("chart: works\n")
    (tmp_path / "binary.test.yaml").write_bytes(b"\xff\xfe\x00")
    result = run_pytest()
    assert result.code == 5, result.out
    assert "no tests ran" in result.out


def test_the_plugin_costs_nothing_to_import() -> None:
    heavy = "{'pydantic', 'sqlalchemy', 'yaml', 'structlog', 'ringflow.agi'}"
    code = f"import sys, ringflow.simulator.pytest_plugin; print({heavy} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"
