"""Hundreds of flows: how much is looked at again for a change, which bounds how long a reload takes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from ringflow.errors import Problem
from ringflow.flows.accept import accept
from ringflow.flows.book import FlowBook
from ringflow.flows.draft import Draft
from ringflow.flows.load import draft_from_bytes
from ringflow.flows.registry import slot_types
from ringflow.speaking import prompts_needed

SAYS = "  - {slot: audio, file: [IVR/welcome, MISC/error]}\n  - {slot: balance}\n  - {slot: balance}\n"
ONCE_WRITTEN_AND_ONCE_IN_SERVICE = 2


class Counted:
    """A library that has everything, and counts how often it is asked for each prompt."""

    def __init__(self) -> None:
        self.asked = Counter[str]()

    def exists(self, name: str) -> bool:
        self.asked[name] += 1
        return True

    def suggest(self, name: str) -> tuple[str, ...]:
        return ()


def test_a_reload_looks_for_each_prompt_once_however_many_flows_play_it(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"f{number}.yaml").write_text(f"app: f{number}\nslots:\n{SAYS}")
    prompts = Counted()
    book = FlowBook.load(tmp_path, prompts=prompts)
    assert len(book.apps()) == 20
    assert set(prompts.asked) == {"IVR/welcome", "MISC/error", *prompts_needed("en", "balance")}
    assert set(prompts.asked.values()) == {1}
    prompts.asked.clear()
    (tmp_path / "f7.yaml").write_text(f"app: f7\ntitle: Another\nslots:\n{SAYS}")
    assert [flow.app for flow in book.reload().loaded] == ["f7"]
    assert max(prompts.asked.values()) <= ONCE_WRITTEN_AND_ONCE_IN_SERVICE


def draft(app: str, title: str) -> Draft:
    text = f"app: {app}\ntitle: {title}\nslots:\n{SAYS}"
    return draft_from_bytes(text.encode(), slot_types(), f"{app}.yaml")


@pytest.mark.parametrize("changed", [{"a"}, {"a", "b", "c"}])
def test_where_all_is_well_the_flows_are_checked_as_written_and_as_in_service_and_not_again(
    changed: set[str],
) -> None:
    good = {f"{app}.yaml": draft(app, "old") for app in "abc"}
    newest = {path: draft(path[0], "new") if path[0] in changed else before for path, before in good.items()}
    titles: list[str] = []

    def check(drafts: object) -> list[Problem]:
        assert isinstance(drafts, list)
        titles.append(" ".join(one.flow.title for one in drafts))
        return []

    accepted = accept(good, newest, check)
    assert accepted.good == newest
    as_written = " ".join("new" if app in changed else "old" for app in "abc")
    assert titles == [as_written, "old old old"]
