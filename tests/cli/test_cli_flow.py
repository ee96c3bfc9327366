"""`ringflow flow`: texts of flows from the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ringflow.flows.revisions import text_revision

Run = Callable[..., Any]

CARD = Path("app_flows/card.yaml")
FIRST = "app: card   # the first\nslots:\n  - {slot: hangup}\n"
SECOND = FIRST.replace("first", "second")
R1, R2 = (text_revision(one.encode()) for one in (FIRST, SECOND))


@pytest.fixture
def flows(ringflow: Run, tmp_path: Path) -> Run:
    """Runs `ringflow flow ...` as ann, on a folder with one flow."""
    CARD.parent.mkdir()
    CARD.write_text(FIRST)
    return lambda *words: ringflow("flow", *words, RINGFLOW_OPERATOR="ann")


def saved(flows: Run, text: str = SECOND, *words: str) -> Any:
    Path("new.yaml").write_text(text)
    return flows("draft", "save", "card", "new.yaml", *words, "--json")


def test_a_draft_is_saved_checked_compared_published_and_rolled_back(flows: Run) -> None:
    assert saved(flows).json["revision"] == R2
    assert flows("draft", "show", "card").out == SECOND
    assert flows("draft", "check", "card").out == "no problems\n"
    difference = flows("diff", "card", "file", "draft").out.splitlines()
    assert difference[:2] == ["--- card.yaml file", "+++ card.yaml draft"]
    assert "-app: card   # the first" in difference
    assert "+app: card   # the second" in difference
    assert flows("publish", "card", "--note", "louder").out == f"card: revision {R2} is published\n"
    assert CARD.read_text() == SECOND
    assert flows("draft", "list").out == "none\n"
    assert flows("rollback", "card").out == f"card: revision {R1} is published\n"
    assert CARD.read_text() == FIRST
    assert flows("show", "card", R2[:5]).out == SECOND
    history = flows("history", "card", "--json").json["items"]
    assert [(one["how"], one["revision"], one["operator"], one["note"]) for one in history] == [
        ("rolled back", R1, "ann", ""),
        ("published", R2, "ann", "louder"),
    ]
    assert flows("diff", "card").err == f"no difference: both are {R1}\n"


def test_the_list_has_what_is_here_published_and_edited(flows: Run) -> None:
    assert "card  card.yaml" in flows("list").out
    saved(flows)
    flows("publish", "card")
    saved(flows, FIRST)
    (found,) = flows("list", "--json").json
    assert (found["app"], found["file"], found["revision"]) == ("card", "card.yaml", R2)
    assert (found["published"]["revision"], found["published"]["operator"]) == (R2, "ann")
    assert (found["draft"]["revision"], found["draft"]["began_from"]) == (R1, R2)
    assert found["servers"] == []


def test_a_file_that_was_changed_meanwhile_is_refused_with_what_to_do(flows: Run) -> None:
    draft = saved(flows).json["revision"]
    CARD.write_text(changed := FIRST + "# by hand\n")
    by_hand = text_revision(changed.encode())
    ran = flows("publish", "card")
    assert ran.code == 1
    assert ran.err == (
        f"ringflow: {CARD} was changed on disk: it has revision {by_hand}, not revision {R1}; `ringflow flow "
        f"diff card {R1} file` shows what changed. Take that into your text and save it with `ringflow flow "
        f"draft save card FILE --onto {by_hand}`, or replace it with --over {by_hand}\n"
    )
    assert CARD.read_text() == changed
    assert saved(flows, SECOND + "# by hand\n", "--over", draft, "--onto", by_hand).code == 0
    assert flows("publish", "card").code == 0
    assert CARD.read_text() == SECOND + "# by hand\n"


def test_the_draft_of_another_is_refused_with_what_to_do(flows: Run) -> None:
    saved(flows)
    ran = flows("draft", "save", "card", str(CARD))
    assert ran.code == 1
    assert ran.err == (
        f"ringflow: ann has a draft of card: revision {R2}; `ringflow flow draft show card` prints it, "
        f"--over {R2} replaces it\n"
    )


def test_the_text_on_disk_is_published_with_file(flows: Run) -> None:
    CARD.write_text(SECOND)
    assert flows("publish", "card").err == "ringflow: there is no draft of card.yaml\n"
    (made,) = flows("publish", "--file", "card", "--json").json
    assert (made["revision"], made["servers_behind"]) == (R2, [])


def test_a_draft_with_problems_is_not_published_and_each_is_named(flows: Run) -> None:
    saved(flows, FIRST.replace("hangup", "hangpu"))
    for words in (("draft", "check", "card"), ("publish", "card")):
        ran = flows(*words)
        assert ran.code == 1
        assert ran.err.startswith(f"{CARD}:3:12: unknown slot type `hangpu` (did you mean `hangup`?")
    (problem,) = json.loads(flows("draft", "check", "card", "--json").out)
    assert (problem["line"], problem["column"]) == (3, 12)
    assert flows("draft", "discard", "card").out == "draft of card is deleted\n"


@pytest.fixture
def editor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Has $EDITOR run a line of shell on the file that it is given."""

    def edit_by(line: str) -> None:
        script = tmp_path / "editor"
        script.write_text(f"#!/bin/sh\n{line}\n")
        script.chmod(0o755)
        monkeypatch.delenv("VISUAL", raising=False)
        monkeypatch.setenv("EDITOR", str(script))

    return edit_by


def test_an_editor_changes_the_draft_and_only_what_was_edited(
    flows: Run, editor: Callable[[str], None]
) -> None:
    CARD.write_bytes(FIRST.replace("\n", "\r\n").encode())
    editor("sed -i s/first/second/ $1")
    assert flows("draft", "edit", "card", "--json").json["file"] == "card.yaml"
    assert flows("publish", "card").code == 0
    assert CARD.read_bytes() == SECOND.replace("\n", "\r\n").encode()
    editor("true")
    assert flows("draft", "edit", "card").err == "nothing was changed\n"
    assert flows("draft", "list").out == "none\n"


def test_a_new_flow_begins_from_its_name(flows: Run, editor: Callable[[str], None]) -> None:
    editor("echo '  - {slot: hangup}' >> $1")
    assert flows("draft", "edit", "menu").code == 0
    assert flows("publish", "menu").code == 0
    assert Path("app_flows/menu.yaml").read_text() == "app: menu\nslots:\n  - {slot: hangup}\n"


def test_an_edited_text_that_cannot_be_saved_is_not_lost(
    flows: Run, editor: Callable[[str], None], tmp_path: Path
) -> None:
    saved(flows)
    # Somebody else saves the draft while this editor is open.
    theirs = "UPDATE flow_drafts SET revision = 'theirs', operator = 'bob'"
    (tmp_path / "theirs.py").write_text(
        f"import sqlite3\nwith sqlite3.connect('.ringflow/ringflow.db') as one: one.execute({theirs!r})\n"
    )
    editor(f"sed -i s/second/mine/ $1; {sys.executable} {tmp_path}/theirs.py")
    ran = flows("draft", "edit", "card")
    assert ran.code == 1
    assert ran.err.startswith("ringflow: bob has a draft of card: revision theirs")
    kept = Path(ran.err.rpartition("Your text is in ")[2].strip())
    assert kept.read_text() == SECOND.replace("second", "mine")
    kept.unlink()


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("show", "crd"), "there is no flow crd (did you mean `card`?)"),
        (("show", "card", "abc"), "card has no revision abc; `ringflow flow history card` lists"),
        (("diff", "card"), "card was never published"),
        (("rollback", "card"), "card.yaml has no text before this one"),
        (("draft", "save", "card", "none.yaml"), "none.yaml cannot be read: No such file or directory"),
        (("draft", "save", "card", "app_flows/card.yaml", "--onto", "x"), f"{CARD} has revision {R1}, not x"),
    ],
)
def test_what_is_not_there_is_said(flows: Run, words: tuple[str, ...], what: str) -> None:
    ran = flows(*words)
    assert ran.code in (1, 2)
    assert ran.err.startswith(f"ringflow: {what}")
