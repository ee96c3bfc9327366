"""The filters, searches and sorts of lists, as commands have them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
RING = {"RINGFLOW_PIN_PEPPER": "v1:a-pepper-for-tests-only"}


@pytest.fixture
def listed(ringflow: Run) -> Callable[..., list[Any]]:
    """Runs a list with options, in pages of one; gives the values of a field."""

    def run(field: str, *words: str) -> list[Any]:
        values: list[Any] = []
        after: tuple[str, ...] = ()
        while True:
            page = ringflow(*words, "--limit", "1", *after, "--json", **RING)
            assert page.code == 0, page.err
            values += [one[field] for one in page.json["items"]]
            if page.json["next"] is None:
                whole = ringflow(*words, "--json", **RING).json
                assert ([one[field] for one in whole["items"]], whole["next"]) == (values, None)
                return values
            after = ("--after", page.json["next"])

    return run


def test_customers_and_their_numbers(ringflow: Run, listed: Callable[..., list[Any]]) -> None:
    for number, name, currency in ((1, "beta", "USD"), (2, "Alpha", "EUR"), (3, "gamma 1", "USD")):
        ringflow("customer", "add", name, "--id", str(number), "--currency", currency)
    ringflow("customer", "set", "3", "--status", "penalty")
    customers = ("customer", "list")
    assert listed("id", *customers) == [1, 2, 3]
    assert listed("name", *customers, "--sort", "name") == ["Alpha", "beta", "gamma 1"]
    assert listed("name", *customers, "--sort", "-name") == ["gamma 1", "beta", "Alpha"]
    assert listed("id", *customers, "--search", "1") == [1, 3]
    assert listed("id", *customers, "--search", "ALPHA") == [2]
    assert listed("id", *customers, "--status", "penalty") == [3]
    assert listed("id", *customers, "--currency", "USD") == [1, 3]
    for cli, customer in (("441910000002", "1"), ("441910000001", "2"), ("33140000000", "1")):
        ringflow("cli", "add", cli, "--customer", customer, "--notes", f"of {customer}")
    ringflow("cli", "add", "^4420", "--pattern", "--customer", "1")
    clis = ("cli", "list")
    assert listed("id", *clis, "--sort", "number") == [3, 2, 1, 4]
    assert listed("id", *clis, "--search", "+4419") == [1, 2]
    assert listed("id", *clis, "--search", "of 2") == [2]
    assert listed("id", *clis, "--search", "^44") == [4]
    assert (listed("id", *clis, "--patterns"), listed("id", *clis, "--numbers")) == ([4], [1, 2, 3])
    assert listed("id", *clis, "--customer", "1", "--sort", "-id") == [4, 3, 1]


def test_dids_and_trunks(ringflow: Run, listed: Callable[..., list[Any]]) -> None:
    ringflow("customer", "add", "Example", "--id", "1")
    for number, app in (("18005550101", "beta"), ("18005550100", "menu"), ("100", "menu")):
        ringflow("did", "add", number, app)
    ringflow("did", "set", "100", "--disabled", "--customer", "1")
    dids = ("did", "list")
    assert listed("number", *dids) == ["100", "18005550100", "18005550101"]
    assert listed("number", *dids, "--sort", "app") == ["18005550101", "100", "18005550100"]
    assert listed("number", *dids, "--search", "+1800") == ["18005550100", "18005550101"]
    assert listed("number", *dids, "--search", "ET") == ["18005550101"]
    assert listed("number", *dids, "--app", "menu", "--enabled") == ["18005550100"]
    assert listed("number", *dids, "--disabled") == listed("number", *dids, "--customer", "1") == ["100"]
    for name, position in (("b", "1"), ("a", "2"), ("c", "1")):
        ringflow("trunk", "add", name, f"PJSIP/{{number}}@host{name}", "--position", position)
    ringflow("trunk", "set", "c", "--disabled", "--rated", "upstream")
    trunks = ("trunk", "list")
    assert listed("name", *trunks) == ["b", "c", "a"]
    assert listed("name", *trunks, "--sort", "-name") == ["c", "b", "a"]
    assert listed("name", *trunks, "--search", "HOSTA") == ["a"]
    assert listed("name", *trunks, "--enabled") == listed("name", *trunks, "--rated", "local") == ["b", "a"]


def test_vouchers_batches_rates_and_changes(ringflow: Run, listed: Callable[..., list[Any]]) -> None:
    ringflow("customer", "add", "Template", "--id", "7", "--operator", "ann")
    for batch in ("spring", "autumn"):
        words = ("--batch", batch, "--operator", "bob")
        ringflow("voucher", "generate", "--currency", "USD", "--value", "5", "--count", "2", *words, **RING)
        ringflow("card", "generate", "--customer", "7", "--count", "2", *words, **RING)
    ringflow("voucher", "disable", "1")
    vouchers = ("voucher", "list")
    assert listed("id", *vouchers, "--sort", "batch") == [3, 4, 1, 2]
    assert listed("id", *vouchers, "--sort", "-status") == [1, 4, 3, 2]
    assert (
        listed("id", *vouchers, "--search", "PRI") == listed("id", *vouchers, "--batch", "spring") == [1, 2]
    )
    assert listed("id", *vouchers, "--status", "disabled", "--kind", "value") == [1]
    assert listed("name", "card", "batches") == ["autumn", "spring"]
    assert listed("name", "card", "batches", "--sort", "-name", "--ready") == ["spring", "autumn"]
    assert listed("name", "card", "batches", "--search", "SPR", "--customer", "7") == ["spring"]
    assert listed("name", "card", "batches", "--unready") == []
    assert listed("batch", "card", "list", "--sort", "-created", "--search", "u") == ["autumn"] * 2
    ringflow("rate", "add", "retail", "--currency", "USD", "--operator", "ann")
    for prefix, price, name in (
        ("44", "0.01", "UK"),
        ("447", "0.02", "UK mobile"),
        ("33", "blocked", "France"),
    ):
        ringflow("rate", "set-rate", "retail", prefix, "--price", price, "--destination", name)
    rates = ("rate", "show", "retail")
    assert listed("prefix", *rates) == ["33", "44", "447"]
    assert listed("prefix", *rates, "--sort", "-prefix", "--prefix", "44") == ["447", "44"]
    assert listed("prefix", *rates, "--search", "uk") == listed("prefix", *rates, "--open") == ["44", "447"]
    assert listed("prefix", *rates, "--blocked") == ["33"]
    ringflow("rate", "set-rate", "retail", "44", "--price", "0.03", "--from", "2099-01-01")
    assert listed("price", *rates, "--prefix", "44", "--at", "2099-01-01") == ["0.03", "0.02"]
    assert listed("name", "rate", "list", "--search", "TAIL") == ["retail"]
    changes = ("audit", "list")
    assert listed("subject", *changes, "--operator", "ann", "--sort", "at") == [
        "customer 7",
        "rate card retail",
    ]
    assert listed("subject", *changes, "--subject", "rate card") == ["rate card retail"]
    assert listed("subject", *changes, "--search", "TAIL", "--verb", "add") == ["rate card retail"]
    assert listed("subject", *changes, "--until", "1h") == []
    assert listed("subject", *changes, "--since", "1h", "--subject", "customer") == ["customer 7"]


def test_movements_of_one_customer_and_of_all(ringflow: Run, listed: Callable[..., list[Any]]) -> None:
    for number in ("1", "2"):
        ringflow("customer", "add", "Example", "--id", number)
        ringflow("ledger", "pay-in", number, "5.00", "--reason", f"payment of {number}", "--operator", "ann")
    ringflow("ledger", "transfer", "1", "2", "1.00", "--reason", "moved", "--operator", "bob")
    moved = ("ledger", "movements")
    assert listed("id", *moved) == [3, 2, 1]
    assert listed("id", *moved, "--customer", "1") == [3, 1]
    assert listed("id", *moved, "--customer", "2", "--sort", "booked") == [2, 3]
    assert listed("id", *moved, "--kind", "transfer") == listed("id", *moved, "--operator", "bob") == [3]
    assert listed("id", *moved, "--search", "PAYMENT OF") == [2, 1]
    assert (listed("id", *moved, "--until", "1h"), listed("id", *moved, "--since", "1h")) == ([], [3, 2, 1])


def test_value_lists_and_what_stands_in_them(
    ringflow: Run, listed: Callable[..., list[Any]], tmp_path: Path
) -> None:
    for name, kind in (("barred", "numbers"), ("codes", "text"), ("vips", "numbers")):
        assert ringflow("value-list", "add", name, "--kind", kind, "--notes", f"the {name}").code == 0
    assert listed("name", "value-list", "list") == ["barred", "codes", "vips"]
    assert listed("name", "value-list", "list", "--sort", "-name", "--kind", "numbers") == ["vips", "barred"]
    assert listed("name", "value-list", "list", "--search", "THE CODES") == ["codes"]
    for value in ("+44 191 000 0001", "4419*", "18005550100"):
        ringflow("value-list", "entry", "add", "barred", value, "--notes", "=1+1", "--expires", "2099-07-01")
    entries = ("value-list", "entry", "list", "barred")
    assert listed("entry", *entries, "--search", "+4419") == ["4419*", "441910000001"]
    ringflow("value-list", "entry", "add", "codes", "=A1")
    out = str(tmp_path / "list.csv")
    for name in ("barred", "codes"):
        before = ringflow("value-list", "entry", "list", name, "--json").json["items"]
        ringflow("value-list", "entry", "export", name, "--out", out, "--overwrite")
        assert ringflow("value-list", "delete", name).code == 1
        assert ringflow("value-list", "delete", name, "--entries").code == 0
        ringflow("value-list", "add", name, "--kind", "text" if name == "codes" else "numbers")
        ringflow("value-list", "entry", "import", name, out)
        after = ringflow("value-list", "entry", "list", name, "--json").json["items"]
        assert [one["entry"] for one in after] == [one["entry"] for one in before]
        assert [one["expires"] for one in after] == [one["expires"] for one in before]
    assert ringflow("value-list", "show", "barred", "--json").json["entry_count"] == 3
