"""Does the queued jobs of the database, some at once, beside the calls of this server.

Twice a second it looks at the jobs that have not ended: it notes how far its own are, cancels those that
somebody wants cancelled, and begins others while it has room. Jobs of servers that are gone it takes up: what
an attempt left is taken away, and the job begun again, by whichever server is first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from ringflow.accounts import tokens
from ringflow.errors import Conflict, RingflowError
from ringflow.jobs import queue
from ringflow.jobs.job import JobState
from ringflow.jobs.queue import Attempt, JobLost, LiveJob, Order
from ringflow.store import StoreGone
from ringflow.web.jobs.job_process import JobFailed, carry_out_apart
from ringflow.web.jobs.kind import JobKind, JobWork
from ringflow.web.rest.problem import problem
from ringflow.web.rest.refusals import our_failure
from ringflow.web.rest.services import Services

log = structlog.get_logger("ringflow.jobs")

AT_ONCE = 2
"""How many jobs a server does at once."""
LOOK_EVERY_S = 0.5
UPKEEP_EVERY_MS = 5_000
"""How often jobs of servers that are gone are looked for, and those forgotten whose time is over."""
MOST_TRIES = 3
"""A job that was begun so often is not begun again: it may be what ends its servers."""


@dataclass(slots=True)
class _Running:
    """A job that this server does, and which progress of it is noted."""

    work: JobWork
    attempt: Attempt
    task: asyncio.Task[None]
    noted: tuple[int, int | None]
    is_cancelled: bool = False
    is_lost: bool = False


class JobRunner:
    """The jobs of one run of a server. `silent_s`: a server not heard of for so long is gone."""

    def __init__(self, services: Services, kinds: Sequence[JobKind[Any]], run: str, silent_s: float) -> None:
        self._services = services
        self._store = services.store
        self._kinds = {kind.name: kind for kind in kinds}
        self._run = run
        self._silent_ms = round(silent_s * 1000)
        self._running: dict[str, _Running] = {}
        self._upkeep_ms = 0

    async def run(self, every_s: float = LOOK_EVERY_S) -> None:
        """Do jobs until cancelled. Those under way are then put back into the queue."""
        is_away = False
        try:
            while True:
                try:
                    await self.look()
                    is_away = False
                except StoreGone as error:
                    if not is_away:
                        log.warning("no jobs are begun", detail=str(error))
                    is_away = True
                try:
                    async with asyncio.timeout(every_s):
                        await self._services.job_queued.wait()
                except TimeoutError:
                    continue
                self._services.job_queued.clear()
        finally:
            await self.close()

    async def close(self) -> None:
        """End what is under way, and put it back into the queue."""
        for one in self._running.values():
            one.task.cancel()
        await self.idle()

    async def idle(self) -> None:
        """Return once nothing is under way."""
        while tasks := [one.task for one in self._running.values()]:
            await asyncio.gather(*tasks, return_exceptions=True)

    async def look(self) -> None:
        """Look once at the jobs that have not ended. Raises `StoreGone`."""
        live = [_live(row) for row in await self._store.look_up(queue.LIVE)]
        await self._follow({one.id: one for one in live})
        now_ms = self._services.now_ms()
        if now_ms - self._upkeep_ms >= UPKEEP_EVERY_MS:
            self._upkeep_ms = now_ms
            await self._keep_up(now_ms)
        while len(self._running) < AT_ONCE:
            job_id = queue.next_job([one for one in live if one.kind in self._kinds])
            if job_id is None:
                return
            async with self._store.writing() as connection:
                order = await queue.begin(connection, job_id, self._run, now_ms)
                if order is not None:
                    # Who asked may have lost rights meanwhile.
                    rights = await tokens.rights_now(connection, order.principal)
                    order = replace(order, principal=replace(order.principal, rights=rights))
            live = [replace(one, state=JobState.RUNNING) if one.id == job_id else one for one in live]
            if order is not None:
                self._start(order, self._carry_out)

    async def _follow(self, live: dict[str, LiveJob]) -> None:
        for job_id, one in [*self._running.items()]:
            row = live.get(job_id)
            if row is None:
                # It ended a moment ago.
                continue
            if row.attempt != one.attempt:
                one.is_lost = True
                one.task.cancel()
                continue
            if row.cancel_ms is not None and not one.is_cancelled:
                one.is_cancelled = True
                one.task.cancel()
            progress = (one.work.done, one.work.total)
            if progress != one.noted:
                async with self._store.writing() as connection:
                    await queue.note_progress(connection, one.attempt, *progress)
                one.noted = progress
        for row in live.values():
            if row.run == self._run and row.id not in self._running:
                # The database was away when its attempt ended.
                await self._take_up(row.attempt)

    async def _keep_up(self, now_ms: int) -> None:
        async with self._store.reading() as connection:
            lost = await queue.abandoned(connection, self._run, now_ms - self._silent_ms)
        for attempt in lost:
            await self._take_up(attempt)
        async with self._store.writing() as connection:
            await queue.forget(connection, now_ms)

    async def _take_up(self, attempt: Attempt) -> None:
        async with self._store.writing() as connection:
            order = await queue.take_over(connection, attempt, self._run)
        if order is not None:
            log.info("job taken up", job=order.job.id, kind=order.job.kind, before=attempt.run)
            self._start(order, self._recover)

    def _start(self, order: Order, do: Callable[[Order, JobWork], Awaitable[None]]) -> None:
        async def done() -> None:
            try:
                await do(order, work)
            except StoreGone as error:
                # Once the database is back it is found as a job of ours that nobody does.
                log.warning("job broken off", job=order.job.id, detail=str(error))
            finally:
                self._running.pop(order.job.id, None)
                # Another one may be waiting for the room.
                self._services.job_queued.set()

        work = JobWork(self._services, order)
        task = asyncio.create_task(done(), name=f"job {order.job.id}")
        self._running[order.job.id] = _Running(work, order.attempt, task, (order.job.done, order.job.total))

    async def _recover(self, order: Order, work: JobWork) -> None:
        await self._give_up(order, work, JobState.CANCELLED if order.job.cancel_ms is not None else None)

    async def _carry_out(self, order: Order, work: JobWork) -> None:
        job = order.job
        log.info("job begun", job=job.id, kind=job.kind, subject=job.subject, tries=job.tries)
        try:
            order.principal.require(job.needed)
            kind = self._kinds[job.kind]
            if kind.apart:
                await carry_out_apart(kind.name, work, order)
            else:
                result = await kind.carry_out(work, order)
            if not work.finished:
                async with work.acting() as actor:
                    await work.finish(actor, result)
            log.info("job done", job=job.id, kind=job.kind)
        except asyncio.CancelledError:
            running = self._running[job.id]
            if not running.is_lost:
                await self._give_up(order, work, JobState.CANCELLED if running.is_cancelled else None)
        except JobLost:
            log.warning("job lost", job=job.id, detail="another server took it up")
        except StoreGone:
            raise
        except JobFailed as error:
            await self._give_up(order, work, JobState.FAILED, error.problem)
        except RingflowError as error:
            await self._give_up(order, work, JobState.FAILED, problem(error))
        except Exception:
            # Boundary: whoever asked gets no trace of our own bug, and the log has it.
            log.exception("job failed", job=job.id, kind=job.kind)
            await self._give_up(order, work, JobState.FAILED, problem(our_failure()))

    async def _give_up(
        self, order: Order, work: JobWork, state: JobState | None, why: dict[str, Any] | None = None
    ) -> None:
        """Take away what the attempt left, and end the job; `state` None: begin it again where it may be."""
        async with self._store.reading() as connection:
            now = await queue.reread(connection, order.attempt)
        if now is None:
            return
        kind = self._kinds.get(order.job.kind)
        if now.trace is not None and kind is not None and kind.clean_up is not None:
            await kind.clean_up(work, now.trace)
        if state is None:
            repeats = kind is not None and kind.repeats and order.job.tries < MOST_TRIES
            state = JobState.QUEUED if repeats else JobState.INTERRUPTED
        if state is JobState.INTERRUPTED:
            why = problem(Conflict("job.interrupted", "the server that did the job ended; ask for it again"))
        async with self._store.writing() as connection:
            if state is JobState.QUEUED:
                await queue.put_back(connection, order.attempt)
            else:
                await queue.end(connection, order.attempt, state, self._services.now_ms(), why)
        log.info("job given up", job=order.job.id, kind=order.job.kind, state=state.value)


def _live(row: Sequence[Any]) -> LiveJob:
    job_id, operator, state, *rest = row
    return LiveJob(job_id, operator, JobState(state), *rest)
