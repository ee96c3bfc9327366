"""`ringflow card` and `ringflow voucher` as an operator and a program use them."""

from __future__ import annotations

import csv
import io
import os
import re
import sqlite3
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

Run = Callable[..., Any]
ANN = ("--operator", "ann")
RING = "v1:a-pepper-for-tests-only"


@pytest.fixture
def till(ringflow: Run) -> Run:
    """The command line with cards and vouchers, a template customer and a pepper."""

    def run(*words: str, **environment: str) -> Any:
        return ringflow(*words, **{"RINGFLOW_PIN_PEPPER": RING, **environment})

    run("customer", "add", "Template", "--id", "7")
    return run


def make(till: Run, *words: str) -> list[dict[str, str]]:
    made = till("card", "generate", "--customer", "7", "--credit", "5.00", *words, *ANN, "--json")
    assert made.code == 0, made.err
    return list(made.json["secrets"])


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text + "\n"))


def test_a_batch_is_made_shown_listed_exported_and_redeemed(till: Run, tmp_path: Path) -> None:
    made = till(
        "card", "generate", "--customer", "7", "--credit", "5.00", "--count", "3", "--batch", "spring",
        "--pin-length", "8", "--expires", "2099-12-31", "--out", "pins.csv", *ANN, "--json",
    )  # fmt: skip
    assert made.code == 0, made.err
    shown = made.json
    assert (shown["name"], shown["count"], shown["credit"], shown["file"]) == (
        "spring",
        3,
        "5.00",
        "pins.csv",
    )
    assert shown["expires"] == "2099-12-31"
    assert "secrets" not in shown
    file = tmp_path / "pins.csv"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    pins = list(csv.DictReader(file.read_text("ascii").splitlines()))
    assert [re.fullmatch("[0-9]{8}", row["pin"]) is not None for row in pins] == [True] * 3
    assert [path.name for path in tmp_path.glob(".*part")] == []
    listed = till("card", "list", "--batch", "spring", "--json").json["items"]
    assert {row["id"] for row in listed} == {row["id"] for row in pins}
    first = pins[0]["id"]
    redeemed = till("card", "redeem", first, *ANN, "--json").json
    assert (redeemed["status"], redeemed["redeemed_as"]) == ("used", "account")
    assert till("card", "redeem", first, *ANN).err == (
        f"ringflow: card {first} is used: its credit was given already\n"
    )
    account = till("ledger", "show", str(redeemed["redeemed_by"]), "--json").json
    assert (account["balance"], account["currency"]) == ("5.00", "USD")
    into = till("card", "redeem", pins[1]["id"], "--into", str(redeemed["redeemed_by"]), *ANN, "--json")
    assert into.json["redeemed_as"] == "top_up"
    exported = till("card", "export").out
    rows = list(csv.DictReader(exported.splitlines()))
    assert [row["status"] for row in rows] == [
        "used" if row["id"] in (first, pins[1]["id"]) else "available" for row in rows
    ]
    for row in pins:
        assert row["id"] in exported
        assert row["pin"] not in exported
    assert till("ledger", "check").out.startswith("the books are right")
    assert till("card", "batches", "--json").json["items"][0]["name"] == "spring"


def test_no_spreadsheet_calculates_what_an_export_says(till: Run) -> None:
    make(till, "--batch", "=1+1")
    exported = csv.DictReader(till("card", "export").out.splitlines())
    assert [row["batch"] for row in exported] == ["'=1+1"]


def test_without_a_file_few_pins_are_printed_once_and_many_are_refused(till: Run) -> None:
    (one,) = make(till, "--batch", "a")
    assert re.fullmatch("[0-9]{6}", one["pin"])
    assert one["pin"] not in till("card", "show", one["id"]).out
    people = till("card", "generate", "--customer", "7", "--batch", "b", *ANN)
    assert re.fullmatch(r"[0-9]{12}  [0-9]{6}\n", people.out)
    assert people.err == "batch `b`: 1 card, available\n"
    many = till("card", "generate", "--customer", "7", "--count", "101", *ANN)
    assert (many.code, many.out) == (1, "")
    assert many.err == "ringflow: more than 100 PINs are not printed; name a file with --out\n"


def test_cards_are_set_disabled_enabled_and_deleted(till: Run) -> None:
    one, two = make(till, "--count", "2", "--batch", "a")
    altered = till("card", "set", one["id"], "--credit", "7.50", "--expires", "2099-01-01", *ANN, "--json")
    assert altered.json == {"changed": 1, "deleted": 0, "archived": 0, "passed_over": 0}
    shown = till("card", "show", one["id"], "--json").json
    assert (shown["credit"], shown["expires"]) == ("7.50", "2099-01-01")
    till("card", "set", "--batch", "a", "--expires", "none", *ANN)
    assert till("card", "show", one["id"], "--json").json["expires"] is None
    till("card", "disable", one["id"], *ANN)
    assert [row["id"] for row in till("card", "list", "--status", "disabled", "--json").json["items"]] == [
        one["id"]
    ]
    assert till("card", "redeem", one["id"], *ANN).err == f"ringflow: card {one['id']} is disabled\n"
    till("card", "enable", "--batch", "a", *ANN)
    till("card", "redeem", two["id"], *ANN)
    deleted = till("card", "delete", one["id"], two["id"], "--yes", *ANN, "--json").json
    assert (deleted["deleted"], deleted["archived"]) == (1, 1)
    assert till("card", "list", "--json").json["items"] == []
    assert [row["id"] for row in till("card", "list", "--archived", "--json").json["items"]] == [two["id"]]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("generate", "--customer", "9"), "customer 9 does not exist"),
        (("generate", "--customer", "7", "--credit", "-1"), "`-1` is below zero"),
        (("generate", "--customer", "7", "--credit", "5.001"), "`5.001` has more than 2 decimals"),
        (("generate", "--customer", "7", "--credit", "5 EUR"), "`5 EUR` is in EUR, and USD is wanted"),
        (("generate", "--customer", "7", "--credit", "1e3"), "is not an amount"),
        (("generate", "--customer", "7", "--credit", "9" * 40), "the amount is larger than"),
        (("generate", "--customer", "7", "--count", "0"), "count 0 is out of range"),
        (("generate", "--customer", "7", "--pin-only"), "PIN length 6 is out of range"),
        (("generate", "--customer", "7", "--expires", "soon"), "--expires soon is no day"),
        (("generate", "--customer", "7", "--expires", "2001-01-01"), "would have expired already"),
        (("set", "--credit", "1"), "name cards by their IDs, or a batch"),
        (("set", "--credit", "1", "--batch", "none"), "batch `none` does not exist"),
        (("disable", "123"), "`123` is no card ID"),
        (("redeem", "123"), "`123` is no card ID"),
        (("delete", "--batch", "none", "--yes"), "batch `none` does not exist"),
    ],
)
def test_what_is_refused_is_one_line_and_makes_nothing(till: Run, words: tuple[str, ...], line: str) -> None:
    ran = till("card", *words, *ANN)
    assert (ran.code, ran.out) == (1, "")
    assert line in ran.err
    assert len(ran.err.splitlines()) == 1
    assert till("card", "batches", "--json").json["items"] == []
    assert till("ledger", "check").out.startswith("the books are right")


def test_a_file_that_is_there_is_never_written_over(till: Run, tmp_path: Path) -> None:
    (tmp_path / "pins.csv").write_text("mine", "utf-8")
    ran = till("card", "generate", "--customer", "7", "--out", "pins.csv", *ANN)
    assert (ran.code, ran.err) == (1, "ringflow: pins.csv exists already; choose another name\n")
    assert (tmp_path / "pins.csv").read_text("utf-8") == "mine"
    assert till("card", "generate", "--customer", "7", "--out", "none/pins.csv", *ANN).code == 2
    assert till("card", "export", "--out", "pins.csv").code == 1
    assert till("card", "batches", "--json").json["items"] == []


def test_a_full_disk_makes_no_card(till: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = os.open

    def full(path: Any, *rest: Any) -> int:
        return opened("/dev/full", os.O_WRONLY) if str(path).endswith(".part") else opened(path, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", full)
        ran = till("card", "generate", "--customer", "7", "--count", "3", "--out", "pins.csv", *ANN)
    assert ran.code == 2
    assert "No space left on device" in ran.err
    assert till("card", "batches", "--json").json["items"] == []


def test_without_a_pepper_nothing_is_made_and_the_mend_is_said(till: Run, tmp_path: Path) -> None:
    ran = till("card", "generate", "--customer", "7", *ANN, RINGFLOW_PIN_PEPPER="")
    assert ran.code == 2
    assert "`ringflow card pepper new` makes one" in ran.err
    made = till("card", "pepper", "new", "--json", RINGFLOW_PIN_PEPPER="").json
    assert made["version"] == "v1"
    file = tmp_path / ".ringflow" / "pin.pepper"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert till("card", "generate", "--customer", "7", *ANN, RINGFLOW_PIN_PEPPER="").code == 0
    till("card", "pepper", "new", RINGFLOW_PIN_PEPPER="")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    needing = {"card_count": 0, "voucher_count": 0, "code_count": 0, "second_factor_count": 0}
    assert till("card", "pepper", "list", "--json", RINGFLOW_PIN_PEPPER="").json == [
        {"version": "v1", "in_ring": True, "newest": False, **needing, "card_count": 1},
        {"version": "v2", "in_ring": True, "newest": True, **needing},
    ]
    refused = till("card", "pepper", "new")
    assert "the ring comes from RINGFLOW_PIN_PEPPER" in refused.err
    for line in file.read_text("ascii").splitlines():
        assert line.partition(":")[2] not in refused.out + refused.err


def test_vouchers_are_made_listed_redeemed_and_deleted(till: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    till("customer", "add", "Caller", "--id", "42")
    value = till(
        "voucher",
        "generate",
        "--currency",
        "USD",
        "--value",
        "5",
        "--count",
        "2",
        "--batch",
        "a",
        *ANN,
        "--json",
    ).json["secrets"]
    more = till(
        "voucher", "generate", "--currency", "USD", "--multiplier", "1.1", "--minimum", "10", *ANN, "--json"
    ).json["secrets"]
    listed = till("voucher", "list", "--json").json["items"]
    assert [(row["value"], row["multiplier"]) for row in listed] == [("5.00", None)] * 2 + [(None, "1.1")]
    typed(monkeypatch, value[0]["code"])
    (before,) = till("card", "pepper", "list", "--json").json
    redeemed = till("voucher", "redeem", "--customer", "42", *ANN, "--json").json
    (after,) = till("card", "pepper", "list", "--json").json
    # A code that was used needs its pepper no more.
    assert (before["voucher_count"], after["voucher_count"]) == (3, 2)
    assert (redeemed["status"], redeemed["given"], redeemed["redeemed_by"]) == ("used", "5.00", 42)
    typed(monkeypatch, value[0]["code"])
    again = till("voucher", "redeem", "--customer", "42", *ANN)
    assert (again.code, again.err) == (1, "ringflow: voucher 1 is used\n")
    typed(monkeypatch, more[0]["code"])
    low = till("voucher", "redeem", "--customer", "42", "--payment", "9.99", *ANN)
    assert low.err == "ringflow: voucher 3 goes with a payment of at least 10.00 USD\n"
    typed(monkeypatch, more[0]["code"])
    assert (
        till("voucher", "redeem", "--customer", "42", "--payment", "20", *ANN, "--json").json["given"]
        == "2.00"
    )
    assert till("ledger", "show", "42", "--json").json["balance"] == "27.00"
    till("voucher", "disable", "2", *ANN)
    assert till("voucher", "show", "2", "--json").json["status"] == "disabled"
    till("voucher", "enable", "2", *ANN)
    assert till("voucher", "delete", "2", *ANN).out == "voucher 2 is deleted\n"
    assert till("voucher", "delete", "1", *ANN).code == 1
    assert till("ledger", "check").out.startswith("the books are right")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--currency", "USD"), "exactly one of a value"),
        (("--currency", "USD", "--value", "1", "--addition", "1"), "exactly one of a value"),
        (("--currency", "USD", "--multiplier", "ten"), "more than 1 and at most 10: 1.1 adds"),
        (("--currency", "USD", "--multiplier", "1"), "more than 1 and at most 10"),
        (("--currency", "XXX", "--value", "1"), "is not a currency"),
        (("--currency", "USD", "--value", "-1"), "`-1` is below zero"),
    ],
)
def test_a_voucher_that_cannot_be_is_one_line_and_exit_1(
    till: Run, words: tuple[str, ...], line: str
) -> None:
    ran = till("voucher", "generate", *words, *ANN)
    assert (ran.code, ran.out) == (1, "")
    assert line in ran.err
    assert till("voucher", "list", "--json").json["items"] == []


def test_no_pin_and_no_code_is_in_the_database_file(till: Run, tmp_path: Path) -> None:
    (one,) = make(till, "--pin-length", "12")
    (other,) = till(
        "voucher", "generate", "--currency", "USD", "--value", "5", *ANN, "--json"
    ).json["secrets"]  # fmt: skip
    database = tmp_path / ".ringflow" / "ringflow.db"
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    written = b"".join(path.read_bytes() for path in database.parent.glob("ringflow.db*"))
    assert one["id"].encode() in written
    assert one["pin"].encode() not in written
    assert other["code"].encode() not in written


def test_pins_for_a_spreadsheet_are_text_that_only_the_owner_reads(till: Run, tmp_path: Path) -> None:
    words = ("card", "generate", "--customer", "7", "--credit", "5.00", "--count", "3", *ANN)
    made = till(*words, "--batch", "a", "--out", "pins.xlsx", "--for-spreadsheet")
    assert made.code == 0, made.err
    file = tmp_path / "pins.xlsx"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    sheet = load_workbook(file).active
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert rows[0] == ["id", "pin"]
    assert [(len(card), len(pin)) for card, pin in rows[1:]] == [(12, 6)] * 3
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} == {"s"}
    assert till(*words, "--out", "pins.csv", "--for-spreadsheet").code == 1
    assert till(*words, "--for-spreadsheet").code == 1
    assert [one.name for one in tmp_path.glob("*pins*")] == ["pins.xlsx"]
    exported = till("card", "export", "--batch", "a", "--out", "cards.xlsx", "--for-spreadsheet")
    assert exported.code == 0, exported.err
    cells = load_workbook(tmp_path / "cards.xlsx").active
    assert sorted(row[0].value for row in cells.iter_rows(min_row=2)) == sorted(row[0] for row in rows[1:])
    codes = ("voucher", "generate", "--currency", "USD", "--value", "5", *ANN, "--out", "codes.xlsx")
    assert till(*codes, "--for-spreadsheet").code == 0
    code = load_workbook(tmp_path / "codes.xlsx").active["B2"]
    assert (len(code.value), code.data_type) == (16, "s")


def test_the_expiry_that_is_shown_can_be_set_again(till: Run) -> None:
    (one,) = make(till, "--expires", "2099-12-31", "--batch", "a")
    shown = till("card", "show", one["id"], "--json").json["expires"]
    again = till("card", "set", one["id"], "--expires", shown, *ANN, "--json")
    assert again.code == 0
    assert till("card", "show", one["id"], "--json").json["expires"] == shown == "2099-12-31"
    assert "2099-12-31" in till("card", "export").out
