"""`ringflow flow new`: a shipped flow under a name of one's own."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ringflow.deployment import shipped_files
from ringflow.deployment.shipped_files import FLOWS, SOUNDS, shipped
from ringflow.flows.folder import flow_files

Run = Callable[..., Any]

SHIPPED = [path.stem for path in flow_files(shipped(FLOWS))]


@pytest.fixture
def new(ringflow: Run) -> Run:
    """Runs `ringflow flow new ...` in a folder with the shipped prompts and an empty folder of flows."""
    Path("app_flows").mkdir()
    Path("sounds").symlink_to(shipped(SOUNDS))
    return lambda *words: ringflow("flow", "new", *words)


@pytest.mark.parametrize("source", SHIPPED)
def test_every_shipped_flow_is_copied_and_its_scenarios_pass_under_the_new_name(
    new: Run, ringflow: Run, source: str
) -> None:
    made = new("mine", "--from", source)
    assert (made.code, made.err) == (0, "")
    assert made.out.splitlines()[:2] == ["app_flows/mine.yaml", "app_flows/mine.test.yaml"]
    text = Path("app_flows/mine.yaml").read_text()
    # All but the name stays, comments too.
    assert text.replace("app: mine\n", f"app: {source}\n") == (shipped(FLOWS) / f"{source}.yaml").read_text()
    assert ringflow("check").code == 0
    tested = ringflow("test", "app_flows/mine.test.yaml")
    assert tested.code == 0, tested.out


def test_every_shipped_flow_has_its_recipe() -> None:
    page = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text("utf-8")
    assert sorted(re.findall(r"^## (\w+)$", page, re.MULTILINE)) == SHIPPED
    assert sorted(re.findall(r"^\| \[`(\w+)`\]", page, re.MULTILINE)) == SHIPPED


def test_nothing_is_replaced(new: Run) -> None:
    assert new("mine", "--from", "survey").code == 0
    before = Path("app_flows/mine.yaml").read_text()
    again = new("mine", "--from", "calling_card")
    assert (again.code, again.out) == (1, "")
    assert again.err == "ringflow: app_flows/mine.yaml is there already, and stays; choose another name\n"
    assert Path("app_flows/mine.yaml").read_text() == before
    # The app may be in a file of another name, and the scenarios may be there without a flow.
    Path("app_flows/mine.yaml").rename("app_flows/other.yaml")
    assert "app_flows/other.yaml is there already" in new("mine", "--from", "survey").err
    Path("app_flows/other.yaml").unlink()
    assert "mine.test.yaml is there already" in new("mine", "--from", "survey").err
    assert not Path("app_flows/mine.yaml").exists()


def test_a_link_that_leads_nowhere_is_there_too(new: Run) -> None:
    Path("app_flows/mine.yaml").symlink_to("elsewhere.yaml")
    assert "app_flows/mine.yaml is there already" in new("mine", "--from", "survey").err
    assert not Path("app_flows/elsewhere.yaml").exists()


@pytest.mark.parametrize("name", ["../mine", "my poll", "", "-", "x" * 65])
def test_what_can_be_no_app_is_no_file_either(new: Run, name: str) -> None:
    refused = new("--from", "survey", "--", name)
    assert refused.code == 1
    assert refused.err.startswith("ringflow: no app can be called `")
    assert list(Path().glob("**/*mine*")) == []


def test_a_flow_that_is_not_shipped_is_told_with_those_that_are(new: Run) -> None:
    assert new("mine", "--from", "surveys").err == (
        "ringflow: no flow `surveys` is shipped; did you mean `survey`?\n"
    )
    known = new("mine", "--from", "../../etc/passwd").err
    assert all(name in known for name in SHIPPED)


def test_flows_of_ones_own_in_the_checkout_are_not_shipped(
    new: Run, ringflow: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(shipped(FLOWS), checkout / FLOWS)
    own = (checkout / FLOWS / "survey.yaml").read_text("utf-8").replace("app: survey\n", "app: own_line\n")
    (checkout / FLOWS / "own_line.yaml").write_text(own, "utf-8")
    monkeypatch.setattr(shipped_files, "_CHECKOUT", checkout)
    refused = new("mine", "--from", "nosuch").err
    assert refused == f"ringflow: no flow `nosuch` is shipped; shipped are {', '.join(SHIPPED)}\n"
    assert "no flow `own_line` is shipped" in new("mine", "--from", "own_line").err
    (checkout / SOUNDS).mkdir()
    assert ringflow("init", "elsewhere").code == 0
    assert [path.stem for path in flow_files(Path("elsewhere", FLOWS))] == SHIPPED


def test_prompts_that_are_missing_are_counted(new: Run) -> None:
    Path("sounds").unlink()
    made = new("mine", "--from", "survey", "--json")
    assert made.json["app"] == "mine"
    assert made.json["files"] == ["app_flows/mine.yaml", "app_flows/mine.test.yaml"]
    assert "SURVEY/welcome" in made.json["prompts_missing"]
    Path("app_flows/mine.yaml").unlink()
    Path("app_flows/mine.test.yaml").unlink()
    assert "`ringflow init` adds those that are shipped" in new("mine", "--from", "survey").out


def test_without_a_folder_of_flows_the_command_that_makes_one_is_told(new: Run) -> None:
    Path("app_flows").rmdir()
    failed = new("mine", "--from", "survey")
    assert failed.code == 2
    assert "`ringflow init` makes it" in failed.err
