"""`docs/first-flow.md` as somebody new follows it: the flow of the page loads, and its scenarios pass."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ringflow.deployment.shipped_files import SOUNDS, shipped

PAGE = Path(__file__).parents[2] / "docs" / "first-flow.md"
Run = Callable[..., Any]


@pytest.fixture
def followed(ringflow: Run) -> Run:
    """The page's flow and scenarios in their files, and the page's customer."""
    flow, scenarios = re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    Path("sounds").symlink_to(shipped(SOUNDS))
    Path("app_flows").mkdir()
    Path("app_flows/front_desk.yaml").write_text(flow)
    Path("app_flows/front_desk.test.yaml").write_text(scenarios)
    return ringflow


def test_the_flow_is_right_and_its_scenarios_pass(followed: Run) -> None:
    checked = followed("check")
    assert (checked.code, checked.err) == (0, "")
    tested = followed("test")
    assert tested.code == 0, tested.out
    assert "2 passed" in tested.out


def test_the_commands_of_the_page_put_a_caller_through_to_sales(followed: Run) -> None:
    lines = re.findall(r"^ {7}ringflow (.*)$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert [line.split()[0] for line in lines] == ["customer", "trunk", "did", "call"]
    followed("key", "generate")
    for line in lines:
        ran = followed(*shlex.split(line))
        assert ran.code == 0, ran.err
    assert "dial 441234567890 via carrier" in ran.out
