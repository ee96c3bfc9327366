"""`ringflow lab call` as people use it: on its own, beside a server that runs, and with no lab at all."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringflow.lab import Lab
from ringflow.lab.asterisk import CARRIER
from ringflow.lab.ports import free_tcp_port

pytestmark = [
    pytest.mark.lab,
    pytest.mark.parametrize(
        "started_lab",
        ["forky"],
        indirect=True,
        scope="session",
    ),
]

ROOT = Path(__file__).parents[2]
CALL = ("lab", "call", "18005550100", "--from", "441910000001")
FULL = (*CALL, "--keys", "441234567890#", "--answers-after", "200ms", "--talk", "700ms")

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def environment(lab: Lab, tmp_path: Path) -> dict[str, str]:
    """A project of its own: demo data, shipped flows, and the lab's packages, which are there already."""
    demo = (ROOT / "config.yaml").read_text("utf-8")
    (tmp_path / "config.yaml").write_text(
        f"{demo}\nflows: {ROOT / 'app_flows'}\nsounds: {{folder: {ROOT / 'sounds'}}}\nhttp: null\n"
        f"fastagi: {{port: {free_tcp_port()}}}\n"
    )
    place = tmp_path / ".ringflow" / "lab" / lab.release
    place.mkdir(parents=True)
    (place / "packages").symlink_to(lab.folder / lab.release / "packages")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RINGFLOW_")}
    return {**kept, "RINGFLOW_SECURITY_KEY": secrets.token_hex(), "COLUMNS": "200"}


@pytest.fixture
def run(tmp_path: Path, environment: dict[str, str]) -> Run:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ringflow", *arguments],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    return run


@pytest.fixture
def up(run: Run) -> Iterator[None]:
    started = run("lab", "up", "--release", "forky")
    assert started.returncode == 0, started.stderr
    assert f"Trunks to callees: PJSIP/{{number}}@{CARRIER}," in started.stdout
    yield
    assert run("lab", "down", "--release", "forky").stdout == "Stopped.\n"


def test_without_a_lab_it_says_how_to_start_one(run: Run) -> None:
    done = run(*CALL, "--release", "forky")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "ringflow: the lab of forky is not running: `ringflow lab up` starts it\n"


@pytest.mark.usefixtures("up")
def test_a_call_on_its_own_gives_the_record_and_the_wire(run: Run) -> None:
    done = run(*FULL, "--release", "forky", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    leg, wire = told["legs"][0], told["wire"]
    assert (told["outcome"], told["customer"], leg["status"]) == ("completed", 42, "answered")
    (callee,) = wire["callees"]
    assert (wire["sip_code"], wire["ended_by"], callee["ended_by"]) == (200, "asterisk", "callee")
    assert callee["dialled"] == leg["dialled"] == "441234567890"
    assert callee["from_user"] == "441910000001"
    for name in ("X-Customer-ID", "X-CX-Sec"):
        assert callee["headers"][name] == leg["headers"][name]
    assert leg["talked_s"] == pytest.approx(callee["talked_s"], abs=0.3)


TWO_NUMBERS = """
app: calling_card
slots:
  - {slot: ivr, file: IVR/ivr-please, min: 4, result: one, on: {no_input: bye, invalid: bye}}
  - slot: destination
    external: ${one}
    on: {busy: again, done: bye, no_answer: bye, failed: bye, refused: bye, no_credit: bye}
  - {slot: ivr, id: again, file: IVR/ivr-please, min: 4, result: two, on: {no_input: bye, invalid: bye}}
  - slot: destination
    external: ${two}
    on: {busy: bye, no_answer: bye, failed: bye, refused: bye, no_credit: bye}
  - {slot: hangup, id: bye}
"""


@pytest.mark.usefixtures("up")
def test_two_numbers_in_turn_meet_a_callee_each_and_a_refused_one_ends_the_call(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "app_flows").mkdir()
    (tmp_path / "app_flows" / "calling_card.yaml").write_text(TWO_NUMBERS)
    config = (tmp_path / "config.yaml").read_text()
    config = config.replace(f"flows: {ROOT / 'app_flows'}", "flows: app_flows")
    config = config.replace('  - number: "18005550102"\n    app: prepaid_card\n    identify: none\n', "")
    (tmp_path / "config.yaml").write_text(config)
    words = (*CALL, "--release", "forky", "--json", "--talk", "700ms", "--answers-after", "200ms")
    both = run(*words, "--keys", "441111111111#", "--keys", "442222222222#", "--callee", "441111111111=busy")
    assert both.returncode == 0, both.stderr
    seen = json.loads(both.stdout)["wire"]["callees"]
    assert [(one["dialled"], one["talked_s"] is not None) for one in seen] == [
        ("441111111111", False), ("442222222222", True),
    ]  # fmt: skip
    refused = run(*words, "--keys", "0012345#")
    assert refused.returncode == 0, refused.stderr
    told = json.loads(refused.stdout)
    assert (told["legs"][0]["status"], told["wire"]["callees"]) == ("refused", [])
    assert told["legs"][0]["reason"].startswith("not a telephone number in US")


@pytest.mark.usefixtures("up")
def test_a_call_beside_a_server_goes_to_that_server(
    run: Run, tmp_path: Path, environment: dict[str, str]
) -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "ringflow", "serve"],
        cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert server.stderr is not None
        while '"event": "ready"' not in (line := server.stderr.readline()):
            assert line, "the server ended"
        done = run("lab", "call", "18005550100", "--from", "441910000099", "--release", "forky")
        assert done.stdout.splitlines() == [
            "on the wire: the caller got 403 Forbidden",
            f"  no INVITE came through {CARRIER}",
            "  on record: ringflow record list --did 18005550100 --cli 441910000099 --limit 1",
        ]
        while '"event": "call ended"' not in (line := server.stderr.readline()):
            assert line, "the server ended"
        assert json.loads(line)["reason"] == "CLI Not Authorized"
    finally:
        server.terminate()
        server.communicate(timeout=20)
    assert server.returncode == 0
