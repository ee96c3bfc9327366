"""pytest runs scenario files, and leaves other people's files alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FLOW = "flow: [{slot: hangup, code: 480, reason: Closed}]\nscenarios:\n"
PASSES = "  - {name: it is refused, expect: {outcome: rejected}}\n"
FAILS = "  - name: it is not\n    expect: {outcome: completed}\n"


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("RINGFLOW", "PYTEST"))
    }
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *arguments],
        cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_each_scenario_is_an_item_and_a_failure_shows_its_transcript(tmp_path: Path) -> None:
    (tmp_path / "closed.test.yaml").write_text(FLOW + PASSES + FAILS)
    result = run_pytest(tmp_path, "-vv")
    assert result.returncode == 1, result.stdout
    assert "closed.test.yaml::it is refused PASSED" in result.stdout
    assert "outcome: expected completed, came rejected" in result.stdout
    assert "rejected 480 Closed" in result.stdout
    assert "Traceback" not in result.stdout
    assert run_pytest(tmp_path, "-k", "refused").returncode == 0


def test_a_broken_file_is_an_error_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "closed.test.yaml").write_text("- {name: a, expect: {}}\n- name: b\n  expect: {outcom: x}\n")
    result = run_pytest(tmp_path)
    assert result.returncode == 2
    assert "closed.test.yaml:3:12: unknown key `outcom`" in result.stdout


def test_scenarios_written_on_one_line_are_played(tmp_path: Path) -> None:
    (tmp_path / "closed.test.yaml").write_text("- {name: a, expect: {reject: {sip: 503}}}\n")
    assert "1 passed" in run_pytest(tmp_path).stdout


def test_a_file_beside_its_flow_is_never_passed_over(tmp_path: Path) -> None:
    (tmp_path / "desk.yaml").write_text("app: desk\nslots: [{slot: hangup}]\n")
    (tmp_path / "desk.test.yaml").write_text("x: [\n")
    result = run_pytest(tmp_path)
    assert result.returncode == 2
    assert "desk.test.yaml:1:4: the `[` here is not closed" in result.stdout


def test_files_of_other_tools_are_not_touched(tmp_path: Path) -> None:
    (tmp_path / "chart.test.yaml").write_text("suite: chart\ntests:\n  - it: works\n    asserts: []\n")
    (tmp_path / "chart.yaml").write_text("chart: works\n")
    (tmp_path / "binary.test.yaml").write_bytes(b"\xff\xfe\x00")
    result = run_pytest(tmp_path)
    assert result.returncode == 5, result.stdout
    assert "no tests ran" in result.stdout


def test_the_plugin_costs_nothing_to_import() -> None:
    heavy = "{'pydantic', 'sqlalchemy', 'yaml', 'structlog', 'ringflow.agi'}"
    code = f"import sys, ringflow.simulator.pytest_plugin; print({heavy} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"
