"""Long work over HTTP: asked for once, watched, cancelled, and taken up where its server ended."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from sqlalchemy import func, select, update

from ringflow.accounts import operators, tokens
from ringflow.accounts.tokens import TokenPlan
from ringflow.actor import acting, shell_operator
from ringflow.config import Config
from ringflow.jobs import queue
from ringflow.jobs.job import JobState
from ringflow.jobs.queue import LiveJob
from ringflow.rights import Right
from ringflow.store.card_tables import card_batches, cards
from ringflow.store.job_tables import job_files

from .conftest import PEPPER, Api, finished, runner, served

CARDS = {"customer": 42, "credit": "5.00", "count": 3, "batch": "spring", "expires": "2099-12-31"}


async def count(api: Api, table: Any) -> int:
    async with api.store.reading() as connection:
        return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


async def test_cards_are_made_as_a_job_whose_pins_are_fetched_once(idle: Api) -> None:
    owner = await idle.client()
    asked = await owner("POST", "/cards:generate", CARDS, {"Idempotency-Key": "spring"})
    assert asked.status == 202
    assert asked.headers["Location"] == f"/api/v1/jobs/{asked.json['id']}"
    assert (asked.json["status"], asked.json["subject"]) == ("queued", "card batch spring")
    again = await owner("POST", "/cards:generate", CARDS, {"Idempotency-Key": "spring"})
    assert (again.text, again.headers["Location"]) == (asked.text, asked.headers["Location"])
    path = f"/jobs/{asked.json['id']}"
    early = await owner("GET", f"{path}/file")
    assert (early.status, early.json["code"]) == (404, "job.no_file")

    await finished(runner(idle))
    done = (await owner("GET", path)).json
    assert (done["status"], done["done"], done["total"], done["once"]) == ("done", 3, 3, True)
    assert done["result"]["name"] == "spring"
    assert done["result"]["ready_at"] is not None
    assert done["file"] == "spring-pins.csv"
    async with idle.store.reading() as connection:
        kept = "".join((await connection.execute(select(job_files.c.data))).scalars())

    other = await idle.client(name="other")
    theirs = await other("GET", f"{path}/file")
    assert (theirs.status, theirs.json["code"]) == (403, "job.not_yours")
    narrow = idle.nobody(await token_of_admin(idle, Right.JOBS_READ))
    assert (await narrow("GET", f"{path}/file")).json["fields"] == {"right": "cards.make"}
    got = await owner("GET", f"{path}/file")
    assert got.status == 200
    rows = list(csv.DictReader(io.StringIO(got.text)))
    assert len(rows) == 3
    for row in rows:
        assert len(row["pin"]) == 6
        assert row["id"] not in kept
        assert (await owner("GET", f"/cards/{row['id']}")).json["status"] == "available"
    twice = await owner("GET", f"{path}/file")
    assert (twice.status, twice.json["code"]) == (409, "job.file_fetched")
    assert await count(idle, job_files) == 0
    assert (await owner("GET", path)).json["file"] is None
    (entry,) = (await owner("GET", "/audit?verb=export")).json["items"]
    assert entry["subject"] == f"job {asked.json['id']}"


async def test_a_job_that_is_refused_says_why_and_leaves_nothing(idle: Api) -> None:
    owner = await idle.client()
    wrong = await owner("POST", "/cards:generate", {**CARDS, "pin_length": 3})
    assert (wrong.status, wrong.json["code"]) == (422, "field.out_of_range")
    asked = [await owner("POST", "/cards:generate", CARDS) for _ in range(2)]
    await finished(runner(idle))
    first, second = [(await owner("GET", f"/jobs/{one.json['id']}")).json for one in asked]
    assert {first["status"], second["status"]} == {"done", "failed"}
    failed = first if first["status"] == "failed" else second
    assert failed["error"]["code"] in {"card_batch.taken", "card_batch.being_made"}
    assert failed["file"] is None
    assert (await count(idle, card_batches), await count(idle, cards)) == (1, 3)


async def test_everybody_sees_their_own_jobs_and_with_a_right_those_of_others(idle: Api) -> None:
    owner = await idle.client()
    asked = (await owner("POST", "/cards:generate", CARDS)).json["id"]
    other = await idle.client(name="narrow", rights=frozenset({Right.CARDS_READ}))
    assert (await other("GET", "/jobs")).json["items"] == []
    assert (await other("GET", f"/jobs/{asked}")).json["code"] == "job.unknown"
    assert (await other("GET", "/jobs?everyone=true")).json["fields"] == {"right": "jobs.read"}
    viewer = await idle.client("viewer")
    assert (await viewer("GET", f"/jobs/{asked}")).status == 200
    assert (await viewer("POST", f"/jobs/{asked}:cancel")).json["code"] == "job.unknown"
    assert [one["id"] for one in (await owner("GET", "/jobs?status=queued")).json["items"]] == [asked]
    assert (await owner("GET", "/jobs?status=done")).json["items"] == []
    boss = await idle.client(name="boss")
    listed = await boss("GET", "/jobs?everyone=true&kind=cards.generate")
    assert [one["id"] for one in listed.json["items"]] == [asked]
    assert (await boss("POST", f"/jobs/{asked}:cancel")).json["status"] == "cancelled"


async def test_a_queued_job_is_cancelled_at_once_and_one_that_has_ended_not_at_all(idle: Api) -> None:
    owner = await idle.client()
    asked = (await owner("POST", "/cards:generate", CARDS)).json["id"]
    cancelled = await owner("POST", f"/jobs/{asked}:cancel")
    assert (cancelled.status, cancelled.json["status"]) == (200, "cancelled")
    await finished(runner(idle))
    assert await count(idle, card_batches) == 0
    again = await owner("POST", f"/jobs/{asked}:cancel")
    assert (again.status, again.json["code"]) == (409, "job.ended")
    (entry,) = (await owner("GET", "/audit?verb=cancel")).json["items"]
    assert entry["subject"] == f"job {asked}"


def test_the_next_job_is_of_whoever_has_the_fewest_running_and_then_the_oldest() -> None:
    def live(job_id: str, operator: str, state: str = "queued") -> LiveJob:
        return LiveJob(job_id, operator, JobState(state), None, 0, "cards.generate", None)

    ann = [live("a1", "ann"), live("a2", "ann")]
    assert queue.next_job([]) is None
    assert queue.next_job([*ann, live("b1", "bob")]) == "a1"
    assert queue.next_job([live("a0", "ann", "running"), *ann, live("b1", "bob")]) == "b1"
    assert queue.next_job([live("a0", "ann", "running"), live("b0", "bob", "running"), *ann]) == "a1"


async def test_an_operator_has_only_so_many_jobs_waiting(idle: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "MOST_WAITING", 1)
    owner = await idle.client()
    assert (await owner("POST", "/cards:generate", CARDS)).status == 202
    more = await owner("POST", "/cards:generate", CARDS)
    assert (more.status, more.json["code"], more.json["fields"]) == (409, "job.too_many", {"most": 1})


async def test_a_file_sealed_under_a_pepper_that_is_gone_is_not_read(
    idle: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await idle.client()
    asked = (await owner("POST", "/cards:generate", CARDS)).json["id"]
    await finished(runner(idle))
    for ring in ("v2:another-pepper-for-tests", "v1:another-pepper-for-tests"):
        monkeypatch.setenv("RINGFLOW_PIN_PEPPER", ring)
        came = await owner("GET", f"/jobs/{asked}/file")
        assert (came.status, came.json["code"]) == (409, "job.file_unreadable")
    monkeypatch.setenv("RINGFLOW_PIN_PEPPER", PEPPER)
    async with idle.store.writing() as connection:
        await connection.execute(update(job_files).values(number=1))
    moved = await owner("GET", f"/jobs/{asked}/file")
    assert moved.status == 409
    async with idle.store.writing() as connection:
        await connection.execute(update(job_files).values(number=0))
    assert (await owner("GET", f"/jobs/{asked}/file")).status == 200


async def test_a_server_does_the_jobs_that_are_queued(with_pepper: Config) -> None:
    async with served(with_pepper) as api:
        owner = await api.client()
        asked = (await owner("POST", "/cards:generate", CARDS)).json["id"]
        found = await owner("GET", f"/jobs/{asked}")
        for _ in range(1000):
            found = await owner("GET", f"/jobs/{asked}")
            if found.json["ended_at"] is not None:
                break
        assert found.json["status"] == "done"


async def token_of_admin(api: Api, right: Right) -> str:
    """The text of another token of the admin's, with one right."""
    async with acting(api.store, shell_operator("tests"), "US") as actor:
        _, secret = await tokens.add(actor, TokenPlan("admin", right.value, rights=frozenset({right})))
    return secret


async def test_a_token_sees_and_cancels_only_jobs_that_it_could_ask_for(idle: Api) -> None:
    owner = await idle.client()
    asked = (await owner("POST", "/cards:generate", CARDS)).json["id"]
    narrow = idle.nobody(await token_of_admin(idle, Right.CARDS_READ))
    able = idle.nobody(await token_of_admin(idle, Right.CARDS_MAKE))
    assert (await narrow("GET", "/jobs")).json["items"] == []
    for method, path in (("GET", ""), ("POST", ":cancel"), ("GET", "/file")):
        assert (await narrow(method, f"/jobs/{asked}{path}")).json["code"] == "job.unknown"
    assert [one["id"] for one in (await able("GET", "/jobs")).json["items"]] == [asked]
    assert (await able("POST", f"/jobs/{asked}:cancel")).json["status"] == "cancelled"


@pytest.mark.parametrize("lost", ["disabled", "another role", "token revoked"])
async def test_a_job_whose_operator_lost_the_right_meanwhile_is_not_done(idle: Api, lost: str) -> None:
    owner, maker = await idle.client(), await idle.client("operator")
    asked = (await maker("POST", "/cards:generate", CARDS)).json["id"]
    async with acting(idle.store, shell_operator("tests"), "US") as actor:
        match lost:
            case "disabled":
                await operators.set_enabled(actor, "operator", False)
            case "another role":
                await operators.alter(actor, "operator", role="support")
            case _:
                assert maker.token is not None
                await tokens.revoke(actor, maker.token)
    await finished(runner(idle))
    job = (await owner("GET", f"/jobs/{asked}")).json
    assert (job["status"], job["error"]["code"], job["error"]["fields"]) == (
        "failed",
        "right.missing",
        {"right": "cards.make"},
    )
    assert await count(idle, cards) == 0
