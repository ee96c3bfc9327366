from __future__ import annotations

import asyncio
import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.paying_customers import add_customer, as_ann
from typer.testing import CliRunner

from ringflow.actor import Actor, shell_operator
from ringflow.cli import ledger as ledger_commands
from ringflow.cli import rate as rate_commands
from ringflow.cli import trunk as trunk_commands
from ringflow.errors import DocumentError, Refused, Unknown
from ringflow.ledger.hold import Hold
from ringflow.ledger.rates.card import (
    Rate,
    RateFilter,
    assign_customer,
    assign_trunk,
    create_card,
    find_card,
    get_card,
    rate_page,
)
from ringflow.ledger.rates.export import export_rates, rate_parts
from ringflow.ledger.rates.quote import FOR_CUSTOMER, BlockedDestination, NoRate, Quote, for_customers, quote
from ringflow.ledger.rates.sheet_dates import LAST_MOMENT_MS
from ringflow.ledger.rates.sheet_import import RateFile, import_rates, read_rates
from ringflow.ledger.terms import Terms, affordable_ms
from ringflow.money import MAX_AMOUNT_MICROS, Rounding
from ringflow.spreadsheets import CsvTable
from ringflow.store.ledger_tables import rates
from ringflow.store.pages import ROWS_AT_ONCE, PageRequest

if TYPE_CHECKING:
    from tests.ledger.conftest import Bank

UNIT = 1_000_000
ROWS_OF_A_BIG_CARD = 3000
ROWS = """prefix,price,connection,minimum,increment,grace,from,until
1,0.01,,,,,,
44,0.02,0.05,60,6,3,,
44800,0,,,,,,
4478,0.30,,,,,,2025-07-01
4478,0.40,,,,,2025-07-01,
"""


# Each in a millisecond of its own, so that no two of a prefix are in effect at once.
ROWS_OF_A_CARD = st.builds(
    lambda prefix, from_ms, **rest: Rate(prefix=prefix, from_ms=from_ms, until_ms=from_ms + 1, **rest),
    prefix=st.from_regex(r"\A(?:[1-9]{1,3}|~[0-9*]{1,3})\Z"),
    from_ms=st.integers(0, LAST_MOMENT_MS - 1),
    price_micros=st.integers(0, MAX_AMOUNT_MICROS),
    connection_micros=st.integers(0, MAX_AMOUNT_MICROS),
    minimum_s=st.integers(1, 86_400),
    increment_s=st.integers(1, 86_400),
    grace_s=st.integers(0, 86_400),
    destination=st.sampled_from(
        ("", "UK, mobile", "=1+1", "'quoted'", 'with "quotes"', "+44", "Côte d’Ivoire")
    ),
    blocked=st.booleans(),
)


def place_of(rate: Rate) -> tuple[str, int]:
    return rate.prefix, rate.from_ms


def ann(bank: Bank, connection: AsyncConnection) -> Actor:
    return Actor(shell_operator("ann"), connection, "US", bank.now_ms)


async def card_with(bank: Bank, folder: Path, rows: str, name: str = "retail") -> RateFile:
    file = folder / "rates.csv"
    file.write_text(rows, "utf-8")
    async with bank.store.writing() as connection:
        card = await create_card(ann(bank, connection), name, "USD", default=True)
        return await import_rates(ann(bank, connection), card, read_rates(file, "USD", "US"))


@pytest.mark.parametrize(
    ("number", "prefix", "price", "minimum_s", "increment_s"),
    [
        ("18005550100", "1", 10_000, 1, 1),
        ("441234567890", "44", 20_000, 60, 6),
        ("448001234567", "44800", 0, 1, 1),
        ("447812345678", "4478", 300_000, 1, 1),
        ("44", "44", 20_000, 60, 6),
    ],
)
async def test_the_longest_prefix_in_effect_wins(
    bank: Bank, tmp_path: Path, number: str, prefix: str, price: int, minimum_s: int, increment_s: int
) -> None:
    await bank.customer(1, 5)
    await card_with(bank, tmp_path, ROWS)
    found = await bank.ledger.quote(number, 1)
    assert (found.card, found.prefix, found.terms.price_micros) == ("retail", prefix, price)
    assert (found.terms.minimum_s, found.terms.increment_s) == (minimum_s, increment_s)
    assert (found.available_micros, found.affordable) == (5 * UNIT, True)


async def test_a_rate_ends_as_the_next_begins(bank: Bank, tmp_path: Path) -> None:
    await bank.customer(1)
    await card_with(bank, tmp_path, ROWS)
    july_ms = 1_751_328_000_000
    prices = [
        (await quote(bank.store, "447800", 1, now_ms)).terms.price_micros for now_ms in (july_ms - 1, july_ms)
    ]
    assert prices == [300_000, 400_000]


async def test_a_quote_says_what_to_hold_and_its_hold_affords_the_slice(bank: Bank, tmp_path: Path) -> None:
    await bank.customer(1, 5)
    await card_with(bank, tmp_path, ROWS)
    found = await bank.ledger.quote("441234567890", 1)
    assert (found.least_micros, found.slice_micros(600_000)) == (70_000, 250_000)
    assert found.affordable_ms == (60 + (4_950_000 * 60 // 20_000 - 60) // 6 * 6) * 1000
    hold = await bank.ledger.hold(
        "leg", 1, found.slice_micros(600_000), least_micros=found.least_micros, terms=found.terms
    )
    assert isinstance(hold, Hold)
    assert hold.terms is not None
    assert affordable_ms(hold.terms, hold.micros) == 600_000
    assert (await bank.ledger.settle_talk("leg", 61_000)).charged_micros == 72_000


async def test_free_numbers_are_affordable_at_zero_credit_and_others_are_not(
    bank: Bank, tmp_path: Path
) -> None:
    await bank.customer(1)
    await card_with(bank, tmp_path, ROWS)
    free = await bank.ledger.quote("448001234567", 1)
    paid = await bank.ledger.quote("441234567890", 1)
    assert (free.affordable, free.affordable_ms) == (True, None)
    assert (paid.affordable, paid.affordable_ms) == (False, 3_000)


async def test_what_has_no_rate_says_so(bank: Bank, tmp_path: Path) -> None:
    await bank.customer(1)
    await bank.customer(2, currency="EUR")
    with pytest.raises(NoRate, match="has no rate card, and there is no default one for USD"):
        await bank.ledger.quote("1800", 1)
    await card_with(bank, tmp_path, ROWS)
    with pytest.raises(NoRate, match="`retail` has no rate for 33123"):
        await bank.ledger.quote("33123", 1)
    with pytest.raises(NoRate, match="no default one for EUR"):
        await bank.ledger.quote("1800", 2)
    with pytest.raises(Refused, match="customer 3 does not exist"):
        await bank.ledger.quote("1800", 3)
    with pytest.raises(Refused, match="a number to be rated is"):
        await bank.ledger.quote("1800&", 1)


async def test_a_blocked_destination_is_refused_by_its_name(bank: Bank, tmp_path: Path) -> None:
    await bank.customer(1, 5)
    rows = "prefix,price,destination\n44,0.02,UK\n4470,blocked,UK personal\n88,N/A,\n"
    await card_with(bank, tmp_path, rows)
    assert (await bank.ledger.quote("441234567890", 1)).terms.destination == "UK"
    with pytest.raises(BlockedDestination, match=r"`retail` blocks 4470 \(UK personal\), so 4470123"):
        await bank.ledger.quote("447012345678", 1)
    with pytest.raises(NoRate, match="blocks 88, so 88123 is not dialled"):
        await bank.ledger.quote("88123", 1)


async def test_the_destinations_name_goes_with_the_hold(bank: Bank, tmp_path: Path) -> None:
    await bank.customer(1, 5)
    await card_with(bank, tmp_path, "prefix,price,destination\n44,0.02,UK\n")
    terms = (await bank.ledger.quote("441234567890", 1)).terms
    assert Terms.from_json(terms.to_json()).destination == "UK"
    assert Terms.from_json('{"currency":"USD","price_micros":1,"rounding":"up"}').destination == ""


async def test_those_who_ask_at_once_get_each_its_own_answer(bank: Bank, tmp_path: Path) -> None:
    for customer in (1, 2):
        await bank.customer(customer, customer)
    await bank.customer(3, currency="EUR")
    await card_with(bank, tmp_path, ROWS)
    await card_with(bank, tmp_path, "prefix,price\n44,0.5\n", "own")
    async with bank.store.writing() as connection:
        await assign_customer(ann(bank, connection), 1, await get_card(connection, "retail"))
    asked = [("18005", 1), ("441", 1), ("441", 2), ("441", 1), ("1", 2), ("1", 3), ("1", 4)]
    answers = await asyncio.gather(*[bank.ledger.quote(*one) for one in asked], return_exceptions=True)
    quoted = [one for one in answers if isinstance(one, Quote)]
    assert [(one.number, one.customer_id, one.card, one.prefix) for one in quoted] == [
        ("18005", 1, "retail", "1"),
        ("441", 1, "retail", "44"),
        ("441", 2, "own", "44"),
        ("441", 1, "retail", "44"),
    ]
    assert [one.available_micros for one in quoted] == [UNIT, UNIT, 2 * UNIT, UNIT]
    assert [type(one) for one in answers[4:]] == [NoRate, NoRate, Unknown]


async def test_a_customer_goes_by_its_own_card_in_its_own_currency(bank: Bank, tmp_path: Path) -> None:
    await bank.customer(1)
    await bank.customer(2, currency="EUR")
    await card_with(bank, tmp_path, ROWS)
    await card_with(bank, tmp_path, "prefix,price\n1,0.5\n", "own")
    async with bank.store.writing() as connection:
        retail, own = await get_card(connection, "retail"), await get_card(connection, "own")
        assert (retail.is_default, own.is_default, retail.rows, own.rows) == (False, True, 5, 1)
        await assign_customer(ann(bank, connection), 1, retail)
        with pytest.raises(Refused, match="customer 2 has EUR, and rate card `own` USD"):
            await assign_customer(ann(bank, connection), 2, own)
        with pytest.raises(Refused, match="no trunk `x`"):
            await assign_trunk(ann(bank, connection), "x", own)
        with pytest.raises(Refused, match="already"):
            await create_card(ann(bank, connection), "own", "USD")
    assert (await bank.ledger.quote("1", 1)).terms.price_micros == 10_000


BAD_ROWS = """prefix,price,minimum,from,until
44,0.01,60,,
x,0.01,60,,
45,nan,60,,
46,0.0000001,60,,
47,-2,60,,
48,1 EUR,60,,
49,1,0,,
50,1,60,yesterday,
51,1,60,2026-01-02,2026-01-01
52,1
44,0.02,60,2030-01-01,
"53,1,60,,
54,1,60,9999-12-31T23:59:59-14:00,
55,1,60,,9999-12-31T23:59:59-14:00
56,1,60,1970-01-01T00:00:00+14:00,
0044,0.02,60,2031-01-01,
0191,1,60,,
"""
WRONG = {
    3: "prefix `x`",
    4: "price: `nan` is not an amount",
    5: "more than 6 decimals",
    6: "below zero",
    7: "is in EUR, and USD is wanted",
    8: "minimum `0`",
    9: "from `yesterday`",
    10: "`until` is not after `from`",
    11: "the header names 5 columns, and here are 2",
    12: "prefix 44 has a rate at the same time in line 2",
    13: "is not CSV: unexpected end of data",
    14: "write a date from 1970 to 9999",
    15: "write a date from 1970 to 9999",
    16: "write a date from 1970 to 9999",
    17: "prefix 44 has a rate at the same time in line 2",
    18: "prefix `0191`: write a country's code",
}


async def prefixes(connection: AsyncConnection) -> list[str]:
    """The prefixes of the card `retail`, in order."""
    card = await get_card(connection, "retail")
    return [rate.prefix for rate in (await rate_page(connection, card, RateFilter(), PageRequest(99))).items]


async def test_an_international_prefix_before_a_rates_prefix_changes_nothing(
    bank: Bank, tmp_path: Path
) -> None:
    rows = "prefix,price\n0044,0.02\n+4478,0.03\n01133,0.04\n1,0.01\n~112,0\n~44,0.05\n"
    await bank.customer(1, 5)
    card = await card_with(bank, tmp_path, rows)
    async with bank.store.reading() as connection:
        kept = await prefixes(connection)
    assert len(card.rows) == 6
    assert kept == ["1", "33", "44", "4478", "~112", "~44"]
    found = [
        await bank.ledger.quote(number, 1) for number in ("441910000001", "447800000000", "~112", "~441")
    ]
    assert [one.prefix for one in found] == ["44", "4478", "~112", "~44"]
    with pytest.raises(NoRate):
        await bank.ledger.quote("~1", 1)


async def test_every_bad_row_is_named_and_nothing_is_applied(bank: Bank, tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as raised:
        await card_with(bank, tmp_path, BAD_ROWS)
    assert [problem.line for problem in raised.value.problems] == list(WRONG)
    for problem in raised.value.problems:
        assert WRONG[problem.line] in problem.what
    async with bank.store.reading() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM rates"))).scalar() == 0


async def test_bad_rows_can_be_left_out_and_cards_replaced(bank: Bank, tmp_path: Path) -> None:
    await card_with(bank, tmp_path, ROWS)
    file = tmp_path / "bad.csv"
    file.write_text(BAD_ROWS, "utf-8")
    async with bank.store.writing() as connection:
        card = await get_card(connection, "retail")
        with pytest.raises(DocumentError, match="prefix 44 has a rate at the same time in the card"):
            await import_rates(ann(bank, connection), card, read_rates(file, "USD", "US"))
        done = await import_rates(
            ann(bank, connection), card, read_rates(file, "USD", "US"), replace=True, skip_bad=True
        )
        assert len(done.rows) == 1
        assert [problem.line for problem in done.problems] == list(WRONG)
        assert [
            rate.prefix for rate in (await rate_page(connection, card, RateFilter(), PageRequest(1000))).items
        ] == ["44"]
        assert (await get_card(connection, "retail")).revision > card.revision


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
async def test_what_is_exported_and_imported_again_is_the_same(
    bank: Bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: st.DataObject
) -> None:
    monkeypatch.setattr("ringflow.store.pages.ROWS_AT_ONCE", 3)
    drawn = data.draw(st.lists(ROWS_OF_A_CARD, max_size=10, unique_by=place_of))
    rows = sorted(drawn, key=place_of)
    rows[-1:] = [replace(last, until_ms=None) for last in rows[-1:]]
    file = tmp_path / "exported.csv"
    async with bank.store.writing() as connection:
        if await find_card(connection, "retail") is None:
            await create_card(ann(bank, connection), "retail", "USD")
        card = await get_card(connection, "retail")
        await import_rates(
            ann(bank, connection), card, RateFile("drawn", tuple(enumerate(rows)), ()), replace=True
        )
        with file.open("w", encoding="utf-8", newline="") as stream:
            assert await export_rates(connection, card, CsvTable(stream)) == len(rows)
        read = read_rates(file, "USD", "US")
        assert read.problems == ()
        await import_rates(ann(bank, connection), card, read, replace=True)
        assert (
            sorted((await rate_page(connection, card, RateFilter(), PageRequest(1000))).items, key=place_of)
            == rows
        )


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "no line names a column for the prefix and one for the price"),
        (b"prefix,surcharge\n", "the column `surcharge` is not known"),
        (b"prefix,price,price\n", "which column is the price: `price` or `price`?"),
        (b"prefix,price\n44,\x81\n", "is not in cp1252: byte 0x81"),
        (b'"prefix,price', "not CSV"),
        (b"prefix,price\n44,\x00\n", "has NUL bytes"),
        (b"\xd0\xcf\x11\xe0 and so on", "is an old Excel file"),
        (b"PK\x03\x04 and so on", "is no workbook that can be read"),
        (b"<html><table>", "is a web page"),
    ],
)
def test_a_file_that_is_no_list_of_rates(tmp_path: Path, content: bytes, what: str) -> None:
    file = tmp_path / "rates.csv"
    file.write_bytes(content)
    with pytest.raises(DocumentError, match=what):
        read_rates(file, "USD", "US")
    with pytest.raises(DocumentError, match="cannot be read"):
        read_rates(tmp_path / "none.csv", "USD", "US")


async def test_a_quote_does_not_look_through_all_rows(bank: Bank, tmp_path: Path) -> None:
    await bank.customer(1, 5)
    rows = "".join(f"{prefix},0.01\n" for prefix in range(100_000, 100_000 + ROWS_OF_A_BIG_CARD))
    await card_with(bank, tmp_path, "prefix,price\n1,0.02\n" + rows)
    assert (await bank.ledger.quote("10123455501", 1)).prefix == "101234"
    if bank.store.dialect == "sqlite":
        explain, query, values = "EXPLAIN QUERY PLAN", FOR_CUSTOMER, [1, "customer:1", 0, 0, *"1" * 16]
    else:
        explain, query, values = "EXPLAIN", for_customers(), ['[{"customer_id": 1, "number": "1"}]', 0, 0]
    async with bank.store.reading() as connection:
        sql, order = query.compile(connection.dialect)
        arguments = tuple(values[index] for index in order)
        plan = (await connection.exec_driver_sql(f"{explain} {sql}", arguments)).all()
    told = "\n".join(str(row[-1]) for row in plan)
    assert not re.search(r"(SCAN|Seq Scan on) rates\b", told), told


def test_the_commands(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("RINGFLOW_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").touch()
    monkeypatch.setenv("RINGFLOW_DATABASE__URL", database_url)
    (tmp_path / "rates.csv").write_text(ROWS, "utf-8")

    def run(app: object, *words: str, code: int = 0) -> dict[str, object]:
        result = CliRunner().invoke(app, [*words, "--json"])  # type: ignore[arg-type]
        assert result.exit_code == code, result.output + str(result.exception)
        return dict(json.loads(result.stdout)) if result.stdout.startswith("{") else {}

    fill(database_url)
    who = ("--reason", "test", "--operator", "ann")
    ledger, rate = ledger_commands.app, rate_commands.app
    first = run(ledger, "pay-in", "1", "5.00", *who, "--key", "k")
    assert (first["amount"], first["again"]) == ("5.00", False)
    assert run(ledger, "pay-in", "1", "5.00", *who, "--key", "k")["again"] is True
    assert run(ledger, "adjust", "1", "-1.50", *who)["kind"] == "adjustment"
    run(ledger, "limit", "1", "--debit", "-0.50", "--daily", "2")
    shown = run(ledger, "show", "1", "--movements", "5")
    assert (shown["balance"], shown["available"], shown["daily_limit"]) == ("3.50", "2.00", "2.00")
    refused = CliRunner().invoke(ledger, ["pay-out", "1", "9", *who])
    assert isinstance(refused.exception, Refused)
    assert "has 3.00 USD available, and 9.00 USD is wanted" in str(refused.exception)
    checked = run(ledger, "check")
    assert (checked["ok"], checked["findings"]) == (True, [])
    run(rate, "add", "retail", "--currency", "USD", "--rounding", Rounding.HALF_UP.value)
    assert run(rate, "import", "rates.csv", "--card", "retail") == {
        "rate_card": "retail",
        "added": 5,
        "left_out": 0,
    }
    run(rate, "assign", "retail", "--customer", "1")
    quoted = run(rate, "quote", "441234567890", "--customer", "1")
    assert (quoted["price"], quoted["affordable_s"], quoted["prefix"]) == ("0.02", 5850, "44")
    assert (quoted["decimals"], quoted["rounding"]) == (4, "half_up")

    def refusal(*words: str) -> str:
        return str(CliRunner().invoke(rate, ["quote", "441234567890", *words]).exception)

    assert "trunk `carrier` has no rate card" in refusal("--trunk", "carrier")
    run(trunk_commands.app, "add", "carrier", "PJSIP/{number}@carrier")
    run(rate, "assign", "retail", "--trunk", "carrier")
    for keyed in ("0044 1234 567890", "011441234567890", "+441234567890"):
        assert run(rate, "quote", keyed, "--customer", "1") == quoted
    assert "`5550100` is not a telephone number in US" in str(
        CliRunner().invoke(rate, ["quote", "5550100", "--customer", "1"]).exception
    )
    listed = CliRunner().invoke(rate, ["show", "retail", "--prefix", "01144", "--json"])
    assert [row["prefix"] for row in json.loads(listed.stdout)["items"]] == ["44", "4478", "4478", "44800"]
    assert run(rate, "quote", "+441234567890", "--trunk", "carrier") == {
        **{
            "number": "441234567890",
            "trunk": "carrier",
            "rate_card": "retail",
            "prefix": "44",
            "currency": "USD",
        },
        "destination": "",
        **{
            name: quoted[name]
            for name in (
                "price",
                "connection",
                "minimum_s",
                "increment_s",
                "grace_s",
                "decimals",
                "rounding",
                "free",
            )
        },
    }
    assert "say who pays" in refusal()
    assert "say who pays" in refusal("--trunk", "carrier", "--customer", "1")


def fill(url: str) -> None:
    import asyncio

    from ringflow.store import Store

    async def add() -> None:
        store = await Store.open(url)
        async with as_ann(store) as ann:
            await add_customer(ann, 1)
        await store.close()

    asyncio.run(add())


async def test_a_big_card_is_exported_in_parts_and_never_whole_in_memory(bank: Bank) -> None:
    count = ROWS_AT_ONCE + 1
    async with as_ann(bank.store) as ann:
        card = await create_card(ann, "big", "USD")
        row: dict[str, object] = {
            "card_id": card.rates_id,
            "price_micros": UNIT,
            "connection_micros": 0,
            "grace_s": 0,
        }
        row |= {"minimum_s": 1, "increment_s": 1, "from_ms": 0, "destination": "", "blocked": False}
        many = [row | {"prefix": str(1_000_000 + number)} for number in range(count)]
        await ann.connection.execute(rates.insert(), many)
    sizes = [len(part) async for part in rate_parts(bank.store, "big")]
    assert sizes == [1, ROWS_AT_ONCE, 1]
