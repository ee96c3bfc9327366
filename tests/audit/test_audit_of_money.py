"""What operators do to credit, limits and rate cards is in the audit log, once, with before and after."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from ringflow.audit import Entry, EntryFilter, entry_page
from ringflow.cli import customer, ledger, rate
from ringflow.errors import RingflowError
from ringflow.store import Store
from ringflow.store.pages import PageRequest

Run = Callable[..., None]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str) -> Run:
    """Runs a command on the database, in Ann's name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").touch()
    monkeypatch.setenv("RINGFLOW_DATABASE__URL", database_url)
    monkeypatch.setenv("RINGFLOW_OPERATOR", "ann")

    def ran(app: typer.Typer, *words: str) -> None:
        result = CliRunner().invoke(app, words)
        if isinstance(result.exception, RingflowError):
            raise result.exception
        assert result.exit_code == 0, result.output

    return ran


def noted(database_url: str, subject: str) -> list[Entry]:
    async def read() -> list[Entry]:
        store = await Store.open(database_url)
        async with store.reading() as connection:
            found = (await entry_page(connection, EntryFilter(subject=subject), PageRequest(100))).items
        await store.close()
        return list(found[::-1])

    return asyncio.run(read())


def changes(entry: Entry, *names: str) -> tuple[Any, ...]:
    before, after = entry.before or {}, entry.after or {}
    return (entry.operator, entry.verb, *((before.get(name), after.get(name)) for name in names))


def test_credit_and_limits_have_before_and_after(run: Run, database_url: str) -> None:
    for customer_id in ("1", "2"):
        run(customer.app, "add", "--id", customer_id, "--operator", "eve")
    run(ledger.app, "pay-in", "1", "5.00", "--reason", "cash")
    for _ in range(2):
        run(ledger.app, "adjust", "1", "--reason", "an error", "--key", "same", "--", "-1.00")
    run(ledger.app, "transfer", "1", "2", "1.50", "--reason", "moved", "--operator", "bob")
    with pytest.raises(RingflowError, match=r"has 2\.50 USD available"):
        run(ledger.app, "pay-out", "1", "9.00", "--reason", "too much")
    for _ in range(2):
        run(ledger.app, "limit", "1", "--debit", "10.00", "--daily", "3.00")
    made, paid, adjusted, moved, debit, daily = noted(database_url, "customer 1")
    assert (made.operator, made.verb) == ("eve", "add")
    assert changes(paid, "balance", "reason") == ("ann", "pay_in", ("0.00 USD", "5.00 USD"), (None, "cash"))
    assert changes(adjusted, "balance") == ("ann", "adjustment", ("5.00 USD", "4.00 USD"))
    assert changes(moved, "balance") == ("bob", "transfer", ("4.00 USD", "2.50 USD"))
    assert changes(debit, "debit_limit") == ("ann", "limit", ("0.00", "10.00"))
    assert changes(daily, "daily_limit") == ("ann", "limit", (None, "3.00"))
    got = noted(database_url, "customer 2")[-1]
    assert changes(got, "balance") == ("bob", "transfer", ("0.00 USD", "1.50 USD"))


def test_rate_cards_their_rows_and_who_goes_by_them_are_noted(
    run: Run, database_url: str, tmp_path: Path
) -> None:
    run(customer.app, "add", "--id", "1")
    run(rate.app, "add", "retail", "--currency", "USD", "--default")
    run(rate.app, "add", "other", "--currency", "USD")
    (tmp_path / "rates.csv").write_text("prefix,price\n44,0.01\n33,0.02\n")
    run(rate.app, "import", "rates.csv", "--card", "retail")
    run(rate.app, "assign", "other", "--customer", "1")
    run(rate.app, "assign", "retail", "--customer", "1")
    run(rate.app, "assign", "other", "--default")
    made, imported = noted(database_url, "rate card retail")
    assert changes(made, "default") == ("ann", "add", (None, True))
    assert changes(imported, "rows", "file") == ("ann", "import", (0, 2), (None, "rates.csv"))
    first, second = noted(database_url, "customer 1")[1:]
    assert changes(first, "rate_card") == ("ann", "assign", (None, "other"))
    assert changes(second, "rate_card") == ("ann", "assign", ("other", "retail"))
    assert [changes(one, "rate_card")[2] for one in noted(database_url, "currency USD")] == [
        (None, "retail"),
        ("retail", "other"),
    ]
