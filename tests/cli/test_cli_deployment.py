"""A folder of the operator's own, commands in the wrong folder, and archives."""

from __future__ import annotations

import shlex
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ringflow.cli import COMMANDS, NOUNS
from ringflow.moments import system_now_ms

Run = Callable[..., Any]


@pytest.fixture
def elsewhere(ringflow: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in which commands are run."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    "words",
    ["serve", "call 100", "check", "test", "did list", "customer add Ann", "ledger check", "card pepper new",
     "key generate", "lab status", "asterisk config --out x", "backup b.zip"],
)  # fmt: skip
def test_a_command_in_a_folder_without_a_configuration_names_it_and_leaves_it_empty(
    ringflow: Run, elsewhere: Path, words: str
) -> None:
    refused = ringflow(*words.split())
    assert refused.code == 1
    assert refused.err.startswith(f"{elsewhere}/config.yaml: is not there (")
    assert "--config FILE" in refused.err
    assert list(elsewhere.iterdir()) == []


def test_what_needs_no_configuration_needs_no_folder(ringflow: Run, elsewhere: Path) -> None:
    assert ringflow("schema").code == 0
    assert all(ringflow(name, "--help").code == 0 for name in (*COMMANDS, *NOUNS))
    (elsewhere / "menu.yaml").write_text("app: menu\nslots:\n  - slot: hangup\n")
    assert ringflow("check", "menu.yaml").out.startswith("no problems: 1 flow")


def test_only_serve_and_init_make_a_database(ringflow: Run, elsewhere: Path) -> None:
    (elsewhere / "config.yaml").touch()
    for words in ("did list", "ledger check", "call 100"):
        refused = ringflow(*words.split())
        assert refused.code == 2
        assert f"there is no database {elsewhere}/.ringflow/ringflow.db" in refused.err
    assert not (elsewhere / ".ringflow").exists()


def test_a_new_folder_checks_plays_its_scenarios_and_takes_a_simulated_call(
    ringflow: Run, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = ringflow("init", "mine", "--demo")
    assert made.code == 0, made.err
    assert "ringflow" in made.out.partition("Next:")[2]
    monkeypatch.chdir(elsewhere / "mine")
    for name in ("security.key", "pin.pepper", "ringflow.db"):
        assert stat.S_IMODE(Path(".ringflow", name).stat().st_mode) == 0o600
    assert ringflow("check").out.startswith("no problems: ")
    call = ringflow("call", "18005550100", "--from", "441910000001", "--keys", "441234567890#", "--json")
    assert call.json["outcome"] == "completed"
    assert [one["subject"] for one in ringflow("audit", "list", "--json").json["items"]][-1] == "pepper v1"


def test_a_folder_without_the_demo_has_no_customers_and_says_how_to_add_the_first(
    ringflow: Run, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = ringflow("init", "mine").out
    monkeypatch.chdir(elsewhere / "mine")
    assert ringflow("customer", "list", "--json").json["items"] == []
    lines = [line.split("#")[0].strip() for line in said.partition("Next:")[2].splitlines()]
    words = ("customer", "cli", "did", "trunk")
    for line in [one for one in lines if len(one.split()) > 1 and one.split()[1] in words]:
        assert ringflow(*shlex.split(line)[1:]).code == 0, line
    call = ringflow("call", "18005550100", "--from", "441910000001", "--keys", "441234567890#", "--json")
    assert call.json["outcome"] == "completed"


def test_init_never_overwrites(ringflow: Run, elsewhere: Path) -> None:
    ringflow("init", "mine")
    mine = elsewhere / "mine"
    (mine / "config.yaml").write_text("country: GB # mine\n")
    (mine / "app_flows" / "calling_card.yaml").unlink()
    key = (mine / ".ringflow" / "security.key").read_text("ascii")
    pepper = (mine / ".ringflow" / "pin.pepper").read_text("ascii")
    assert ": 1 file written; " in ringflow("init", "mine", "--demo").out
    assert (mine / "config.yaml").read_text("utf-8") == "country: GB # mine\n"
    assert (mine / ".ringflow" / "security.key").read_text("ascii") == key
    assert (mine / ".ringflow" / "pin.pepper").read_text("ascii") == pepper
    assert ringflow("init", "mine/config.yaml").code == 1


def test_an_archive_restores_the_books_and_a_whole_folder(
    ringflow: Run, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ringflow("init", "mine")
    monkeypatch.chdir(elsewhere / "mine")
    Path("calendars").mkdir()
    Path("calendars/shutdown.csv").write_text("2026-12-24\n")
    ringflow("customer", "add", "Ann", "--id", "42")
    ringflow("ledger", "pay-in", "42", "5.00", "--reason", "cash")
    until = ringflow("ledger", "check", "--json").json["until_at"]
    assert until > "2026-01-01"
    made = ringflow("backup", "../b.zip", "--secrets", "--json").json
    assert (made["books_right"], made["books_until_at"], made["with_secrets"]) == (True, until, True)
    assert stat.S_IMODE((elsewhere / "b.zip").stat().st_mode) == 0o600
    assert ringflow("backup", "../b.zip").code == 1
    ringflow("ledger", "pay-in", "42", "1.00", "--reason", "later")

    refused = ringflow("restore", "../b.zip")
    assert (refused.code, "--replace" in refused.err) == (1, True)
    restored = ringflow("restore", "../b.zip", "--replace", "--json").json
    assert (restored["books_right"], restored["books_until_at"]) == (True, until)
    assert ringflow("ledger", "show", "42", "--json").json["balance"] == "5.00"

    whole = ringflow("restore", "../b.zip", "--folder", "../new")
    assert whole.code == 0, whole.err
    for name in ("security.key", "pin.pepper"):
        file = elsewhere / "new" / ".ringflow" / name
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert file.read_bytes() == Path(".ringflow", name).read_bytes()
    monkeypatch.chdir(elsewhere / "new")
    assert Path("calendars/shutdown.csv").read_text() == "2026-12-24\n"
    assert ringflow("check").code == 0
    assert ringflow("ledger", "show", "42", "--json").json["balance"] == "5.00"


@pytest.mark.parametrize(("seen_ago_ms", "code"), [(1_000, 1), (3_600_000, 0)])
def test_a_restore_waits_for_servers_that_live(
    ringflow: Run, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, seen_ago_ms: int, code: int
) -> None:
    ringflow("init", "mine")
    monkeypatch.chdir(elsewhere / "mine")
    ringflow("backup", "../b.zip")
    seen_ms = system_now_ms() - seen_ago_ms
    with closing(sqlite3.connect(".ringflow/ringflow.db")) as connection, connection:
        values = "INSERT INTO ledger_servers (id, started_ms, seen_ms) VALUES ('a#1', 1, ?)"
        connection.execute(values, [seen_ms])
    ran = ringflow("restore", "../b.zip", "--replace")
    assert ran.code == code, ran.err
    assert ("server a#1 works on this database: stop it first" in ran.err) == (code == 1)


def test_a_restore_beside_another_configuration_says_what_the_next_start_deletes(
    ringflow: Run, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ringflow("init", "mine")
    monkeypatch.chdir(elsewhere / "mine")
    ringflow("backup", "../b.zip", "--no-verify")
    said = "config.yaml differs from the archive's config.yaml: the next start deletes"
    assert said not in ringflow("restore", "../b.zip", "--replace").err
    with Path("config.yaml").open("a", encoding="utf-8") as stream:
        stream.write("# another\n")
    assert said in ringflow("restore", "../b.zip", "--replace", "--json").err
    assert said not in ringflow("restore", "../b.zip", "--folder", "../new").err


def test_an_archive_has_no_secrets_unless_told_and_a_broken_one_is_refused(
    ringflow: Run, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ringflow("init", "mine")
    monkeypatch.chdir(elsewhere / "mine")
    assert "Not in it: the security key" in ringflow("backup", "../b.zip").err
    restored = ringflow("restore", "../b.zip", "--folder", "../new")
    assert "Put your copies of the secrets to" in restored.err
    assert not list((elsewhere / "new").rglob("*.pepper"))
    whole = (elsewhere / "b.zip").read_bytes()
    for name, content in (("cut.zip", whole[:-100]), ("text.zip", b"x"), ("bent.zip", b"")):
        bent = bytearray(whole)
        bent[len(whole) // 2] ^= 1
        (elsewhere / name).write_bytes(content or bytes(bent))
        assert ringflow("restore", f"../{name}", "--replace").code == 1
    assert ringflow("ledger", "check").code == 0
