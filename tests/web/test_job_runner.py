"""Servers that do the jobs of one database: begun, cancelled, taken up, and nothing half done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import func, select, update
from tests.paying_customers import add_customer

from ringflow.accounts.cards.generation import Plan
from ringflow.accounts.peppers import configured_peppers
from ringflow.actor import Actor, acting, shell_operator
from ringflow.config import Config
from ringflow.jobs import queue
from ringflow.jobs.files import Part, pieces
from ringflow.jobs.job import Job, JobState, find_job
from ringflow.ledger.server_liveness import see_server
from ringflow.store import Store
from ringflow.store.card_tables import card_batches, cards
from ringflow.store.job_tables import job_files, jobs
from ringflow.web.jobs.card_generation import CARD_GENERATION
from ringflow.web.jobs.kind import JobKind, JobWork
from ringflow.web.jobs.kinds import KINDS
from ringflow.web.jobs.runner import AT_ONCE, MOST_TRIES, UPKEEP_EVERY_MS, JobRunner
from ringflow.web.rest.services import Services

SILENT_S = 30.0


class Site:
    """Servers of one database, which share a clock."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = store
        self.now_ms = 1_750_000_000_000
        self.stuck = asyncio.Event()
        self.stops_at: int | None = None
        self._begun = 0
        self._acting = JobWork.acting
        monkeypatch.setenv("RINGFLOW_PIN_PEPPER", "v1:a-pepper-for-tests-only")
        monkeypatch.setattr("ringflow.accounts.cards.generation.CHUNK", 2)
        monkeypatch.setattr(JobWork, "acting", lambda work: self._stopping(work))

    def acting(self) -> AbstractAsyncContextManager[Actor]:
        return acting(self.store, shell_operator("ann"), "US", self.now_ms)

    def server(self, run: str, kinds: Any = KINDS) -> JobRunner:
        services = Services(self.store, Config.model_validate({}), lambda: self.now_ms, {}, lambda: None)
        return JobRunner(services, kinds, run, SILENT_S)

    @asynccontextmanager
    async def _stopping(self, work: JobWork) -> AsyncIterator[Actor]:
        """Stop a job before its n-th transaction until it is ended: as if it took long."""
        self._begun += 1
        if self._begun == self.stops_at:
            self.stuck.set()
            await asyncio.Event().wait()
        async with self._acting(work) as actor:
            yield actor

    def stop_after_the_first_cards(self) -> None:
        # The first transaction makes the batch, the second its first two cards.
        self.stuck.clear()
        self._begun, self.stops_at = 0, 3

    def go_on(self) -> None:
        self.stops_at = None

    async def ask(self) -> str:
        async with self.acting() as actor:
            return (await CARD_GENERATION.start(actor, Plan("spring", 7, count=5), "card batch spring")).id

    async def job(self, job_id: str) -> Job:
        async with self.store.reading() as connection:
            found = await find_job(connection, job_id)
        assert found is not None
        return found

    async def count(self, *tables: Any) -> list[int]:
        async with self.store.reading() as connection:
            return [
                (await connection.execute(select(func.count()).select_from(one))).scalar_one()
                for one in tables
            ]


@pytest.fixture
async def site(store: Store, monkeypatch: pytest.MonkeyPatch) -> Site:
    one = Site(store, monkeypatch)
    async with one.acting() as actor:
        await add_customer(actor, 7)
    return one


async def finished(server: JobRunner) -> None:
    await server.look()
    await server.idle()


async def begun(site: Site, run: str) -> tuple[JobRunner, str]:
    """Ask for cards; return a server that lives, and the job once it has made the first two of them."""
    server = site.server(run)
    async with site.store.writing() as connection:
        await see_server(connection, run, site.now_ms)
    site.stop_after_the_first_cards()
    job_id = await site.ask()
    await server.look()
    await site.stuck.wait()
    return server, job_id


async def file_of(site: Site, job_id: str) -> list[str]:
    peppers = configured_peppers(Config.model_validate({}))
    read = pieces(site.store, job_id, Part.OUTPUT, peppers)
    return b"".join([piece async for piece in read]).decode().splitlines()


async def test_a_job_whose_server_stops_is_begun_again_by_another(site: Site) -> None:
    first, job_id = await begun(site, "a1#1")
    assert await site.count(cards, job_files) == [2, 1]
    await first.close()
    assert (await site.job(job_id)).state is JobState.QUEUED
    assert await site.count(card_batches, cards, job_files) == [0, 0, 0]
    site.go_on()
    await finished(site.server("b1#1"))
    done = await site.job(job_id)
    assert (done.state, done.tries, done.run, done.done) == (JobState.DONE, 2, "b1#1", 5)
    assert len(set(await file_of(site, job_id))) == 6


async def test_a_running_job_is_cancelled_from_any_server_and_leaves_nothing(site: Site) -> None:
    server, job_id = await begun(site, "a1#1")
    await site.server("b1#1").look()
    async with site.acting() as actor:
        await queue.cancel(actor, await site.job(job_id))
    assert (await site.job(job_id)).state is JobState.RUNNING
    await finished(server)
    assert (await site.job(job_id)).state is JobState.CANCELLED
    assert await site.count(card_batches, cards, job_files) == [0, 0, 0]


async def test_progress_is_seen_by_all(site: Site) -> None:
    server, job_id = await begun(site, "a1#1")
    await server.look()
    shown = await site.job(job_id)
    assert (shown.state, shown.done, shown.total) == (JobState.RUNNING, 2, 5)
    await server.close()


async def test_a_job_of_a_dead_server_is_taken_up_and_its_own_changes_nothing_any_more(site: Site) -> None:
    dead, job_id = await begun(site, "dead#1")
    other = site.server("b1#1")
    site.go_on()
    await finished(other)
    assert (await site.job(job_id)).run == "dead#1"
    site.now_ms += round(SILENT_S * 1000) + 1
    await finished(other)
    assert await site.count(card_batches, cards) == [0, 0]
    await finished(other)
    assert (await site.job(job_id)).state is JobState.DONE
    await dead.look()
    await dead.close()
    done = await site.job(job_id)
    assert (done.state, done.run, done.tries) == (JobState.DONE, "b1#1", 2)
    assert await site.count(card_batches, cards) == [1, 5]
    assert len(await file_of(site, job_id)) == 6


async def test_a_job_that_was_to_be_cancelled_when_its_server_died_is_cancelled(site: Site) -> None:
    dead, job_id = await begun(site, "dead#1")
    site.now_ms += round(SILENT_S * 1000) + 1
    async with site.acting() as actor:
        await queue.cancel(actor, await site.job(job_id))
    await finished(site.server("b1#1"))
    assert (await site.job(job_id)).state is JobState.CANCELLED
    assert await site.count(card_batches, cards, job_files) == [0, 0, 0]
    await dead.close()


async def test_a_job_that_ended_its_servers_too_often_is_interrupted(site: Site) -> None:
    server, job_id = await begun(site, "a1#1")
    await server.close()
    for number in range(MOST_TRIES - 1):
        server = site.server(f"b1#{number}")
        site.stop_after_the_first_cards()
        await server.look()
        await site.stuck.wait()
        await server.close()
    ended = await site.job(job_id)
    assert ended.state is JobState.INTERRUPTED
    assert ended.problem is not None
    assert ended.problem["code"] == "job.interrupted"
    assert await site.count(card_batches, cards, job_files) == [0, 0, 0]


async def test_an_attempt_that_lost_its_job_finishes_nothing(site: Site) -> None:
    job_id = await site.ask()
    async with site.store.writing() as connection:
        order = await queue.begin(connection, job_id, "a1#1", 1)
        assert order is not None
        assert await queue.begin(connection, job_id, "b1#1", 1) is None
        assert await queue.take_over(connection, order.attempt, "b1#1") is not None
        assert await queue.take_over(connection, order.attempt, "c1#1") is None
        with pytest.raises(queue.JobLost):
            await queue.finish(connection, order.attempt, 2, None, None)
        with pytest.raises(queue.JobLost):
            await queue.note_trace(connection, order.attempt, {})
        await queue.end(connection, order.attempt, JobState.FAILED, 2)
        await queue.put_back(connection, order.attempt)
        await queue.note_progress(connection, order.attempt, 2, 3)
        assert await queue.reread(connection, order.attempt) is None
    shown = await site.job(job_id)
    assert (shown.state, shown.done, shown.run) == (JobState.RUNNING, 0, "b1#1")


async def test_an_attempt_that_lost_its_job_adds_nothing_to_its_file(site: Site) -> None:
    job_id = await site.ask()
    async with site.store.writing() as connection:
        order = await queue.begin(connection, job_id, "a1#1", 1)
        assert order is not None
        assert await queue.take_over(connection, order.attempt, "b1#1") is not None
    services = Services(site.store, Config.model_validate({}), lambda: site.now_ms, {}, lambda: None)
    work = JobWork(services, order)
    with pytest.raises(queue.JobLost):
        async with site.acting() as actor:
            await work.write_alone(actor, b"of another attempt")
    assert await site.count(job_files) == [0]


async def test_jobs_are_forgotten_with_their_files_a_day_after_their_end(site: Site) -> None:
    await site.ask()
    server = site.server("a1#1")
    await finished(server)
    site.now_ms += queue.KEPT_MS
    await finished(server)
    assert (await site.count(jobs))[0] == 1
    site.now_ms += UPKEEP_EVERY_MS
    await finished(server)
    assert await site.count(jobs, job_files, cards) == [0, 0, 5]


async def test_a_job_that_the_database_left_alone_is_found_again(site: Site) -> None:
    job_id = await site.ask()
    async with site.store.writing() as connection:
        await queue.begin(connection, job_id, "a1#1", site.now_ms)
    server = site.server("a1#1")
    await finished(server)
    assert (await site.job(job_id)).state is JobState.QUEUED
    await finished(server)
    assert (await site.job(job_id)).state is JobState.DONE


async def test_a_server_does_some_at_once_and_a_job_with_a_bug_fails(site: Site) -> None:
    going = asyncio.Event()
    running = 0

    async def run(work: JobWork, given: dict[str, int]) -> dict[str, int]:
        nonlocal running
        running += 1
        await going.wait()
        if given["number"] == 0:
            raise KeyError("a bug of ours")
        return {"given": given["number"]}

    kind = JobKind("test", CARD_GENERATION.needed, dict[str, int], run)
    async with site.acting() as actor:
        asked = [(await kind.start(actor, {"number": number}, "x")).id for number in range(AT_ONCE + 1)]
    server = site.server("a1#1", (kind,))
    await server.look()
    await asyncio.sleep(0)
    assert running == AT_ONCE
    going.set()
    await server.idle()
    await finished(server)
    found = [await site.job(one) for one in asked]
    assert [one.state for one in found] == [JobState.FAILED, *[JobState.DONE] * AT_ONCE]
    assert found[0].problem is not None
    assert found[0].problem["code"] == "request.failed"
    assert "bug" not in str(found[0].problem)
    assert [one.result for one in found[1:]] == [{"given": number} for number in range(1, AT_ONCE + 1)]


async def test_kinds_that_a_server_does_not_know_are_left_to_others(site: Site) -> None:
    job_id = await site.ask()
    await finished(site.server("a1#1", ()))
    assert (await site.job(job_id)).state is JobState.QUEUED


async def test_an_uploaded_file_is_there_for_the_job_and_gone_after_it(site: Site) -> None:
    sheet = bytes(range(256)) * 2000
    seen = []

    async def run(work: JobWork, given: dict[str, int]) -> None:
        seen.append(await work.upload())

    kind = JobKind("test", CARD_GENERATION.needed, dict[str, int], run)
    async with site.acting() as actor:
        await kind.start(actor, {}, "x", sheet)
    assert await site.count(job_files) == [2]
    await finished(site.server("a1#1", (kind,)))
    assert seen == [sheet]
    assert await site.count(job_files) == [0]


async def test_a_job_that_waits_is_never_forgotten(site: Site) -> None:
    await site.ask()
    async with site.store.writing() as connection:
        await connection.execute(update(jobs).values(queued_ms=0))
        await queue.forget(connection, site.now_ms)
    assert await site.count(jobs) == [1]
