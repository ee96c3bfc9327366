"""`ringflow record` and `ringflow audit`, as users run them, on records written as calls write them."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from openpyxl import load_workbook
from typer.testing import CliRunner

from ringflow.accounts import customers
from ringflow.accounts.customers import Customer
from ringflow.actor import acting, shell_operator
from ringflow.calls.call_record import CallRecord, SlotVisit
from ringflow.calls.outcome import Leg, LegStatus, Reject
from ringflow.cli import audit, record, report
from ringflow.errors import RingflowError
from ringflow.ledger.ledger import Ledger
from ringflow.ledger.payments import Purpose, pay_in
from ringflow.ledger.terms import Terms
from ringflow.records.export import COLUMNS
from ringflow.records.recorder import Recorder
from ringflow.records.slot_export import SLOT_COLUMNS
from ringflow.store import Store

from .conftest import BEGAN_MS, BEGAN_S, CARRIER_RATE, MakeCall, give_card

UNIT = 1_000_000
TERMS = Terms("USD", 600_000, connection_micros=10_000, minimum_s=60, increment_s=6, prefix="4412")
Run = Callable[..., str]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str) -> Run:
    """Runs a command on the database; gives what it prints on standard output."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").touch()
    monkeypatch.setenv("RINGFLOW_DATABASE__URL", database_url)

    def ran(app: typer.Typer, *words: str) -> str:
        # A noun below others, as `ringflow` has it: alone, one with a single command would be that command.
        whole = typer.Typer()
        whole.add_typer(app, name="noun")
        result = CliRunner().invoke(whole, ["noun", *words])
        if isinstance(result.exception, RingflowError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.stdout

    return ran


def on(url: str, work: Callable[[Store], Coroutine[Any, Any, None]]) -> None:
    async def opened() -> None:
        store = await Store.open(url)
        try:
            await work(store)
        finally:
            await store.close()

    asyncio.run(opened())


async def keep(store: Store, calls: Iterable[CallRecord]) -> None:
    """Write the records of calls, as a server does."""
    recorder = Recorder(store, "here")
    for call in calls:
        recorder.write_soon(call)
    await recorder.close(30)


@pytest.fixture
def filled(database_url: str, make_call: MakeCall) -> None:
    """A charged call of customer 42 (leg 2 talked 4 s at 0.60 a minute, 60/6), a rejected one, a busy one.

    The trunk of leg 2 costs us money too.
    """
    busy = Leg("33123456789", "first", LegStatus.BUSY, 0, 17)
    calls = [
        make_call("01a"),
        make_call(
            "02b",
            started_at_s=BEGAN_S + 60,
            outcome="rejected",
            reason="CLI Not Authorized",
            reject=Reject(403, "CLI Not Authorized"),
            cli="=cmd()",
            app=None,
            customer=None,
            card=None,
            legs=(),
            visits=(),
        ),
        make_call("03c", started_at_s=BEGAN_S + 120, outcome="busy", card=None, legs=(busy,)),
    ]

    async def fill(store: Store) -> None:
        async with acting(store, shell_operator("ann"), "US") as actor:
            await customers.add(actor, Customer(42, "Demo"))
        async with acting(store, shell_operator("ann"), "US", BEGAN_MS) as actor:
            await pay_in(actor, 42, 5 * UNIT, Purpose("k", "cash"))
        await give_card(store, "second", CARRIER_RATE)
        ledger = Ledger(store, "here")
        for position in (1, 2):
            await ledger.hold(f"01a.{position}@1.1", 42, UNIT, terms=TERMS)
        await ledger.release("01a.1@1.1")
        await ledger.settle_talk("01a.2@1.1", 4000)
        await keep(store, calls)

    on(database_url, fill)


def listed(run: Run, *words: str) -> list[str]:
    return [call["call_id"] for call in json.loads(run(record.app, "list", "--json", *words))["items"]]


@pytest.mark.usefixtures("filled")
def test_calls_are_listed_newest_first_and_found_by_each_of_their_facts(run: Run) -> None:
    assert listed(run) == ["03c", "02b", "01a"]
    assert listed(run, "--limit", "1") == ["03c"]
    assert listed(run, "--cli", "+44 191 000 0001") == ["03c", "01a"]
    assert listed(run, "--search", "+44 191 000 0001") == ["03c", "01a"]
    assert listed(run, "--did", "8005550100", "--outcome", "busy") == ["03c"]
    assert listed(run, "--customer", "42", "--app", "card") == ["03c", "01a"]
    assert listed(run, "--card", "106367704089") == ["01a"]
    assert listed(run, "--trunk", "first") == ["03c", "01a"]
    assert listed(run, "--number", "+33") == ["03c"]
    assert listed(run, "--number", "44", "--trunk", "second") == ["01a"]
    assert listed(run, "--number", "3%") == []
    assert listed(run, "--status", "congestion") == ["01a"]
    assert listed(run, "--status", "busy", "--trunk", "first") == ["03c"]
    assert listed(run, "--status", "busy", "--trunk", "second") == []
    assert listed(run, "--refused") == ["02b"]
    assert listed(run, "--unpaid") == []
    assert listed(run, "--since", "2025-06-15T15:07:40", "--until", "2025-06-15T15:08:40Z") == ["02b"]
    assert listed(run, "--since", "1h") == []


@pytest.mark.usefixtures("filled")
def test_an_outcome_that_no_call_can_have_is_refused_with_those_there_are(run: Run) -> None:
    assert listed(run, "--outcome", "no_input") == []
    with pytest.raises(RingflowError, match="--outcome complted: no call ends so; did you mean `completed`"):
        run(record.app, "list", "--outcome", "complted")
    with pytest.raises(RingflowError, match="known are abandoned, anonymous, blocked, busy, ") as refused:
        run(record.app, "export", "--out", "-", "--outcome", "zzz")
    assert re.search(", kicked, limit, locked, .*, rejected, .*transferred, unknown", str(refused.value))
    with pytest.raises(RingflowError, match="ask for `--status congestion`"):
        run(record.app, "list", "--outcome", "congestion")


def test_an_outcome_that_a_flow_named_itself_is_found(
    run: Run, database_url: str, make_call: MakeCall, tmp_path: Path
) -> None:
    on(database_url, lambda store: keep(store, [make_call("01a", outcome="7"), make_call("02b")]))
    assert listed(run, "--outcome", "7") == ["01a"]
    assert run(record.app, "export", "--out", "-", "--outcome", "7").count("\n01a,") == 2
    with pytest.raises(RingflowError, match="--outcome 8: no call ends so"):
        run(record.app, "export", "--out", str(tmp_path / "a.csv"), "--outcome", "8")
    assert not (tmp_path / "a.csv").exists()


@pytest.mark.usefixtures("filled")
def test_the_examples_of_the_page_run(run: Run, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "records.md").read_text()
    examples = [line.split() for line in page.splitlines() if line.startswith("    ringflow record ")]
    assert len(examples) == 7
    for _, _, verb, *words in examples:
        run(
            record.app, verb, *("01a" if word.startswith(("019a3c5b", "CALL_ID")) else word for word in words)
        )
    assert "01a" in run(record.app, "list", "--number", "4412", "--trunk", "first", "--status", "congestion")


def test_a_leg_that_was_not_dialled_says_why_and_one_that_was_not_paid_is_found(
    run: Run, database_url: str, make_call: MakeCall, tmp_path: Path
) -> None:
    why = "customer 42 has no rate card, and there is no default one for USD"
    unrated = Leg("441234567890", "first", LegStatus.NO_RATE, reason=why)

    async def fill(store: Store) -> None:
        async with acting(store, shell_operator("ann"), "US") as actor:
            await customers.add(actor, Customer(42, "Demo"))
        async with acting(store, shell_operator("ann"), "US", BEGAN_MS) as actor:
            await pay_in(actor, 42, UNIT, Purpose("k", "cash"))
        ledger = Ledger(store, "here")
        await ledger.hold("01a.2@1.1", 42, UNIT, terms=TERMS)
        await ledger.settle("01a.2@1.1", 3 * UNIT)
        await keep(store, [make_call("01a"), make_call("02b", outcome="refused", legs=(unrated,))])

    on(database_url, fill)
    assert listed(run, "--refused") == listed(run, "--status", "no_rate") == ["02b"]
    assert listed(run, "--unpaid") == ["01a"]
    assert f"leg 1 to 441234567890 via first: no_rate ({why})" in run(record.app, "show", "02b")
    assert json.loads(run(record.app, "show", "02b", "--json"))["legs"][0]["reason"] == why
    lines = list(csv.DictReader(run(record.app, "export", "--out", "-", "--refused").splitlines()))
    assert [line["leg_reason"] for line in lines] == [why]


@pytest.mark.usefixtures("filled")
def test_a_list_for_people_has_the_number_and_the_charge(run: Run) -> None:
    line = next(line for line in run(record.app, "list").splitlines() if "01a" in line)
    assert line.split() == [
        *("2025-06-15T15:06:40.000Z", "01a", "18005550100", "441910000001", "42", "card", "completed"),
        *("441234567890", "UK", "fixed", "second", "answered", "4.000", "0.61", "USD", "0.0117", "EUR"),
    ]


@pytest.mark.usefixtures("filled")
def test_people_read_and_write_times_in_the_operators_zone_and_programs_read_them_in_utc(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGFLOW_TIMEZONE", "Europe/London")
    at_home, in_utc = "2025-06-15T16:06:40.000+01:00", "2025-06-15T15:06:40.000Z"
    assert at_home in run(record.app, "list")
    assert f"call 01a of {at_home}, on here" in run(record.app, "show", "01a")
    assert json.loads(run(record.app, "show", "01a", "--json"))["started_at"] == in_utc
    for words in ((), ("--slots",)):
        lines = list(csv.DictReader(run(record.app, "export", "--out", "-", *words).splitlines()))
        assert lines[0]["started_at"] == at_home
    assert listed(run, "--since", "2025-06-15T16:07:40", "--until", "2025-06-15T16:08:40") == ["02b"]
    assert listed(run, "--since", "2025-06-15T15:07:40Z", "--until", "2025-06-15T11:08:40-04:00") == ["02b"]
    # Kolkata has no summer time, so it does not matter when this runs.
    monkeypatch.setenv("RINGFLOW_TIMEZONE", "Asia/Kolkata")
    newest = json.loads(run(audit.app, "list", "--json"))["items"][0]["at"]
    shown = datetime.fromisoformat(run(audit.app, "list").splitlines()[2].split()[0])
    assert newest.endswith("Z")
    assert shown.isoformat().endswith("+05:30")
    assert shown == datetime.fromisoformat(newest)


@pytest.mark.usefixtures("filled")
def test_a_call_is_shown_as_it_happened(run: Run) -> None:
    charge = "0.61 USD for 60 s at 0.60 a minute (4412)"
    assert run(record.app, "show", "01a").splitlines() == [
        "    0.000  ask of card: keys **** 441234567890, done",
        "    3.000  destination[2] of card: done",
        "    3.500  leg 1 to 441234567890 via first: congestion (cause 34)",
        "    8.900  leg 2 to 441234567890 (UK fixed) via second: answered, SIP "
        "200 (cause 19), released by credit, "
        "talked 4.000 s, " + charge + ", cost 0.0117 EUR (44)",
        "    9.000  completed",
        "           released by caller (cause 16)",
        "call 01a of 2025-06-15T15:06:40.000Z, on here, Asterisk 1750000000-1",
        "from 441910000001 to 18005550100",
        "app card, revision r1",
        "customer 42, card 106367704089",
        "leg 1 in the ledger: 01a.1@1.1",
        "leg 2 in the ledger: 01a.2@1.1",
        "hold of leg 1: 1.00 USD for customer 42, released",
        "hold of leg 2: 1.00 USD for customer 42, settled",
        "movement 2 of leg 2: charge of 0.61 USD, customer 42 to revenue: call",
    ]
    assert "rejected with SIP 403" in run(record.app, "show", "02b")
    with pytest.raises(RingflowError, match="call nope is not on record"):
        run(record.app, "show", "nope")


@pytest.mark.usefixtures("filled")
def test_a_call_is_shown_whole_to_programs(run: Run) -> None:
    call = json.loads(run(record.app, "show", "01a", "--json"))
    assert (call["started_at"], call["revision"], call["release_cause"]) == (
        "2025-06-15T15:06:40.000Z",
        "r1",
        16,
    )
    assert (call["released_by"], call["legs"][1]["released_by"]) == ("caller", "credit")
    assert [slot["keys"] for slot in call["slots"]] == ["**** 441234567890", ""]
    assert (call["duration_s"], [slot["entered_s"] for slot in call["slots"]]) == (9, [0, 3])
    assert [leg["ended_s"] for leg in call["legs"]] == [3.5, 8.9]
    charged = call["legs"][1]
    assert (charged["talked_s"], charged["billed_s"], charged["prefix"]) == (4, 60, "4412")
    assert (charged["price"], charged["charged"], charged["currency"]) == ("0.60", "0.61", "USD")
    assert (charged["cost"], charged["cost_currency"], charged["cost_prefix"]) == ("0.0117", "EUR", "44")
    assert call["legs"][0]["cost"] is None
    assert (call["customer"], call["card"]) == (42, "106367704089")
    assert not [name for name in [*call, *charged] if name.endswith(("_micros", "customer_id", "card_id"))]
    assert [leg["destination"] for leg in call["legs"]] == [None, "UK fixed"]
    assert not charged.keys() & {"sold_destination", "cost_destination"}
    assert [leg["sip_code"] for leg in call["legs"]] == [None, 200]


@pytest.mark.usefixtures("filled")
def test_a_call_that_is_shown_has_its_holds_its_movements_and_what_happened(run: Run) -> None:
    call = json.loads(run(record.app, "show", "01a", "--json"))
    holds = [(one["leg_id"], one["status"], one["held"], one["charged"]) for one in call["holds"]]
    assert holds == [("01a.1@1.1", "released", "1.00", "0.00"), ("01a.2@1.1", "settled", "1.00", "0.61")]
    moved = [(one["kind"], one["amount"], one["leg_id"]) for one in call["movements"]]
    assert moved == [("charge", "0.61", "01a.2@1.1")]
    assert [(one["at_s"], one["event"], one["slot"]) for one in call["transcript"]] == [
        (0, "slot", "ask"),
        (3, "slot", "destination[2]"),
        (3.5, "leg", ""),
        (8.9, "leg", ""),
        (9, "ended", ""),
    ]
    assert call["transcript"][0]["detail"] == "ask of card: keys **** 441234567890, done"
    rejected = json.loads(run(record.app, "show", "02b", "--json"))
    assert (rejected["holds"], rejected["movements"]) == ([], [])
    assert rejected["transcript"][-1]["event"] == "ended"


@pytest.mark.usefixtures("filled")
def test_a_list_for_programs_says_nothing_of_slots_which_it_does_not_read(run: Run) -> None:
    listed_calls = json.loads(run(record.app, "list", "--json"))["items"]
    assert [call["call_id"] for call in listed_calls] == ["03c", "02b", "01a"]
    assert not any("slots" in call for call in listed_calls)


@pytest.mark.usefixtures("filled")
def test_an_export_has_a_line_for_each_leg_and_no_formula(run: Run, tmp_path: Path) -> None:
    run(record.app, "export", "--out", "calls.csv")
    assert (tmp_path / "calls.csv").stat().st_mode & 0o077 == 0
    with (tmp_path / "calls.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [(line["call_id"], line["position"], line["status"]) for line in lines] == [
        ("01a", "1", "congestion"),
        ("01a", "2", "answered"),
        ("02b", "", ""),
        ("03c", "1", "busy"),
    ]
    assert (lines[1]["charged"], lines[1]["billed_s"], lines[1]["talked_s"]) == ("0.61", "60", "4.000")
    assert (lines[1]["release_cause"], lines[1]["hangup_cause"]) == ("16", "19")
    assert (lines[1]["released_by"], lines[1]["leg_released_by"]) == ("caller", "credit")
    costs = [(line["cost"], line["cost_currency"], line["cost_prefix"]) for line in lines[:2]]
    assert costs == [("", "", ""), ("0.0117", "EUR", "44")]
    assert [line["sip_code"] for line in lines] == ["", "200", "", ""]
    assert [line["destination"] for line in lines] == ["", "UK fixed", "", ""]
    assert (lines[2]["cli"], lines[2]["reject_sip"]) == ("'=cmd()", "403")
    assert run(record.app, "export", "--out", "-", "--outcome", "busy").count("\n") == 2


@pytest.mark.usefixtures("filled")
def test_an_export_for_a_spreadsheet_keeps_numbers_whole(run: Run, tmp_path: Path) -> None:
    run(record.app, "export", "--out", "calls.xlsx", "--for-spreadsheet")
    assert (tmp_path / "calls.xlsx").stat().st_mode & 0o077 == 0
    rows = list(load_workbook(tmp_path / "calls.xlsx").active.iter_rows(values_only=True))
    lines = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    assert [(line["cli"], line["dialled"]) for line in lines[1:3]] == [
        ("441910000001", "441234567890"),
        ("=cmd()", None),
    ]
    assert (lines[1]["card"], lines[1]["charged"], lines[1]["talked_s"]) == ("106367704089", 0.61, 4)


@pytest.mark.usefixtures("filled")
def test_calls_are_found_by_the_beginning_of_their_number_in_any_form(run: Run) -> None:
    lines = {
        form: run(record.app, "export", "--out", "-", "--number", form)
        for form in ("4412", "011 4412", "+4412")
    }
    assert lines["4412"].count("441234567890") >= 2
    assert len(set(lines.values())) == 1
    assert run(record.app, "export", "--out", "-", "--number", "4413").count("\n") == 1


def test_an_export_of_many_pages_has_every_call_once(
    run: Run, database_url: str, make_call: MakeCall
) -> None:
    # Many at the same millisecond: pages must not lose nor repeat them.
    calls = [make_call(f"{number:05}", started_at_s=BEGAN_S + number // 400) for number in range(1203)]
    on(database_url, lambda store: keep(store, calls))
    text = run(record.app, "export", "--out", "-")
    assert [line.split(",")[0] for line in text.splitlines()[1::2]] == [
        f"{number:05}" for number in range(1203)
    ]


def test_the_columns_of_the_export_are_those_of_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "records.md").read_text()
    assert [name for name in (*COLUMNS, *SLOT_COLUMNS) if f"`{name}`" not in page] == []


def test_an_export_of_slots_has_a_line_for_each_with_secret_keys_hidden(
    run: Run, database_url: str, make_call: MakeCall
) -> None:
    calls = [make_call(f"{number:03}", started_at_s=BEGAN_S + number) for number in range(501)]
    hangs_up = (SlotVisit("menu", "ask", "ivr", 1250, None, ("=1",)),)
    calls += [
        make_call("rejected", visits=(), started_at_s=BEGAN_S + 501),
        make_call("last", visits=hangs_up, cli=None, started_at_s=BEGAN_S + 502),
    ]
    on(database_url, lambda store: keep(store, calls))
    lines = list(csv.reader(run(record.app, "export", "--out", "-", "--slots").splitlines()))
    assert lines[0] == list(SLOT_COLUMNS)
    facts = ["000", "2025-06-15T15:06:40.000Z", "18005550100", "441910000001", "42", "completed"]
    assert lines[1] == [*facts, "1", "card", "ask", "ivr", "0.000", "done", "**** 441234567890", "0", ""]
    assert lines[2] == [*facts, "2", "card", "destination[2]", "destination", "3.000", "done", "", "0", ""]
    assert [line[0] for line in lines[1:-1]] == [f"{number:03}" for number in range(501) for _ in range(2)]
    assert lines[-1][:1] + lines[-1][3:4] == ["last", ""]
    assert lines[-1][6:] == ["1", "menu", "ask", "ivr", "1.250", "", "'=1", "0", ""]
    late = run(record.app, "export", "--out", "-", "--slots", "--since", "2025-06-15T15:15:00")
    assert late.count("\n") == 1 + 2 + 1


def test_slots_of_an_app_that_another_one_called_stand_below_the_slot_that_did(
    run: Run, database_url: str, make_call: MakeCall
) -> None:
    visits = (
        SlotVisit("main", "ask", "app", 0, "done"),
        SlotVisit("number", "ivr[1]", "ivr", 10, "done", ("1",), depth=1, revision="70ed70d2c4f7"),
        SlotVisit("main", "dial", "destination", 20, "done"),
    )
    on(database_url, lambda store: keep(store, [make_call("01a", visits=visits)]))
    slots = json.loads(run(record.app, "show", "01a", "--json"))["slots"]
    assert [slot["depth"] for slot in slots] == [0, 1, 0]
    assert [slot["revision"] for slot in slots] == [None, "70ed70d2c4f7", None]
    assert [line.split(None, 1)[1] for line in run(record.app, "show", "01a").splitlines()[:3]] == [
        "ask of main: done",
        "> ivr[1] of number: keys 1, done",
        "dial of main: done",
    ]
    lines = csv.DictReader(run(record.app, "export", "--out", "-", "--slots").splitlines())
    assert [(line["depth"], line["revision"]) for line in lines] == [
        ("0", ""),
        ("1", "70ed70d2c4f7"),
        ("0", ""),
    ]


@pytest.mark.usefixtures("filled")
def test_the_audit_log_is_listed_with_what_differs(run: Run, database_url: str) -> None:
    async def alter(store: Store) -> None:
        async with acting(store, shell_operator("bob"), "US") as actor:
            await customers.alter(actor, 42, status="penalty")

    on(database_url, alter)
    entry, *_ = json.loads(run(audit.app, "list", "--json", "--operator", "bob"))["items"]
    assert (entry["verb"], entry["subject"]) == ("set", "customer 42")
    assert (entry["before"]["status"], entry["after"]["status"]) == ("active", "penalty")
    table = run(audit.app, "list", "--subject", "customer 42", "--operator", "bob").splitlines()
    (shown,) = (line for line in table if "bob" in line)
    assert shown.split()[1:] == [
        "bob",
        "set",
        "customer",
        "42",
        "status:",
        '"active"',
        "status:",
        '"penalty"',
    ]
    assert run(audit.app, "list", "--since", "2100-01-01") == "none\n"
    with pytest.raises(RingflowError, match="--since yesterday: write a date"):
        run(audit.app, "list", "--since", "yesterday")


def test_money_that_is_not_settled_or_known_is_said_so(
    run: Run, database_url: str, make_call: MakeCall
) -> None:
    async def fill(store: Store) -> None:
        async with acting(store, shell_operator("ann"), "US") as actor:
            await customers.add(actor, Customer(42, "Demo"))
        async with acting(store, shell_operator("ann"), "US", BEGAN_MS) as actor:
            await pay_in(actor, 42, 5 * UNIT, Purpose("k", "cash"))
        await Ledger(store, "here").hold("01a.2@1.1", 42, UNIT, terms=TERMS)
        await keep(store, [make_call("01a")])

    on(database_url, fill)
    lines = run(record.app, "show", "01a").splitlines()
    assert lines[2].endswith("congestion (cause 34)")
    assert lines[3].endswith("talked 4.000 s, not settled yet")


@pytest.mark.usefixtures("filled")
def test_the_command_prints_a_line_for_each_trunk(run: Run) -> None:
    shown = run(report.app, "calls", "--by", "trunk")
    assert "asr percent" in shown
    assert "EUR: 0.0117" in shown
    told = run(report.app, "calls", "--by", "trunk", "--csv", "-")
    lines = [
        {name: text for name, text in line.items() if text} for line in csv.DictReader(io.StringIO(told))
    ]
    none = {"charged": "0.00", "refunded": "0.00", "uncollected": "0.00"}
    assert lines == [
        {
            **{"trunk": "first", "attempts": "2", "answered": "0", "asr_percent": "0.0"},
            **{"talked_minutes": "0.0", "billed_minutes": "0.0", "lost": "0", "without_margin": "0"},
            **{"currency": "USD", **none},
        },
        {
            **{"trunk": "second", "attempts": "1", "answered": "1", "asr_percent": "100.0", "acd_s": "4.0"},
            **{"talked_minutes": "0.07", "billed_minutes": "1.0", "lost": "0", "without_margin": "1"},
            **{"currency": "EUR", "cost": "0.0117", **none},
        },
        # The figures of a trunk stand once.
        {"trunk": "second", "currency": "USD", **none, "charged": "0.61"},
    ]


@pytest.mark.usefixtures("filled")
def test_the_command_tells_programs_the_same(run: Run) -> None:
    (day,) = json.loads(run(report.app, "calls", "--by", "day", "--json"))
    assert (day["day"], day["attempts"], day["answered"], day["asr_percent"]) == ("2025-06-15", 3, 1, 33.3)
    assert [(one["currency"], one["charged"], one["cost"], one["margin"]) for one in day["amounts"]] == [
        ("EUR", "0.00", "0.0117", None),
        ("USD", "0.61", None, None),
    ]
    assert json.loads(run(report.app, "calls", "--by", "customer", "--until", "2020-01-01", "--json")) == []


@pytest.mark.usefixtures("filled")
def test_the_cost_of_a_trunk_without_a_rate_card_is_not_shown_as_nothing(run: Run) -> None:
    first, second = json.loads(run(report.app, "calls", "--by", "trunk", "--json"))
    assert (first["trunk"], [(one["currency"], one["cost"], one["charged"]) for one in first["amounts"]]) == (
        "first",
        [("USD", None, "0.00")],
    )
    assert (second["trunk"], second["amounts"][0]["cost"]) == ("second", "0.0117")
    shown = run(report.app, "calls", "--by", "trunk").splitlines()
    (line,) = [line.split() for line in shown if line.startswith("first")]
    assert line[-2:] == ["-", "-"]


@pytest.mark.usefixtures("filled")
def test_a_word_that_no_call_ended_as_is_looked_for_among_the_legs(run: Run, tmp_path: Path) -> None:
    def told(*words: str) -> str:
        result = CliRunner().invoke(record.app, [*words])
        assert result.exit_code == 0, result.output
        return result.stderr

    hint = "no call ended so; legs: --status no_credit\n"
    assert told("list", "--outcome", "no_credit") == hint
    assert hint in told("export", "--outcome", "no_credit", "--out", str(tmp_path / "a.csv"))
    assert told("list", "--outcome", "no_credit", "--status", "no_credit") == ""
    assert told("list", "--outcome", "busy") == ""
    assert told("list", "--outcome", "no_input") == ""


@pytest.mark.usefixtures("filled")
def test_a_reports_days_are_those_of_the_operators_zone(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGFLOW_TIMEZONE", "Pacific/Auckland")
    (day,) = json.loads(run(report.app, "calls", "--by", "day", "--json"))
    assert (day["day"], day["attempts"]) == ("2025-06-16", 3)
