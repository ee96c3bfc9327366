"""`ringflow operator`, `role` and `token`: passwords come by prompt, pipe or file, and are never shown."""

from __future__ import annotations

import io
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

Run = Callable[..., Any]
PASSWORD = "correct horse battery"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Lets a pipe have this text on standard input."""
    return lambda text: monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_an_operator_is_added_with_a_password_from_a_pipe_a_file_or_none(
    ringflow: Run, typed: Callable[[str], None], tmp_path: Path
) -> None:
    typed(f"{PASSWORD}\r\nmore\n")
    piped = ringflow("operator", "add", "ann", "--role", "admin", "--json")
    (tmp_path / "password").write_text(f"{PASSWORD}!\n")
    filed = ringflow("operator", "add", "bob", "--role", "viewer", "--password-file", "password", "--json")
    program = ringflow("operator", "add", "sync", "--role", "support", "--no-password", "--json")
    assert [one.json["password_set_at"] is None for one in (piped, filed, program)] == [False, False, True]
    assert [one["name"] for one in ringflow("operator", "list", "--json").json["items"]] == [
        "ann",
        "bob",
        "sync",
    ]
    assert PASSWORD not in piped.out + piped.err + filed.out + filed.err
    with sqlite3.connect(".ringflow/ringflow.db") as connection:
        hashes = [row[0] for row in connection.execute("SELECT password_hash FROM operators ORDER BY id")]
    assert [str(one)[:10] for one in hashes] == ["$argon2id$", "$argon2id$", "None"]


def test_a_password_that_is_typed_is_asked_for_twice(ringflow: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    answers = iter([PASSWORD, PASSWORD + "x", PASSWORD, PASSWORD])
    asked: list[tuple[str, bool]] = []

    def prompt(text: str, *, hide_input: bool, err: bool) -> str:
        asked.append((text, hide_input and err))
        return next(answers)

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(typer, "prompt", prompt)
    differ = ringflow("operator", "add", "ann", "--role", "admin")
    assert (differ.code, differ.err) == (1, "ringflow: the two passwords differ; nothing is changed\n")
    assert ringflow("operator", "add", "ann", "--role", "admin").code == 0
    assert asked == [("password", True), ("the same again", True)] * 2


@pytest.mark.parametrize("given", ["", "\n", "short\n"])
def test_there_is_no_default_password(ringflow: Run, typed: Callable[[str], None], given: str) -> None:
    typed(given)
    refused = ringflow("operator", "add", "ann", "--role", "admin", "--json")
    assert (refused.code, refused.out) == (1, "")
    assert '"code": "password.' in refused.err
    assert ringflow("operator", "list", "--json").json["items"] == []


def test_no_option_takes_a_password(ringflow: Run) -> None:
    for words in (("operator", "add"), ("operator", "password"), ("token", "add")):
        options = [word for word in ringflow(*words, "--help").out.split() if word.startswith("--")]
        assert "--password" not in options
    assert ringflow("operator", "add", "ann", "--role", "admin", "--password", "x").code == 2


def test_a_password_file_that_is_not_there_is_named(ringflow: Run) -> None:
    missing = ringflow("operator", "add", "ann", "--role", "admin", "--password-file", "nowhere")
    assert (missing.code, missing.err) == (
        2,
        "ringflow: the password file nowhere cannot be read: No such file or directory\n",
    )
    both = ringflow("operator", "add", "ann", "--role", "x", "--password-file", "nowhere", "--no-password")
    assert "exclude each other" in both.err


def test_a_password_is_changed_and_taken_away(ringflow: Run, typed: Callable[[str], None]) -> None:
    ringflow("operator", "add", "sync", "--role", "viewer", "--no-password")
    typed(PASSWORD)
    assert ringflow("operator", "password", "sync", "--json").json["password_set_at"] is not None
    assert ringflow("operator", "password", "sync", "--remove", "--json").json["password_set_at"] is None
    unknown = ringflow("operator", "password", "nobody", "--remove")
    assert unknown.err == (
        "ringflow: operator nobody does not exist; `ringflow operator list` shows those that do\n"
    )


def test_an_operator_is_changed_disabled_and_enabled(ringflow: Run) -> None:
    ringflow("operator", "add", "sync", "--role", "viewer", "--no-password")
    changed = ringflow("operator", "change", "sync", "--role", "support", "--notes", "nightly", "--json").json
    assert (changed["role"], changed["notes"], changed["enabled"]) == ("support", "nightly", True)
    assert ringflow("operator", "disable", "sync", "--json").json["enabled"] is False
    assert ringflow("operator", "enable", "sync", "--json").json == changed
    assert ringflow("operator", "show", "sync", "--json").json == changed


def test_a_token_is_shown_once(ringflow: Run) -> None:
    ringflow("operator", "add", "sync", "--role", "support", "--no-password")
    made = ringflow(
        "token", "add", "sync", "nightly export", "--right", "calls.read", "--expires", "2099-12-31"
    )
    secret = made.out.strip()
    assert secret.startswith("rf_")
    assert made.err == (
        "token `nightly export` of sync, good until the end of 2099-12-31: keep it, it is not shown again\n"
    )
    (listed,) = ringflow("token", "list", "--json").json["items"]
    assert (listed["operator"], listed["name"], listed["starts_with"]) == (
        "sync",
        "nightly export",
        secret[:11],
    )
    assert (listed["rights"], listed["role"], listed["expires"]) == (["calls.read"], None, "2099-12-31")
    assert listed["last_used_at"] is None
    assert secret[12:] not in ringflow("token", "list").out + ringflow("audit", "list", "--json").out
    revoked = ringflow("token", "revoke", secret[:11], "--json").json
    assert revoked["revoked_at"] is not None
    assert ringflow("token", "list", "--of", "sync", "--json").json["items"] == []
    assert len(ringflow("token", "list", "--revoked", "--json").json["items"]) == 1


def test_roles_are_listed_with_their_rights_and_made(ringflow: Run) -> None:
    names = [one["name"] for one in ringflow("role", "list", "--json").json]
    assert names == ["admin", "operator", "finance", "support", "viewer"]
    made = ringflow("role", "add", "auditor", "--right", "audit.read", "--right", "calls.read", "--json").json
    assert made == {"name": "auditor", "rights": ["audit.read", "calls.read"], "built_in": False, "notes": ""}
    changed = ringflow("role", "change", "auditor", "--right", "audit.read", "--json").json
    assert changed["rights"] == ["audit.read"]
    wrong = ringflow("role", "add", "x", "--right", "audits.read")
    assert "there is no right audits.read (did you mean" in wrong.err
    assert ringflow("role", "delete", "auditor", "--json").json == {"deleted": "auditor"}


def test_who_changes_something_is_the_login_name_where_no_other_is_given(
    ringflow: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "carol")
    ringflow("operator", "add", "sync", "--role", "viewer", "--no-password")
    (entry,) = ringflow("audit", "list", "--json").json["items"]
    assert (entry["operator"], entry["acted_as"], entry["token"]) == ("carol", "operator", None)
