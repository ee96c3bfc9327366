"""Calls and scenarios simulated over HTTP: with the money of the database, and nothing of it changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text as sql

from ringflow.accounts.declarations import apply_declarations
from ringflow.config import Config, DatabaseConfig
from ringflow.documents import Document
from ringflow.flows.revisions import text_revision
from ringflow.store import Store
from ringflow.web.jobs import scenario_run
from ringflow.web.jobs.kinds import KINDS
from ringflow.web.jobs.runner import JobRunner

from .conftest import Client, Pages, pages_of

FLOWS = Path(__file__).parents[3] / "app_flows"
DID, CLI, NUMBER = "18005550100", "441910000001", "441234567890"
SHORT = b"app: calling_card\nslots:\n  - slot: destination\n    external: '441234567890'\n"
SCENARIOS = b"""\
- name: the callee answers
  call: {did: "18005550100", from: "441910000001"}
  callee: {does: answer, answers_after: 2s, hangs_up_after: 10s}
  expect: {outcome: completed}
- name: the callee is busy
  call: {did: "18005550100", from: "441910000001"}
  callee: {does: busy}
  expect: {outcome: completed}
"""


@pytest.fixture
async def pages(_sqlite_template: Path, server_config: Config, tmp_path: Path) -> AsyncIterator[Pages]:
    own = tmp_path / "flows"
    own.mkdir()
    shutil.copy(FLOWS / "calling_card.yaml", own)
    database = Path(shutil.copy(_sqlite_template, tmp_path / "ringflow.db"))
    config = server_config.model_copy(
        update={"flows": own, "database": DatabaseConfig(url=f"sqlite:///{database}")}
    ).read_from(Document(str(tmp_path / "config.yaml"), None, {}))
    async with pages_of(config, database) as one:
        await apply_declarations(one.store, config)
        yield one


async def counted(store: Store) -> list[int]:
    tables = ("ledger_holds", "ledger_movements", "call_records", "call_drafts", "audit_log")
    async with store.reading() as connection:
        return [(await connection.execute(sql(f"SELECT count(*) FROM {one}"))).scalar_one() for one in tables]


async def test_a_call_is_simulated_as_the_command_does_it_and_changes_nothing(pages: Pages) -> None:
    admin = await pages.client()
    before = await counted(pages.store)
    made = await admin("POST", "/simulations", {"did": DID, "cli": CLI, "keys": [f"{NUMBER}#"], "talk_s": 90})
    assert made.status == 200, made.text
    call = made.json["call"]
    assert (call["outcome"], call["customer"], call["app"]) == ("completed", 42, "calling_card")
    assert call["legs"][0]["talked_s"] == 90
    assert set(call["legs"][0]["headers"].values()) <= {"***"}
    (leg,) = made.json["legs_dialled"]
    assert (leg["dial_string"], leg["trunk"]) == (f"PJSIP/{NUMBER}@carrier", "carrier")
    assert made.json["heard"]
    types = [one["type"] for one in made.json["events"]]
    assert (types[0], types[-1]) == ("call_started", "call_ended")
    assert "leg_answered" in types
    assert await counted(pages.store) == before
    busy = await admin(
        "POST", "/simulations", {"did": DID, "cli": CLI, "keys": [NUMBER], "callees": ["busy"]}
    )
    assert busy.json["call"]["legs"][0]["status"] == "busy"


async def test_a_text_that_is_not_published_is_called_instead(pages: Pages) -> None:
    admin = await pages.client()
    order = {"did": DID, "cli": CLI, "texts": {"calling_card": SHORT.decode()}}
    made = (await admin("POST", "/simulations", order)).json
    assert (made["call"]["revision"], made["heard"]) == (text_revision(SHORT), [])
    saved = await admin(
        "PUT",
        "/flows/calling_card/draft",
        data=SHORT,
        headers={"Content-Type": "application/yaml", "If-None-Match": "*"},
    )
    assert saved.status == 200
    draft = (await admin("POST", "/simulations", {"did": DID, "cli": CLI, "drafts": ["calling_card"]})).json
    assert draft["call"]["revision"] == text_revision(SHORT)
    wrong = {"calling_card": SHORT.decode().replace("destination", "destinatoin")}
    refused = await admin("POST", "/simulations", {"did": DID, "texts": wrong})
    assert (refused.status, refused.json["problems"][0]["code"]) == (422, "slot_type_unknown")


async def test_what_cannot_be_simulated_names_the_field(pages: Pages) -> None:
    admin = await pages.client()
    for order, pointer in (
        ({"did": DID, "keys": ["12x"]}, "/keys/0"),
        ({"did": DID, "talk_s": -1}, "/talk_s"),
        ({"did": DID, "callees": ["sleeps"]}, "/callees/0"),
        ({"keys": []}, "/did"),
    ):
        refused = await admin("POST", "/simulations", order)
        assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, pointer), refused.text
    unknown = (await admin("POST", "/simulations", {"did": "18005550199"})).json
    assert unknown["call"]["outcome"] == "rejected"
    viewer = await pages.client("viewer")
    assert (await viewer("POST", "/simulations", {"did": DID})).status == 403


async def test_scenarios_are_saved_and_played_and_say_which_exits_they_took(
    pages: Pages, tmp_path: Path
) -> None:
    admin = await pages.client()
    yaml = {"Content-Type": "application/yaml"}
    path = "/flows/calling_card/scenarios"
    none = await admin("GET", path)
    assert (none.status, none.json["code"]) == (404, "scenario.none")
    wrong = await admin(
        "PUT", f"{path}/text", data=b"- name: x\n  calll: {}\n", headers={**yaml, "If-None-Match": "*"}
    )
    assert (wrong.status, [one["line"] for one in wrong.json["problems"]]) == (422, [1, 2])
    made = await admin("PUT", f"{path}/text", data=SCENARIOS, headers={**yaml, "If-None-Match": "*"})
    assert made.status == 204
    assert (tmp_path / "flows" / "calling_card.test.yaml").read_bytes() == SCENARIOS
    again = await admin("PUT", f"{path}/text", data=SCENARIOS, headers={**yaml, "If-None-Match": "*"})
    assert (again.status, again.headers["ETag"]) == (412, f'"{text_revision(SCENARIOS)}"')
    listed = (await admin("GET", path)).json["items"]
    assert [(one["name"], one["line"]) for one in listed] == [
        ("the callee answers", 1),
        ("the callee is busy", 5),
    ]
    order = {"texts": {"calling_card": SHORT.decode()}}
    played = (await admin("POST", f"{path}:run", order)).json
    first, second = played["scenarios"]
    assert (played["passed"], played["failed_count"]) == (False, 1)
    assert (first["passed"], second["passed"]) == (True, False)
    assert "busy" in second["failure"]
    assert first["simulated"][0]["transcript"]
    (coverage,) = played["coverage"]
    assert (coverage["slot"], coverage["entered"]) == ("destination[1]", 2)
    assert coverage["taken"] == ["done", "busy"]
    assert "no_answer" in coverage["not_taken"]
    one = (await admin("POST", f"{path}:run", order | {"names": ["the callee answers"]})).json
    assert (one["passed"], len(one["scenarios"])) == (True, 1)
    lost = await admin("POST", f"{path}:run", {"names": ["the callee answer"]})
    assert (lost.status, lost.json["code"]) == (404, "scenario.unknown")


async def ended(pages: Pages, client: Client, asked: Any, *, apart: bool = False) -> Any:
    """Have the job done that was asked for; return it as it ended."""
    assert asked.status == 202, asked.text
    kinds = [replace(kind, apart=kind.apart and apart) for kind in KINDS]
    runner = JobRunner(pages.services, kinds, "a1#1", 30)
    await runner.look()
    await runner.idle()
    return (await client("GET", f"/jobs/{asked.json['id']}")).json


async def played(client: Client, job: Any) -> list[Any]:
    """Return the lines of the job's file."""
    file = await client("GET", f"/jobs/{job['id']}/file")
    assert file.headers["Content-Type"] == "application/x-ndjson"
    return [json.loads(line) for line in file.text.splitlines()]


async def test_scenarios_are_played_as_a_job_whose_file_has_each_of_them(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = await pages.client()
    path = "/flows/calling_card/scenarios:start"
    none = await admin("POST", path, {})
    assert (none.status, none.json["code"]) == (404, "scenario.none")
    order = {"texts": {"calling_card": SHORT.decode()}, "scenarios": SCENARIOS.decode()}
    before, key = await counted(pages.store), {"Idempotency-Key": "nightly"}
    asked = await admin("POST", path, order, key)
    assert asked.headers["Location"] == f"/api/v1/jobs/{asked.json['id']}"
    assert (await admin("POST", path, order, key)).json["id"] == asked.json["id"]
    apart = await ended(pages, admin, asked, apart=True)
    assert (apart["status"], apart["kind"], apart["done"], apart["total"]) == ("done", "scenarios.run", 2, 2)
    result = apart["result"]
    assert (result["passed"], result["played_count"], result["failed_count"]) == (False, 2, 1)
    assert result["failed_names"] == ["the callee is busy"]
    (coverage,) = result["coverage"]
    assert (coverage["entered"], coverage["taken"]) == (2, ["done", "busy"])
    at_once = (await admin("POST", "/flows/calling_card/scenarios:run", order)).json
    assert result["coverage"] == at_once["coverage"]
    first, second = await played(admin, apart)
    assert [one["passed"] for one in (first, second)] == [True, False]
    assert second["failure"] == at_once["scenarios"][1]["failure"]
    assert first["simulated"][0]["transcript"]
    assert await counted(pages.store) == before
    # A file of several pieces has each scenario once, in order.
    monkeypatch.setattr(scenario_run, "PIECE_BYTES", 1)
    many = SCENARIOS.decode() + SCENARIOS.decode().replace("the callee", "again the callee")
    whole = await ended(pages, admin, await admin("POST", path, order | {"scenarios": many}))
    assert [one["name"] for one in await played(admin, whole)] == [
        "the callee answers",
        "the callee is busy",
        "again the callee answers",
        "again the callee is busy",
    ]
    one = await ended(pages, admin, await admin("POST", path, order | {"names": ["the callee answers"]}))
    assert (one["result"]["passed"], one["result"]["played_count"], one["total"]) == (True, 1, 1)


async def test_a_job_of_scenarios_that_cannot_be_played_says_what_is_wrong_and_where(pages: Pages) -> None:
    admin = await pages.client()
    path = "/flows/calling_card/scenarios:start"
    order = {"scenarios": SCENARIOS.decode()}
    wrong = SCENARIOS.decode().replace("outcome: completed", "outcom: completed")
    bad = await ended(pages, admin, await admin("POST", path, {"scenarios": wrong}))
    assert (bad["status"], bad["error"]["code"], bad["total"]) == ("failed", "document.faulty", None)
    assert [one["line"] for one in bad["error"]["problems"]] == [4, 8]
    flow = {"texts": {"calling_card": SHORT.decode().replace("destination", "destinatoin")}}
    bad = await ended(pages, admin, await admin("POST", path, order | flow))
    assert [one["code"] for one in bad["error"]["problems"]] == ["slot_type_unknown"]
    bad = await ended(pages, admin, await admin("POST", path, order | {"names": ["the callee answer"]}))
    assert bad["error"]["code"] == "scenario.unknown"
    lost = await admin("POST", "/flows/nothing/scenarios:start", order)
    assert (lost.status, lost.json["code"]) == (404, "flow.unknown")
    viewer = await pages.client("viewer")
    assert (await viewer("POST", path, order)).status == 403
