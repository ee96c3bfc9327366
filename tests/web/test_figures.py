"""What `/metrics` shows of the server's parts, and the page that lists it."""

from __future__ import annotations

import asyncio
import re

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from tests.paying_customers import as_ann, give_credit

from ringflow.accounts.lockout import Caller
from ringflow.agi.overload import OverloadControl
from ringflow.agi.refusal import CALLS_FULL, RefusedCall
from ringflow.app import Application, running
from ringflow.bench.load import run_load
from ringflow.calls.outcome import DIAL_STATUSES, LegEnd
from ringflow.config import Config
from ringflow.engine.dialplan import DIALPLAN_VERSION
from ringflow.engine.lost_legs import Claim, Settlements
from ringflow.ledger.terms import Terms
from ringflow.store.calendar_tables import calendars

from .conftest import PROJECT, asking

PAGE = (PROJECT / "docs" / "monitoring.md").read_text("utf-8")
ROW = re.compile(r"^\| `(ringflow_\w+)` \| (\w+) \| ([^|]*)\| (.+) \|$", re.MULTILINE)
BY_LIBRARY = {"le"}
"""Labels that are no figure's own."""


async def scrape(application: Application) -> str:
    async with asking(application) as http, http.get("/metrics") as answer:
        assert answer.status == 200
        return await answer.text()


async def figures(application: Application) -> dict[str, float]:
    """All samples, those with labels as `name{label=value}`, labels in order."""
    found = {}
    for family in text_string_to_metric_families(await scrape(application)):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


async def be_rejected(application: Application) -> None:
    """Call a DID that is not there, and wait until the call is over."""
    reader, writer = await asyncio.open_connection("127.0.0.1", application.fastagi.port)
    headers = ("network: yes", "channel: x", "uniqueid: 1.1", "extension: 12025550199", "callerid: unknown")
    lines = [f"agi_{one}\n" for one in (*headers, f"arg_1: {DIALPLAN_VERSION}")]
    writer.write("".join([*lines, "\n"]).encode())
    assert await reader.readline() == b'EXEC PJSIPHangup "404"\n'
    writer.write(b"200 result=-1\n")
    async with asyncio.timeout(60):
        assert await reader.read() == b""
    writer.close()


async def test_a_reject_is_counted_with_its_reason(config: Config) -> None:
    async with running(config) as application:
        await be_rejected(application)
        found = await figures(application)
    assert found["ringflow_rejects_total{reason=DID Not Found,sip=404}"] == 1
    assert found["ringflow_calls_total{app=none,outcome=rejected}"] == 1


async def test_the_page_lists_what_is_printed(with_ami: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGFLOW_PIN_PEPPER", "5a" * 32)
    async with running(with_ami) as application:
        await run_load(application.fastagi.port, calls=1, at_once=1)
        await be_rejected(application)
        async with application.core.store.writing() as connection:
            values = {"name": "england", "notes": "", "problem": "", "fetched_ms": 0, "tried_ms": 0}
            await connection.execute(calendars.insert().values(**values, created_ms=0, updated_ms=0))
        application.engine.call_refused(RefusedCall(CALLS_FULL))
        application.engine.events.failures["Recorder"] += 1
        load = application.fastagi.loads["192.0.2.7"] = OverloadControl(0.02, None, clock=lambda: 0.0)
        load.overloaded = True
        text = await scrape(application)
    printed, labels = {}, {}
    for family in text_string_to_metric_families(text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        if not name.endswith("_created"):
            printed[name] = (family.type, family.documentation)
            labels[name] = {label for sample in family.samples for label in sample.labels} - BY_LIBRARY
    listed = {name: (kind, meaning) for name, kind, _, meaning in ROW.findall(PAGE)}
    assert listed == printed
    assert labels == {name: set(re.findall(r"`(\w+)`", words)) for name, _, words, _ in ROW.findall(PAGE)}


def test_the_alerts_ask_for_what_is_listed() -> None:
    rules = yaml.safe_load(PAGE.partition("```yaml\n")[2].partition("```")[0])["groups"][0]["rules"]
    listed = {name for name, *_ in ROW.findall(PAGE)}
    asked = {name for rule in rules for name in re.findall(r"ringflow_\w+", rule["expr"])}
    assert {name.removesuffix("_bucket") for name in asked} <= listed
    assert len({rule["alert"] for rule in rules}) == len(rules) > 5


async def test_written_records_and_their_transactions_are_counted(config: Config) -> None:
    async with running(config) as application:
        await run_load(application.fastagi.port, calls=3, at_once=3)
        assert application.records is not None
        await application.records.recorder.written()
        found = await figures(application)
    assert found["ringflow_record_batch_size_sum"] == 3
    assert found["ringflow_record_batch_size_bucket{le=+Inf}"] == found["ringflow_record_batch_seconds_count"]
    assert found["ringflow_record_batch_seconds_sum"] > 0
    assert (found["ringflow_records_waiting"], found["ringflow_records_dropped_total"]) == (0, 0)
    assert found["ringflow_fastagi_calls_total"] == 3


async def test_holds_are_counted_with_the_age_of_the_oldest_until_they_end(config: Config) -> None:
    async with running(config) as application:
        ledger = application.core.charging.ledger
        async with as_ann(application.core.store, ledger.now_ms()) as ann:
            await give_credit(ann, 42, 5_000_000)
        before = await figures(application)
        made_ms = ledger.now_ms()
        for leg in ("a.1@1", "a.2@1"):
            await ledger.hold(leg, 42, 1_000_000, terms=Terms("USD", 60_000))
        held = await figures(application)
        oldest_s = (ledger.now_ms() - made_ms) / 1000
        await asyncio.gather(ledger.release("a.1@1"), ledger.settle("a.2@1", 1000))
        after = await figures(application)
    assert [one["ringflow_open_holds"] for one in (before, held, after)] == [0, 2, 0]
    assert before["ringflow_oldest_hold_age_seconds"] == after["ringflow_oldest_hold_age_seconds"] == 0
    assert 0 < held["ringflow_oldest_hold_age_seconds"] <= oldest_s
    assert held["ringflow_ledger_batch_size_sum"] == 2
    assert after["ringflow_ledger_batch_size_sum"] == 4


async def test_a_leg_that_was_lost_here_shows_until_it_is_settled(config: Config) -> None:
    async with running(config) as application, asking(application) as http:
        charging = application.core.charging
        await charging.ledger.hold("a.1@1", 42, 0, terms=Terms("USD", 0))
        charging.leave("a.1@1")
        assert (await figures(application))["ringflow_ledger_legs_left"] == 1
        async with http.get("/readyz") as answer:
            part = (await answer.json())["parts"]["ledger"]
            assert (answer.status, part["ready"], part["required"]) == (200, False, False)
        end = LegEnd("a.1@1", DIAL_STATUSES["ANSWER"], 1000, charging.ledger.now_ms(), 16)
        await Settlements(charging, None, 30).settle("settled by a test", Claim(end, "", ""))
        assert (await figures(application))["ringflow_ledger_legs_left"] == 0


async def test_a_lock_out_is_counted_among_the_refusals(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGFLOW_PIN_PEPPER", "5a" * 32)
    async with running(config) as application:
        caller_accounts = application.core.world.caller_accounts
        assert caller_accounts is not None
        for _ in range(7):
            await caller_accounts.open_card(None, "12345678", Caller("carrier", "441910000001"))
            await caller_accounts.open_card("200000000006", "1234", Caller("carrier", None))
        found = await figures(application)
    tried = {
        why: found[f"ringflow_card_refusals_total{{why={why}}}"]
        for why in ("unknown", "needs_id", "locked", "used")
    }
    assert tried == {"unknown": 5 + 6, "needs_id": 2, "locked": 1, "used": 0}


async def test_without_the_database_the_page_still_comes_and_says_so(config: Config) -> None:
    async with running(config) as application:
        await application.core.store.close()
        found = await figures(application)
    assert found["ringflow_part_ready{part=database}"] == 0
    assert found["ringflow_part_ready{part=fastagi}"] == 1
    # An alert on what is not ready must not ring for what nobody wants.
    assert "ringflow_part_ready{part=ami}" not in found
    assert "ringflow_open_holds" not in found


async def test_a_garbled_connection_is_counted_by_its_kind(config: Config) -> None:
    async with running(config) as application:
        reader, writer = await asyncio.open_connection("127.0.0.1", application.fastagi.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await asyncio.wait_for(reader.read(), 60) == b""
        writer.close()
        found = await figures(application)
    assert found["ringflow_fastagi_errors_total{kind=protocol_errors}"] == 1
    assert found["ringflow_fastagi_calls_total"] == 0
