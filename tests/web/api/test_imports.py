"""Sheets over HTTP: imported as jobs, all of one or none, beside the calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from ringflow.config import Config
from ringflow.ledger.rates import edition
from ringflow.web.api.routes import PREFIX
from ringflow.web.jobs import rate_jobs
from ringflow.web.jobs.kinds import KINDS
from ringflow.web.jobs.runner import JobRunner
from ringflow.web.rest.services import Services

from .conftest import Api, Client, served

CSV = {"Content-Type": "text/csv"}
SHEET = "Code,Rate USD,Name\n44,0.06,United Kingdom\n447,0.08,UK mobile\n33,0.05,France\n"


@pytest.fixture
async def idle(server_config: Config, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """A server that does no job by itself."""

    async def nothing(runner: JobRunner) -> None:
        return None

    monkeypatch.setattr(JobRunner, "run", nothing)
    async with served(server_config) as api:
        yield api


def runner(api: Api, *, apart: bool) -> JobRunner:
    core = api.application.core
    services = Services(core.store, core.config, core.charging.ledger.now_ms, {}, lambda: None)
    kinds = [replace(kind, apart=kind.apart and apart) for kind in KINDS]
    return JobRunner(services, kinds, "a1#1", 30)


async def done(api: Api, client: Client, asked: Any, *, apart: bool = False) -> Any:
    """Have the job done that was asked for; return it as it ended."""
    assert asked.status == 202, asked.text
    one = runner(api, apart=apart)
    await one.look()
    await one.idle()
    return (await client("GET", f"/jobs/{asked.json['id']}")).json


async def send(client: Client, path: str, text: str) -> Any:
    return await client("POST", path, data=text.encode(), headers=CSV)


async def test_rates_are_imported_in_a_process_of_their_own(idle: Api) -> None:
    owner = await idle.client("admin")
    await owner("POST", "/rate-cards", {"name": "retail", "currency": "USD"})
    asked = await send(owner, "/rate-cards/retail:import?file=acme.csv&save_map=acme", SHEET)
    ended = await done(idle, owner, asked, apart=True)
    assert (ended["status"], ended["result"]) == (
        "done",
        {"rate_card": "retail", "added": 3, "left_out": 0},
    ), ended
    bad = await send(owner, "/rate-cards/retail:import?file=acme.csv", "Code,Rate\n44,1\nx,2\n61,y\n")
    ended = await done(idle, owner, bad, apart=True)
    assert (ended["status"], ended["error"]["code"]) == ("failed", "document.faulty")
    assert [(one["path"], one["line"]) for one in ended["error"]["problems"]] == [
        ("acme.csv", 2),
        ("acme.csv", 3),
        ("acme.csv", 4),
    ]
    assert (await owner("GET", "/rate-cards/retail")).json["rows"] == 3
    other = "Code,Rate\n" + "x,1\n" * 1500
    ended = await done(idle, owner, await send(owner, "/rate-cards/retail:import", other))
    assert (len(ended["error"]["problems"]), ended["error"]["problem_count"]) == (1000, 1500)
    assert ended["error"]["detail"].endswith("\nand 1480 more")
    (entry,) = (await owner("GET", "/audit?verb=import")).json["items"]
    assert (entry["operator"], entry["token"], entry["after"]["file"]) == ("admin", "test", "acme.csv")


async def test_a_sheet_is_tried_first_and_its_map_is_kept(idle: Api) -> None:
    owner = await idle.client("admin")
    await owner("POST", "/rate-cards", {"name": "retail", "currency": "USD"})
    path = "/rate-cards/retail:import?columns=price%3D%22Rate%20USD%22&save_map=acme&dry_run=true"
    tried = await done(idle, owner, await send(owner, path, SHEET))
    assert (tried["status"], tried["result"]["added"], tried["result"]["dates"]) == ("done", 3, "")
    assert tried["result"]["sheet_columns"][1] == {"sheet_column": "Rate USD", "rate_field": "price"}
    assert [one["price"] for one in tried["result"]["sheet_rates"]] == ["0.06", "0.08", "0.05"]
    assert (await owner("GET", "/rate-cards/retail")).json["rows"] == 0
    unknown = await send(owner, "/rate-cards/retail:import?use_map=acme", SHEET)
    assert (unknown.status, unknown.json["code"]) == (404, "rate_map.unknown")
    wrong = await send(owner, "/rate-cards/retail:import?columns=prize%3DRate", SHEET)
    assert (wrong.status, wrong.json["code"]) == (422, "rate_sheet.unknown_field")
    for path, text, code in (
        ("/rate-cards/none:import", SHEET, "rate_card.unknown"),
        ("/rate-cards/retail:import", "", "import.empty"),
        ("/rate-cards/retail:import?file=..", SHEET, "field.malformed_text"),
        ("/rate-cards/retail:import?file=a/b", SHEET, "field.malformed"),
    ):
        assert (await send(owner, path, text)).json["code"] == code
    asked = await send(owner, "/rate-cards/retail:import?save_map=acme", SHEET)
    assert (await done(idle, owner, asked))["status"] == "done"
    assert (await owner("GET", "/rate-maps/acme")).status == 200
    async with idle.http.get(
        f"{PREFIX}/rate-cards/retail:export", headers={"Authorization": f"Bearer {owner.token}"}
    ) as came:
        assert came.headers["Content-Type"] == "text/csv; charset=utf-8"
        lines = (await came.text()).splitlines()
    assert lines[0].startswith("prefix,price,connection")
    assert [one.split(",")[0] for one in lines[1:]] == ["33", "44", "447"]


async def test_an_import_that_is_cancelled_leaves_the_card_as_it_was(
    idle: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edition, "ROWS_AT_ONCE", 1)
    owner = await idle.client("admin")
    await owner("POST", "/rate-cards", {"name": "retail", "currency": "USD"})
    asked = await send(owner, "/rate-cards/retail:import", SHEET)
    begun, whole = asyncio.Event(), edition.write_edition

    async def stuck(*given: Any, **named: Any) -> None:
        await whole(*given, **named)
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(edition, "write_edition", stuck)
    one = runner(idle, apart=False)
    await one.look()
    await begun.wait()
    await owner("POST", f"/jobs/{asked.json['id']}:cancel")
    await one.look()
    await one.idle()
    assert (await owner("GET", f"/jobs/{asked.json['id']}")).json["status"] == "cancelled"
    (card,) = (await owner("GET", "/rate-cards")).json["items"]
    assert (card["name"], card["rows"]) == ("retail", 0)


async def test_tables_of_customers_and_their_numbers_are_imported_whole_or_not_at_all(idle: Api) -> None:
    owner = await idle.client("admin")
    tried = await done(
        idle, owner, await send(owner, "/customers:import?dry_run=true", "id,name\n7,Ann\n8,Bob\n")
    )
    assert (tried["result"]["added"], tried["result"]["dry_run"]) == (2, True)
    assert len((await owner("GET", "/customers")).json["items"]) == 1
    asked = await send(owner, "/customers:import?file=c.csv", "id,name,channels\n7,Ann,x\n8,,-1\n")
    bad = await done(idle, owner, asked)
    assert [(one["path"], one["line"]) for one in bad["error"]["problems"]] == [("c.csv", 2), ("c.csv", 3)]
    for path, text, seen in (
        ("/customers:import", "id,name\n7,Ann\n8,Bob\n", "/customers"),
        ("/clis:import", "cli,customer\n441910000007,7\n441910000008,8\n", "/clis"),
        ("/dids:import", "number,app\n18005550177,menu\n18005550178,menu\n", "/dids"),
        (
            "/speed-dials:import",
            "customer,place,number\n7,1,441910000009\n8,1,441910000009\n",
            "/speed-dials",
        ),
    ):
        before = len((await owner("GET", seen)).json["items"])
        ended = await done(idle, owner, await send(owner, path, text))
        assert (ended["status"], ended["result"]["added"]) == ("done", 2), ended
        assert len((await owner("GET", seen)).json["items"]) == before + 2
        again = await done(idle, owner, await send(owner, path, text))
        assert again["status"] == "failed"
    await owner("POST", "/value-lists", {"name": "barred"})
    entries = "/value-lists/barred/entries"
    asked = await send(owner, f"{entries}:import", "441910000001\n4419*\n441910000001\n")
    ended = await done(idle, owner, asked)
    assert (ended["result"]["added"], ended["result"]["repeated"]) == (2, 1)
    assert len((await owner("GET", entries)).json["items"]) == 2


async def test_books_are_proved_and_cards_compared_as_jobs(idle: Api) -> None:
    owner = await idle.client("admin")
    await owner("POST", "/movements:pay", {"kind": "pay_in", "customer": 42, "amount": "1", "reason": "x"})
    right = await done(idle, owner, await owner("POST", "/accounts:check"))
    assert (right["result"]["ok"], right["result"]["findings"]) == (True, [])
    assert right["result"]["until_at"].endswith("Z")
    for name, price in (("retail", "0.06"), ("wholesale", "0.07")):
        await owner("POST", "/rate-cards", {"name": name, "currency": "USD"})
        await owner("PATCH", f"/rate-cards/{name}/rates/44", {"price": price}, {"If-Match": "*"})
    none = await done(idle, owner, await owner("POST", "/rate-cards/retail:compare", {"trunk": "carrier"}))
    assert none["error"]["code"] == "rate_card.none_for_trunk"
    await owner("PUT", "/trunks/carrier/rate-card", {"rate_card": "wholesale"})
    found = await done(idle, owner, await owner("POST", "/rate-cards/retail:compare", {"trunk": "carrier"}))
    assert (found["result"]["compared"], found["result"]["losing"]) == (1, 1)
    own = {"Authorization": f"Bearer {owner.token}"}
    async with idle.http.get(f"{PREFIX}/jobs/{found['id']}/file", headers=own) as came:
        head, line = (await came.text()).splitlines()
    assert dict(zip(head.split(","), line.split(","), strict=True))["prefix"] == "44"


async def test_two_rate_cards_are_compared_as_a_job_whose_file_has_what_differs(
    idle: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await idle.client("admin")
    for name, prefixes in (("retail", {"44": "0.06", "33": "0.05"}), ("next", {"44": "0.07", "447": "0.07"})):
        await owner("POST", "/rate-cards", {"name": name, "currency": "USD"})
        for prefix, price in prefixes.items():
            await owner("PATCH", f"/rate-cards/{name}/rates/{prefix}", {"price": price}, {"If-Match": "*"})
    path, order = "/rate-cards/retail:diff", {"rate_card": "next"}
    found = await done(idle, owner, await owner("POST", path, order), apart=True)
    assert (found["status"], found["done"]) == ("done", 3), found
    assert found["result"] == {
        "rate_card": "retail",
        "new_rate_card": "next",
        "difference_counts": [
            {"difference": "only_old", "prefix_count": 1},
            {"difference": "dearer", "prefix_count": 2},
        ],
    }
    lines = (await owner("GET", f"/jobs/{found['id']}/file")).text.splitlines()
    assert [one.split(",")[0] for one in lines] == ["prefix", "33", "44", "447"]
    # A file of several pieces is the same.
    monkeypatch.setattr(rate_jobs, "LINES_AT_ONCE", 2)
    again = await done(idle, owner, await owner("POST", path, order))
    assert (await owner("GET", f"/jobs/{again['id']}/file")).text.splitlines() == lines
    later = {"price": "0.05", "from_at": "2099-01-01T00:00:00Z"}
    await owner("PATCH", "/rate-cards/next/rates/33", later, {"If-Match": "*"})
    then = await done(idle, owner, await owner("POST", path, order | {"at": "2099-02-01T00:00:00Z"}))
    assert then["result"]["difference_counts"] == [{"difference": "dearer", "prefix_count": 2}]
    await owner("POST", "/rate-cards", {"name": "euro", "currency": "EUR"})
    for body, code in (
        ({"rate_card": "euro"}, "currency.differs"),
        ({"rate_card": "x"}, "rate_card.unknown"),
    ):
        assert (await owner("POST", path, body)).json["code"] == code
