"""`ringflow bench sip` on the lab: its calls are real and complete, and a call that fails fails it."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from ringflow.cli import main
from ringflow.errors import StartError
from ringflow.lab import Lab

PROJECT = Path(__file__).parents[2]
LAB = PROJECT / ".ringflow" / "lab"
CALLS = 3

pytestmark = pytest.mark.lab


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the shipped flows and prompts, and the lab's packages."""
    try:
        _ = Lab(LAB).packages
    except StartError as error:
        pytest.skip(f"the lab is missing: {error}")
    shutil.copytree(PROJECT / "app_flows", tmp_path / "app_flows")
    (tmp_path / "sounds").symlink_to(PROJECT / "sounds")
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "lab").symlink_to(LAB)
    (tmp_path / "config.yaml").write_text("flows: app_flows\nstate: state\n", "utf-8")
    return tmp_path


def bench(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    what: str = "sip",
) -> tuple[int, str, str]:
    words = ["--config", str(project / "config.yaml"), "bench", what]
    words += ["--calls", str(CALLS), "--rounds", "1", "--json"]
    monkeypatch.setattr(sys, "argv", ["ringflow", *words])
    monkeypatch.setenv("RINGFLOW_CONFIG", "")
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    return int(ended.value.code or 0), printed.out, printed.err


def test_both_ways_complete_every_call_and_are_compared(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = bench(project, monkeypatch, capsys)
    assert (code, err) == (0, "")
    report = json.loads(out)
    assert [(side["name"], side["complete"], side["failures"]) for side in report["sides"]] == [
        ("ringflow", CALLS, {}),
        ("native", CALLS, {}),
    ]
    for side in report["sides"]:
        assert side["key_to_invite_s"]["p50"] > 0
        # A second to the keys, thirteen of them, a second of talk.
        assert side["call_s"]["p50"] > 3
        assert side["asterisk_cpu_s"][0] > 0
    ringflow, native = report["sides"]
    more = ringflow["key_to_invite_s"]["p50"] - native["key_to_invite_s"]["p50"]
    assert report["key_to_invite_more_s"]["p50"] == pytest.approx(more)
    assert ringflow["ringflow_cpu_s"][0] > 0
    assert native["ringflow_cpu_s"] == [0.0]


def test_twenty_slots_take_every_call_to_its_destination_as_native_dialplan_does(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = bench(project, monkeypatch, capsys, "slots")
    assert (code, err) == (0, "")
    for side in json.loads(out)["sides"]:
        assert (side["complete"], side["failures"]) == (CALLS, {})
        # The prompts and waits between the second slot and the twentieth.
        assert side["key_to_invite_s"]["p50"] > 3


def test_calls_that_fail_fail_it(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    flow = "app: calling_card\nslots:\n  - slot: hangup\n"
    (project / "app_flows" / "calling_card.yaml").write_text(flow, "utf-8")
    code, out, err = bench(project, monkeypatch, capsys)
    assert code == 1
    assert f"{CALLS} calls failed" in err
    ringflow, native = json.loads(out)["sides"]
    assert ringflow["complete"] == 0
    assert sum(ringflow["failures"].values()) == CALLS
    assert (native["complete"], native["failures"]) == (CALLS, {})
