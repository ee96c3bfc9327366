"""Lets pytest run the slots' scenario files, which are named after their slots: `ivr.yaml`."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringflow.simulator.pytest_plugin import ScenarioFile


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.suffix == ".yaml" and file_path.parent == Path(__file__).parent:
        return ScenarioFile.from_parent(parent, path=file_path)
    return None
