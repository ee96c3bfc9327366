"""`ringflow ledger` as an operator uses it: what it prints, and what it refuses."""

from __future__ import annotations

import csv
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
WHO = ("--reason", "bank transfer", "--operator", "ann")


@pytest.fixture
def till(ringflow: Run) -> Run:
    """The command line, with a customer that has 5.00 USD and one that has yen."""
    ringflow("customer", "add", "Ann", "--id", "7")
    ringflow("customer", "add", "Yen", "--id", "8", "--currency", "JPY")
    ringflow("ledger", "pay-in", "7", "5.00", *WHO)
    return ringflow


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("pay-in", "7", "-5"), "`-5` is below zero"),
        (("pay-in", "7", "0"), "an amount is more than zero"),
        (("pay-in", "7", "5.001"), "`5.001` has more than 2 decimals"),
        (("pay-in", "8", "5.5"), "`5.5` has decimals, and this takes none"),
        (("pay-in", "7", "9" * 40), "the amount is larger than 1000000000.00 USD"),
        (("pay-in", "7", "5.00 EUR"), "`5.00 EUR` is in EUR, and USD is wanted"),
        (("pay-in", "7", "1e3"), "`1e3` is not an amount"),
        (("pay-in", "9", "5"), "customer 9 does not exist"),
        (("pay-out", "7", "-5"), "`-5` is below zero"),
        (("pay-out", "7", "5.01"), "customer 7 has 5.00 USD available, and 5.01 USD is wanted"),
        (("adjust", "7", "-5.01"), "customer 7 has 5.00 USD available, and 5.01 USD is wanted"),
        (("transfer", "7", "8", "1"), "a transfer stays within one currency"),
        (("transfer", "7", "7", "1"), "a transfer needs two customers"),
        (("transfer", "7", "8", "-1"), "`-1` is below zero"),
        (("refund", "nothing", "-1"), "there is no leg nothing"),
        (("pay-in", "7", "5", "--key", ""), "a key has characters"),
        (
            ("pay-in", "7", "5", "--key", "leg:c1.1@1"),
            "keys that begin with card:, leg:, telephone:, voucher: are Ringflow's own",
        ),
        (("adjust", "7", "5", "--key", "card:123456789015"), "choose another"),
        (("pay-in", "7", "5", "--key", "voucher:1"), "choose another"),
    ],
)
def test_what_is_refused_is_one_line_and_moves_nothing(till: Run, words: tuple[str, ...], line: str) -> None:
    ran = till("ledger", *words, *WHO)
    assert (ran.code, ran.out) == (1, "")
    assert line in ran.err
    assert len(ran.err.splitlines()) == 1
    assert till("ledger", "show", "7", "--json").json["balance"] == "5.00"
    assert till("ledger", "check").out.startswith("the books are right")


@pytest.mark.parametrize(
    "words",
    [
        ("ledger", "pay-in", "HUGE", "5", *WHO),
        ("ledger", "show", "HUGE"),
        ("ledger", "limit", "HUGE", "--debit", "1"),
        ("ledger", "transfer", "7", "HUGE", "1", *WHO),
        ("rate", "quote", "44", "--customer", "HUGE"),
        ("rate", "assign", "retail", "--customer", "HUGE"),
        ("record", "list", "--customer", "HUGE"),
        ("record", "list", "--limit", "HUGE"),
        ("card", "list", "--customer", "HUGE"),
        ("card", "list", "--redeemed-by", "HUGE"),
        ("cli", "list", "--customer", "HUGE"),
        ("did", "list", "--customer", "HUGE"),
        ("voucher", "show", "HUGE"),
        ("voucher", "list", "--redeemed-by", "HUGE"),
    ],
)
def test_a_number_that_no_database_holds_is_out_of_range(till: Run, words: tuple[str, ...]) -> None:
    ran = till(*[str(10**30) if word == "HUGE" else word for word in words])
    assert (ran.code, ran.out) == (2, "")
    # Typer breaks the line at the width of the terminal.
    assert "less than or equal to" in re.sub(r"[\s│]+", " ", ran.err)


def test_who_never_paid_in_has_nothing_and_who_is_not_there_is_said_so(till: Run) -> None:
    shown = till("ledger", "show", "8", "--json").json
    assert (shown["currency"], shown["balance"], shown["available"]) == ("JPY", "0", "0")
    assert till("ledger", "show", "9").err.startswith("ringflow: customer 9 does not exist")


def test_people_read_who_gave_and_who_got_and_when(till: Run) -> None:
    till("ledger", "adjust", "7", "-1.00", *WHO)
    newest, first = till("ledger", "show", "7", "--movements", "5", "--json").json["movements"]
    assert (first["debit_account"], first["credit_account"], first["kind"]) == (
        "cash",
        "customer 7",
        "pay_in",
    )
    assert (newest["debit_account"], newest["credit_account"]) == ("customer 7", "adjustments")
    assert re.fullmatch(r"20[0-9-]{8}T[0-9:]{8}Z", newest["booked_at"])


def test_a_statement_goes_from_the_opening_balance_to_the_closing_one(till: Run) -> None:
    till("ledger", "pay-out", "7", "1.25", "--reason", "=2+3", "--operator", "ann")
    shown = till("ledger", "statement", "7", "--since", "1h").out
    assert shown.startswith("customer 7, from ")
    assert "opening balance 0.00 USD" in shown
    assert shown.endswith("in 5.00 USD, out 1.25 USD\nclosing balance 3.75 USD\n")
    told = till("ledger", "statement", "7", "--json").json
    assert (told["customer"], told["currency"], told["opening"], told["closing"]) == (
        7,
        "USD",
        "0.00",
        "3.75",
    )
    assert [
        (one["kind"], one["amount"], one["balance"], one["other_account"], one["reason"], one["operator"])
        for one in told["movements"]
    ] == [
        ("pay_in", "5.00", "5.00", "cash", "bank transfer", "ann"),
        ("pay_out", "-1.25", "3.75", "cash", "=2+3", "ann"),
    ]
    nothing = till("ledger", "statement", "7", "--until", "2020-01-01").out
    assert "opening balance 0.00 USD" in nothing
    assert nothing.endswith("closing balance 0.00 USD\n")


def test_a_statement_as_csv_has_a_line_for_each_balance_and_movement(till: Run, tmp_path: Path) -> None:
    till("ledger", "pay-out", "7", "1.25", "--reason", "=2+3", "--operator", "ann")
    assert till("ledger", "statement", "7", "--csv", "seven.csv").out == ""
    with (tmp_path / "seven.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [
        (one["kind"], one["amount"], one["balance"], one["currency"], one["reason"]) for one in lines
    ] == [
        ("opening", "", "0.00", "USD", ""),
        ("pay_in", "5.00", "5.00", "USD", "bank transfer"),
        ("pay_out", "-1.25", "3.75", "USD", "'=2+3"),
        ("closing", "", "3.75", "USD", ""),
    ]
    again = till("ledger", "statement", "7", "--csv", "seven.csv")
    assert (again.code, again.err) == (1, "ringflow: seven.csv exists already; choose another name\n")
    assert till("ledger", "statement", "7", "--csv", "-").out == (tmp_path / "seven.csv").read_text()


def test_a_customer_without_any_movement_has_a_statement_of_nothing(till: Run) -> None:
    told = till("ledger", "statement", "8", "--json").json
    assert (told["currency"], told["opening"], told["movements"], told["closing"]) == ("JPY", "0", [], "0")
    nobody = till("ledger", "statement", "9")
    assert (nobody.code, nobody.out) == (1, "")
    assert "customer 9" in nobody.err


def test_a_period_that_ends_before_it_begins_is_refused(till: Run) -> None:
    ran = till("ledger", "statement", "7", "--since", "2026-07-01", "--until", "2026-07-01")
    assert (ran.code, ran.out) == (1, "")
    assert "--until 2026-07-01 is not after --since 2026-07-01" in ran.err


def test_a_statement_of_wrong_books_says_so_and_fails(till: Run, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / ".ringflow" / "ringflow.db")) as database:
        database.execute("UPDATE ledger_accounts SET balance_micros = 6000000 WHERE id = 7")
        database.commit()
    ran = till("ledger", "statement", "7")
    assert ran.code == 1
    assert "closing balance 5.00 USD" in ran.out
    assert "1.00 USD off the sum of its movements" in ran.err
