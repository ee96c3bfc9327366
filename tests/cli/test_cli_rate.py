from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner, Result

from ringflow.cli import rate
from ringflow.errors import DocumentError, Refused

Run = Callable[..., Result]
REPLACE = ("--replace", "--yes")


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Commands on a database of their own, with the rate card `retail` in it."""
    for name in [name for name in os.environ if name.startswith("RINGFLOW_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").touch()
    monkeypatch.setenv("RINGFLOW_DATABASE__URL", database_url)

    def invoke(*words: str, answer: str = "") -> Result:
        return CliRunner().invoke(rate.app, list(words), input=answer)

    assert invoke("add", "retail", "--currency", "USD").exit_code == 0
    return invoke


def rates(run: Run) -> list[tuple[Any, ...]]:
    found = json.loads(run("show", "retail", "--json").stdout)["items"]
    return [(one["prefix"], one["price"], one["from_at"], one["until_at"]) for one in found]


def test_a_dry_run_shows_what_would_be_read_and_changes_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Zone;Code;Rate;Comment\nUK;44;0,06;x\n", "utf-8")
    shown = run("import", "a.csv", "--card", "retail", "--dry-run")
    assert shown.exit_code == 0
    assert "a.csv: CSV in utf-8, separated by semicolons\ndecimal commas\n" in shown.stderr
    assert "1 rate would be added; nothing was changed" in shown.stderr
    said = [line.split() for line in shown.stdout.splitlines()]
    assert ["Zone", "destination", "the", "name", "of", "what", "the", "prefix", "leads", "to"] in said
    assert ["Comment", "-", "left", "out"] in said
    assert ["2", "44", "0.06", "0.00", "1", "1", "0", "-", "-", "UK", "no", "USD"] in said
    assert rates(run) == []
    (tmp_path / "b.csv").write_text("Code,Rate\n44,0.06\n45,x\n", "utf-8")
    bad = run("import", "b.csv", "--card", "retail", "--dry-run", "--json")
    assert [one["prefix"] for one in json.loads(bad.stdout)] == ["44"]
    assert isinstance(bad.exception, DocumentError)
    assert "b.csv:3:4: price: `x` is not an amount" in str(bad.exception)


def test_a_dry_run_counts_what_an_import_would_add(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("prefix,price\n447[1-3],0.06\n4472-4474,0.12\n", "utf-8")
    add = ("import", "a.csv", "--card", "retail")
    tried = run(*add, "--dry-run")
    said = "0 rates would be added: 2 problems; with --skip-bad 4 would be; nothing was changed\n"
    assert said in tried.stderr
    assert isinstance(tried.exception, DocumentError)
    assert str(run(*add).exception) == str(tried.exception)
    skipped = run(*add, "--dry-run", "--skip-bad")
    assert skipped.exit_code == 0
    assert "\n4 rates would be added, and 2 problems left out; nothing was changed\n" in skipped.stderr
    assert "a.csv:3:1: prefix 4472 has a rate at the same time in line 2" in skipped.stderr
    assert rates(run) == []
    assert run(*add, "--skip-bad").exit_code == 0
    assert len(rates(run)) == 4


def test_a_dry_run_counts_against_the_rates_that_the_card_has(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("prefix,price\n44,0.06\n", "utf-8")
    (tmp_path / "b.csv").write_text("prefix,price\n44,0.07\n49,0.07\n", "utf-8")
    assert run("import", "a.csv", "--card", "retail").exit_code == 0
    add = ("import", "b.csv", "--card", "retail", "--dry-run")
    tried = run(*add)
    assert "0 rates would be added: 1 problem; with --skip-bad 1 would be;" in tried.stderr
    assert "b.csv:2:1: prefix 44 has a rate at the same time in the card" in str(tried.exception)
    replacing = run(*add, "--replace")
    assert replacing.exit_code == 0
    assert "2 rates would be added; nothing was changed" in replacing.stderr


def test_a_card_named_to_the_list_of_cards_is_shown_the_command_for_its_rates(run: Run) -> None:
    with pytest.raises(Refused, match=r"the rates of one: ringflow rate show retail$"):
        raise run("list", "retail").exception or AssertionError("it was taken")
    assert run("list").exit_code == 0


def test_a_saved_map_reads_the_next_sheet_and_can_be_added_to(run: Run, tmp_path: Path) -> None:
    (tmp_path / "july.csv").write_text("Effective 1/7\nPfx,Tariff A,Tariff B,Step\n44,0.06,1,60/6\n", "utf-8")
    (tmp_path / "august.csv").write_text("Pfx,Tariff A,Tariff B,Step\n447,0.12,1,1/1\n", "utf-8")
    said = ("--map", 'prefix=Pfx,price="Tariff A"', "--map", 'increment=Step,ignore="Tariff B"')
    add = ("--card", "retail")
    set_from = ("--set", "from=2026-07-01")
    done = run("import", "july.csv", *add, *said, *set_from, "--save-map", "acme")
    assert done.exit_code == 0, done.exception
    assert run("import", "august.csv", *add, "--use-map", "acme").exit_code == 0
    assert rates(run) == [("44", "0.06", "2026-07-01T00:00:00Z", None), ("447", "0.12", None, None)]
    other = run(
        "import", "august.csv", *add, "--use-map", "acme", "--map", "price=Tariff B", "--replace", "--yes"
    )
    assert other.exit_code == 0, other.exception
    assert rates(run) == [("447", "1.00", None, None)]
    kept = json.loads(run("map", "list", "--json").stdout)
    assert [(one["name"], one["values"]) for one in kept] == [("acme", "")]
    assert 'price="Tariff A"' in kept[0]["columns"]
    assert "there is no map `acne`; there are acme" in str(
        run("import", "july.csv", *add, "--use-map", "acne").exception
    )
    assert run("map", "delete", "acme").exit_code == 0
    assert json.loads(run("map", "list", "--json").stdout) == []


def test_a_bad_sheet_saves_no_map_and_adds_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Code,Rate\n44,0.06\n45,x\n", "utf-8")
    assert isinstance(
        run("import", "a.csv", "--card", "retail", "--save-map", "acme").exception, DocumentError
    )
    assert (rates(run), json.loads(run("map", "list", "--json").stdout)) == ([], [])


def test_replacing_asks_first_where_there_is_something_to_lose(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Code,Rate\n44,0.06\n", "utf-8")
    (tmp_path / "b.csv").write_text("Code,Rate\n33,0.02\n49,0.03\n", "utf-8")
    replace = ("--card", "retail", "--replace")
    assert run("import", "a.csv", *replace).exit_code == 0
    asked = run("import", "b.csv", *replace, answer="n\n")
    assert asked.exit_code == 1
    assert "replace the 1 rate of `retail` by the 2 rates of b.csv?" in asked.stderr
    assert rates(run) == [("44", "0.06", None, None)]
    assert run("import", "b.csv", *replace, answer="y\n").exit_code == 0
    assert run("import", "a.csv", *replace, "--yes").exit_code == 0
    assert rates(run) == [("44", "0.06", None, None)]


def test_single_rates_are_set_changed_and_deleted(run: Run) -> None:
    assert (
        run(
            "set-rate", "retail", "+44", "--price", "0.06", "--increment", "60/6", "--destination", "UK"
        ).exit_code
        == 0
    )
    assert rates(run) == [("44", "0.06", None, None)]
    run("set-rate", "retail", "44", "--price", "0.07")
    later = json.loads(
        run("set-rate", "retail", "44", "--from", "2026-07-01", "--price", "0.08", "--json").stdout
    )
    assert [(one["price"], one["minimum_s"], one["increment_s"], one["destination"]) for one in later] == [
        ("0.07", 60, 6, "UK"),
        ("0.08", 1, 1, ""),
    ]
    july = "2026-07-01T00:00:00Z"
    assert rates(run) == [("44", "0.07", None, july), ("44", "0.08", july, None)]
    assert "say by its begin which, one of 1970-01-01, 2026-07-01" in str(
        run("set-rate", "retail", "44", "--price", "1").exception
    )
    assert "at the same time" in str(
        run("set-rate", "retail", "44", "--from", "1970-01-01", "--until", "none").exception
    )
    assert run("delete-rate", "retail", "44", "--from", "2026-07-01").exit_code == 0
    run("set-rate", "retail", "44", "--until", "none")
    assert rates(run) == [("44", "0.07", None, None)]
    blocked = json.loads(run("set-rate", "retail", "44", "--price", "blocked", "--json").stdout)
    assert [(one["price"], one["blocked"]) for one in blocked] == [("0.07", True)]
    assert (
        json.loads(run("set-rate", "retail", "44", "--price", "0.05", "--json").stdout)[0]["blocked"] is False
    )
    assert run("delete-rate", "retail", "44").exit_code == 0
    assert "prefix 44 has no such rate on card `retail`" in str(run("delete-rate", "retail", "44").exception)
    assert rates(run) == []


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("44", "--destination", "UK"), "a new one needs a price"),
        (("44", "--price", "-0.5"), "is below zero"),
        (("44", "--price", "1,5"), "is the comma a decimal mark?"),
        (("44", "--price", "1", "--minimum", "0"), "whole seconds from 1"),
        (("44", "--price", "1", "--from", "soon"), "write a date such as 2026-07-01"),
        (("44", "--price", "1", "--from", "2026-07-01", "--until", "2026-07-01"), "not after"),
        (("x", "--price", "1"), "write a country's code"),
    ],
)
def test_a_rate_that_cannot_be_is_refused(run: Run, words: tuple[str, ...], what: str) -> None:
    refused = run("set-rate", "retail", *words)
    assert isinstance(refused.exception, Refused)
    assert what in str(refused.exception)
    assert rates(run) == []


def test_a_card_is_deleted_after_a_question_unless_somebody_goes_by_it(run: Run, tmp_path: Path) -> None:
    from ringflow.cli import trunk

    run("set-rate", "retail", "44", "--price", "0.06")
    assert CliRunner().invoke(trunk.app, ["add", "carrier", "PJSIP/{number}@carrier"]).exit_code == 0
    run("assign", "retail", "--trunk", "carrier", "--default")
    asked = run("delete", "retail", answer="n\n")
    assert asked.exit_code == 1
    assert "1 rates, by which customers with USD go that have no card of their own?" in asked.stderr
    assert "rate card `retail` is gone by: trunk carrier" in str(run("delete", "retail", "--yes").exception)
    run("unassign", "--trunk", "carrier")
    assert run("delete", "retail", "--yes").exit_code == 0
    assert json.loads(run("list", "--json").stdout) == {"items": [], "next": None}


def test_an_export_for_a_spreadsheet_is_read_again_as_it_was(run: Run, tmp_path: Path) -> None:
    run("set-rate", "retail", "44", "--price", "0.06", "--increment", "60/6", "--destination", "=1+1")
    run("set-rate", "retail", "447", "--price", "blocked", "--destination", "'UK'", "--from", "2026-07-01")
    before = run("show", "retail", "--json").stdout
    assert run("export", "retail", "--out", "retail.xlsx", "--for-spreadsheet").exit_code == 0
    cells = load_workbook(tmp_path / "retail.xlsx").active
    assert [cell.value for cell in cells[2]][:5] == ["44", 0.06, 0, 60, 6]
    assert [cells["A2"].data_type, cells["A2"].number_format, cells["I2"].data_type] == ["s", "@", "s"]
    assert run("import", "retail.xlsx", "--card", "retail", *REPLACE).exit_code == 0
    assert run("show", "retail", "--json").stdout == before
    refused = run("export", "retail", "--out", "retail.csv", "--for-spreadsheet")
    assert "call it retail.xlsx, not retail.csv" in str(refused.exception)
    assert "name its file with ‹out›" in str(run("export", "retail", "--for-spreadsheet").exception)
    assert "retail.xlsx would be CSV" in str(run("export", "retail", "--out", "retail.xlsx").exception)


def test_blocked_destinations_are_not_compared_and_cost_a_trunk_nothing_known(run: Run) -> None:
    from ringflow.cli import trunk

    assert CliRunner().invoke(trunk.app, ["add", "carrier", "PJSIP/{number}@carrier"]).exit_code == 0
    run("add", "bought", "--currency", "USD")
    run("assign", "bought", "--trunk", "carrier")
    for card, prefix, price in (
        *(("retail", "44", "0.05"), ("retail", "33", "blocked"), ("retail", "49", "0.05")),
        *(("bought", "44", "blocked"), ("bought", "33", "0.09"), ("bought", "49", "0.09")),
    ):
        assert run("set-rate", card, prefix, "--price", price).exit_code == 0
    compared = run("compare", "retail", "carrier", "--json")
    assert [one["prefix"] for one in json.loads(compared.stdout)] == ["49"]
    assert "1 of 1 rate may lose money; 1 sold without a known cost" in compared.stderr
    refused = run("quote", "441910000001", "--trunk", "carrier")
    assert "rate card `bought` blocks 44, so 441910000001 is not dialled" in str(refused.exception)


def test_two_cards_differ_by_the_longest_prefix_of_each(run: Run, tmp_path: Path) -> None:
    run("add", "next", "--currency", "USD")
    head = "prefix,price,connection,minimum_s,increment_s,grace_s,note\n"
    (tmp_path / "retail.csv").write_text(
        head + "1,0.01,0,1,1,0,\n33,0.05,0,60,60,0,\n34,0.05,0,1,1,0,\n39,0.05,0,1,1,0,\n"
        "44,0.02,0,1,1,0,\n447,0.04,0,1,1,0,\n49,0.05,0,60,60,0,\n61,0.05,0,1,1,0,\n62,blocked,0,1,1,0,\n"
        "63,0.05,0,1,1,0,\n~1,0.05,0,1,1,0,\n~1*9,0.05,0,1,1,0,\n",
        "utf-8",
    )
    (tmp_path / "next.csv").write_text(
        head
        + "1,0.01,0,1,1,0,\n1809,0.09,0,1,1,0,\n33,0.05,0,60,1,0,\n34,0.05,0,1,1,5,\n39,0.04,0.02,1,1,0,\n"
        "44,0.03,0,1,1,0,\n447,0.04,0,1,1,0,\n4478,0.04,0,1,1,0,\n49,0.05,0,60,60,0,\n62,0.05,0,1,1,0,\n"
        "63,blocked,0,1,1,0,\n99,0.5,0,1,1,0,\n~1,0.06,0,1,1,0,\n",
        "utf-8",
    )
    for card in ("retail", "next"):
        done = run("import", f"{card}.csv", "--card", card)
        assert done.exit_code == 0, done.exception
    found = run("diff", "retail", "next", "--json")
    assert [
        (one["prefix"], one["difference"], one["old_prefix"], one["new_prefix"])
        for one in json.loads(found.stdout)
    ] == [
        ("1809", "dearer", "1", "1809"),
        ("33", "cheaper", "33", "33"),  # 61 s are charged as such, no longer as two minutes.
        ("34", "cheaper", "34", "34"),  # Five seconds are free.
        ("39", "mixed", "39", "39"),
        ("44", "dearer", "44", "44"),
        ("4478", "same", "447", "4478"),
        ("61", "only_old", "61", None),
        ("62", "opened", "62", "62"),
        ("63", "blocked", "63", "63"),
        ("99", "only_new", None, "99"),
        ("~1", "dearer", "~1", "~1"),
        ("~1*9", "dearer", "~1*9", "~1"),
    ]
    assert found.stderr.strip() == (
        "retail and next: 1 only old, 1 only new, 4 dearer, 2 cheaper, 1 mixed, 1 blocked, 1 opened, 1 same"
    )
    mixed, blocked = (json.loads(found.stdout)[index] for index in (3, 8))
    shown = ("old_price", "new_price", "old_minute", "new_minute")
    assert [mixed[name] for name in shown] == ["0.05", "0.04", "0.05", "0.06"]
    assert [blocked[name] for name in shown] == ["0.05", None, "0.05", None]
    back = json.loads(run("diff", "next", "retail", "--json").stdout)
    assert [one["difference"] for one in back[:4]] == ["cheaper", "dearer", "dearer", "mixed"]
    assert run("diff", "retail", "next", "--out", "d.csv").exit_code == 0
    lines = (tmp_path / "d.csv").read_text("utf-8").splitlines()
    assert lines[0] == (
        "prefix,destination,difference,old_prefix,new_prefix,currency,old_price,new_price,old_minute,new_minute"
    )
    assert (len(lines), lines[9]) == (13, "63,,blocked,63,63,USD,0.05,,0.05,")
    same = run("diff", "retail", "retail", "--json")
    assert (json.loads(same.stdout), same.stderr.strip()) == ([], "retail and retail: no difference")


def test_the_shortest_talk_counts_where_two_cards_are_compared(run: Run) -> None:
    run("add", "next", "--currency", "USD")
    run("set-rate", "retail", "35", "--price", "0.05", "--increment", "30/30")
    run("set-rate", "next", "35", "--price", "0.05", "--increment", "60/1")
    # A second costs a minute's price instead of half of it; 61 seconds cost 61 instead of 90.
    (found,) = json.loads(run("diff", "retail", "next", "--json").stdout)
    assert (found["prefix"], found["difference"]) == ("35", "mixed")


def test_cards_are_compared_by_the_rates_of_a_moment_however_many_there_are(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ringflow.ledger.rates import export

    monkeypatch.setattr(export, "ROWS_AT_ONCE", 2)
    run("add", "next", "--currency", "USD")
    for prefix in ("30", "31", "32", "33", "34"):
        run("set-rate", "retail", prefix, "--price", "0.05")
        run("set-rate", "next", prefix, "--price", "0.05")
    run("set-rate", "next", "34", "--price", "0.06", "--from", "2099-01-01")
    assert json.loads(run("diff", "retail", "next", "--json").stdout) == []
    then = json.loads(run("diff", "retail", "next", "--at", "2099-02-01", "--json").stdout)
    assert [(one["prefix"], one["difference"]) for one in then] == [("34", "dearer")]
    run("add", "euro", "--currency", "EUR")
    refused = run("diff", "retail", "euro").exception
    assert isinstance(refused, Refused)
    assert (refused.code, "two currencies cannot be compared" in str(refused)) == ("currency.differs", True)
    assert "there is no rate card `gone`" in str(run("diff", "retail", "gone").exception)
