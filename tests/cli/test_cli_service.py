"""The systemd unit of a configuration."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def test_the_unit_waits_for_calls_and_has_descriptors_for_them(ringflow: Run, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("fastagi: {drain_s: 90.5, max_calls: 3000}\n")
    lines = ringflow("service", "install", "--print", "--user", "nobody").out.splitlines()
    assert "TimeoutStopSec=106" in lines
    assert "LimitNOFILE=4024" in lines
    assert "User=nobody" in lines
    assert f"WorkingDirectory={tmp_path}" in lines
    assert f"ReadWritePaths={tmp_path}" in lines
    (start,) = [line for line in lines if line.startswith("ExecStart=/")]
    assert start.endswith(f" --config {tmp_path}/config.yaml serve")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing")
def test_systemd_understands_every_line_of_the_unit(ringflow: Run, tmp_path: Path) -> None:
    text = ringflow("service", "install", "--print", "--user", "daemon").out
    start = next(line for line in text.splitlines() if line.startswith("ExecStart="))
    unit = tmp_path / "ringflow.service"
    # The program of the test run is no file that systemd could start.
    unit.write_text(text.replace(start, f"ExecStart=/bin/true --config {tmp_path}/config.yaml serve"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    assert [line for line in done.stderr.splitlines() if "ringflow.service" in line] == []


def test_a_user_who_is_not_there_is_refused_with_how_to_make_one(ringflow: Run) -> None:
    refused = ringflow("service", "install", "--user", "nobody-here")
    assert refused.code == 1
    assert "useradd --system" in refused.err


def test_a_folder_with_a_space_is_refused(ringflow: Run, tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "config.yaml").touch()
    refused = ringflow("--config", "a b/config.yaml", "service", "install", "--print")
    assert refused.code == 1
    assert "use another path" in refused.err
