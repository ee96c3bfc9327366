"""`ringflow customer|did|cli|trunk` as an operator and a program use them."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def test_an_operators_first_customer_number_did_and_trunk(ringflow: Run) -> None:
    customer = ringflow("customer", "add", "Demo", "--id", "42", "--channels", "10", "--json").json
    assert customer == {
        "id": 42, "name": "Demo", "status": "active", "currency": "USD", "channels": 10, "caller_id": None,
        "language": None, "source": "operator",
    }  # fmt: skip
    cli = ringflow("cli", "add", "+44 191 000 0001", "--customer", "42", "--notes", "office", "--json").json
    assert cli == {
        "id": 1, "customer": 42, "number": "441910000001", "pattern": None, "notes": "office",
        "source": "operator",
    }  # fmt: skip
    did = ringflow("did", "add", "8005550100", "calling_card", "--json").json
    assert did == {
        "number": "18005550100", "app": "calling_card", "identify": "cli", "customer": None,
        "enabled": True, "channels": None, "reject_code": 403, "withheld": "identify", "variable": None,
        "script": None, "script_timeout_s": None, "script_fallback": None, "script_vars": None,
        "hangup_script": None, "hangup_script_timeout_s": None, "hangup_script_vars": None,
        "source": "operator",
    }  # fmt: skip
    words = ("--header", "X-A: a:b", "--header", "X-B:", "--rated", "upstream", "--server", "sip.example.net")
    trunk = ringflow("trunk", "add", "carrier", "PJSIP/{number}@carrier", *words, "--json").json
    assert trunk == {
        "name": "carrier", "dial": "PJSIP/{number}@carrier", "headers": {"X-A": "a:b", "X-B": ""},
        "position": 100, "enabled": True, "caller_id": None, "server": "sip.example.net", "rated": "upstream",
        "failover": ["401", "403", "407", "408", "5xx"], "silent_s": 6,
        "number_form": "e164", "number_prefix": "", "caller_id_form": None, "caller_id_prefix": "",
        "as_keyed": [],
        "script": None, "script_timeout_s": None, "script_fallback": None, "script_vars": None,
        "source": "operator",
    }  # fmt: skip
    shown = ringflow("customer", "show", "42", "--json").json
    assert shown == customer | {
        "balance": "0.00", "held": "0.00", "available": "0.00", "debit_limit": "0.00", "daily_limit": None,
        "service_password": False, "cli_count": 1, "clis": ["441910000001"], "shared_clis": [],
        "did_count": 0, "dids": [], "card_count": 0, "cards": [], "template_cards": {},
    }  # fmt: skip
    assert ringflow("cli", "show", "00441910000001", "--json").json == cli
    assert ringflow("did", "show", "+18005550100", "--json").json == did
    assert ringflow("trunk", "show", "carrier", "--json").json == trunk
    for noun, one in (
        ("customer", customer | {"balance": "0.00"}),
        ("cli", cli),
        ("did", did),
        ("trunk", trunk),
    ):
        assert ringflow(noun, "list", "--json").json == {"items": [one], "next": None}


def test_a_did_that_leads_to_an_app_that_is_not_there_is_told_of(ringflow: Run, tmp_path: Path) -> None:
    (tmp_path / "app_flows").mkdir()
    (tmp_path / "app_flows" / "a.yaml").write_text("app: desk\nslots: [{slot: hangup}]\n")
    told = "app_flows has no app dest (did you mean `desk`?): calls are rejected until it has\n"
    assert ringflow("did", "add", "100", "dest").err.endswith(told)
    assert ringflow("did", "set", "100", "--app", "desk").err == ""
    assert ringflow("did", "set", "100", "--disabled").err == ""
    assert ringflow("did", "set", "100", "--app", "dest").code == 0


def test_a_did_that_leads_to_an_app_whose_file_has_problems_is_told_of(ringflow: Run, tmp_path: Path) -> None:
    (tmp_path / "app_flows").mkdir()
    (tmp_path / "app_flows" / "a.yaml").write_text("app: desk\nslots: [{slot: hangup, file: IVR/nope}]\n")
    told = "app_flows/a.yaml has problems, which `ringflow check` names: "
    assert told in ringflow("did", "add", "100", "desk", "--identify", "none").err
    made = ringflow("call", "100", RINGFLOW_SECURITY_KEY="0123456789abcdef0123456789abcdef")
    assert "503 App Not Found: desk" in made.out
    assert told in made.err


def test_people_get_tables(ringflow: Run) -> None:
    assert ringflow("trunk", "list").out == "none\n"
    ringflow("customer", "add", "[bold]Demo[/bold]", "--id", "42")
    listed = ringflow("customer", "list", COLUMNS="200")
    heads = ["id", "name", "status", "currency", "balance", "channels", "caller id", "language", "source"]
    head = next(line for line in listed.out.splitlines() if "currency" in line)
    assert re.findall(r"[a-z]+(?: [a-z]+)?", head) == heads
    assert "[bold]Demo[/bold]" in listed.out
    shown = ringflow("customer", "show", "42").out
    assert "caller id" in shown
    assert "[bold]Demo[/bold]" in shown
    assert listed.err == ""


def test_set_changes_what_is_given_and_empties_with_none(ringflow: Run) -> None:
    ringflow("customer", "add", "--id", "1", "--channels", "5", "--caller-id", "8005550100")
    ringflow("customer", "add", "--id", "2")
    after = ringflow("customer", "set", "1", "--status", "penalty", "--channels", "none", "--json").json
    assert (after["status"], after["channels"], after["caller_id"]) == ("penalty", None, "18005550100")
    assert ringflow("customer", "set", "1", "--caller-id", "none", "--json").json["caller_id"] is None
    assert ringflow("customer", "set", "2", "--language", "es", "--json").json["language"] == "es"
    assert ringflow("customer", "set", "2", "--language", "none", "--json").json["language"] is None
    assert ringflow("customer", "add", "--id", "3", "--language", "fr", "--json").json["language"] == "fr"
    ringflow("did", "add", "100", "a", "--customer", "1", "--disabled", "--identify", "none")
    did = ringflow("did", "set", "100", "--enabled", "--app", "b", "--customer", "none", "--json").json
    assert (did["enabled"], did["app"], did["customer"], did["identify"]) == (True, "b", None, "none")
    ringflow("cli", "add", "^.*", "--customer", "1", "-p")
    assert ringflow("cli", "set", "^.*", "--customer", "2", "--json").json["customer"] == 2
    ringflow("trunk", "add", "a", "PJSIP/{number}@a", "--header", "X-A: 1")
    trunk = ringflow("trunk", "set", "a", "--no-headers", "--disabled", "--position", "1", "--json").json
    assert (trunk["headers"], trunk["enabled"], trunk["position"]) == ({}, False, 1)
    words = ("--failover", "5xx, 408", "--failover", "486", "--silent-s", "0")
    trunk = ringflow("trunk", "set", "a", *words, "--json").json
    assert (trunk["failover"], trunk["silent_s"], trunk["position"]) == (["408", "486", "5xx"], 0, 1)
    trunk = ringflow("trunk", "set", "a", "--failover", "none", "--json").json
    assert (trunk["failover"], trunk["silent_s"]) == ([], 0)
    added = ringflow("trunk", "add", "b", "A/{number}", "--failover", "503", "--silent-s", "4", "--json").json
    assert (added["failover"], added["silent_s"]) == (["503"], 4)


def test_delete_says_what_is_gone(ringflow: Run) -> None:
    ringflow("customer", "add", "--id", "1")
    ringflow("cli", "add", "441910000001", "--customer", "1")
    ringflow("did", "add", "100", "a", "--customer", "1")
    ringflow("trunk", "add", "a", "PJSIP/{number}@a")
    assert ringflow("trunk", "delete", "a").out == "trunk a is deleted\n"
    refused = ringflow("customer", "delete", "1")
    assert refused.code == 1
    assert ringflow("cli", "delete", "+441910000001").out == "CLI 441910000001 is deleted\n"
    assert ringflow("customer", "delete", "1", "--cascade", "--json").json == {"deleted": 1}
    assert ringflow("did", "list", "--json").json["items"] == []


def test_a_long_list_says_that_there_is_more(ringflow: Run) -> None:
    for number in ("100", "101", "102"):
        ringflow("did", "add", number, "a")
    listed = ringflow("did", "list", "--limit", "2", "--json")
    assert [one["number"] for one in listed.json["items"]] == ["100", "101"]
    after = listed.json["next"]
    assert ringflow("did", "list", "--limit", "2").err == f"more with --after {after}\n"
    rest = ringflow("did", "list", "--limit", "2", "--after", after, "--json")
    assert ([one["number"] for one in rest.json["items"]], rest.json["next"]) == (["102"], None)
    other = ringflow("did", "list", "--after", after, "--sort", "-number")
    assert (other.code, "keep the sort, or begin again without a cursor" in other.err) == (1, True)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ("customer", "show", "9"),
            "customer 9 does not exist; `ringflow customer list` shows those that do",
        ),
        (
            ("customer", "set", "1", "--channels", "many"),
            "--channels many is no number; write digits, or none",
        ),
        (("cli", "add", "441910000001", "--customer", "9"), "customer 9 does not exist"),
        (("cli", "add", "(?=4)", "--customer", "9", "--pattern"), "pattern `(?=4)`: invalid perl operator"),
        (("did", "add", "a b", "x"), "DID `a b`: write a telephone number"),
        (("trunk", "add", "a", "PJSIP/a"), "dial `PJSIP/a`: write {number} exactly once"),
        (("trunk", "add", "a", "A/{number}", "--header", "X"), "--header X: write NAME:VALUE"),
        (("trunk", "add", "a", "A/{number}", "--failover", "603"), "a callee who answers 6xx is not asked"),
        (("trunk", "add", "a", "A/{number}", "--silent-s", "33"), "silent_s"),
        (
            ("trunk", "add", "a", "A/{number}", "--header", "X:1", "--header", "X:2"),
            "--header X is given twice",
        ),
    ],
)
def test_what_is_refused_is_one_line_and_exit_1(ringflow: Run, words: tuple[str, ...], line: str) -> None:
    ran = ringflow(*words)
    assert ran.code == 1
    assert ran.out == ""
    assert line in ran.err
    assert len(ran.err.splitlines()) == 1


def test_all_that_is_wrong_with_a_command_is_refused_at_once(ringflow: Run) -> None:
    ran = ringflow("trunk", "add", "a", "PJSIP/a", "--header", "Via:1", "--caller-id", "me")
    assert ran.code == 1
    assert ran.err.splitlines() == [
        "ringflow: dial `PJSIP/a`: write {number} exactly once, as in PJSIP/{number}@carrier",
        "ringflow: header `Via` is written by Asterisk; remove it",
        "ringflow: caller ID `me` is not a number; write digits such as 441910000001",
    ]


def test_a_database_that_cannot_be_had_is_one_line_and_exit_2(ringflow: Run, tmp_path: Path) -> None:
    url = "postgresql://ringflow:hunter2@127.0.0.1:1/x"
    refused = ringflow("did", "list", RINGFLOW_DATABASE__URL=url)
    (tmp_path / "letter.db").write_text("Dear Sir or Madam, " * 100, "utf-8")
    broken = ringflow("did", "list", RINGFLOW_DATABASE__URL="sqlite:///letter.db")
    for ran, words in ((refused, "Connection refused"), (broken, "file is not a database")):
        assert ran.code == 2
        assert words in ran.err
        assert len(ran.err.splitlines()) == 1
        assert "hunter2" not in ran.err


def test_a_wrong_configuration_names_its_place_and_is_exit_1(ringflow: Run, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("country: ZZ\ndatabas: {}\n", "utf-8")
    ran = ringflow("trunk", "list")
    assert ran.code == 1
    assert [line.partition(" ")[0] for line in ran.err.splitlines()] == [
        "config.yaml:1:10:",
        "config.yaml:2:1:",
    ]


def test_the_database_is_where_the_configuration_says(ringflow: Run, tmp_path: Path) -> None:
    (tmp_path / "other" / "here").mkdir(parents=True)
    shutil.move(tmp_path / ".ringflow" / "ringflow.db", tmp_path / "other" / "here" / "x.db")
    (tmp_path / "other" / "my.yaml").write_text("database: {url: 'sqlite:///here/x.db'}", "utf-8")
    ringflow("--config", "other/my.yaml", "customer", "add", "Demo")
    rows = sqlite3.connect(tmp_path / "other" / "here" / "x.db").execute("SELECT id, name FROM customers")
    assert rows.fetchall() == [(1, "Demo")]
