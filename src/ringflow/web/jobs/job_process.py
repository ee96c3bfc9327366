"""Jobs that keep a processor busy, each in a process of its own, so that calls do not wait for them.

The server starts the process and passes it the configuration and the attempt at the job. The process opens
the database for itself, does the work as the server would, and says on standard output how far it is and how
it ended, a JSON object on each line. Its priority is that of the server: who has SQLite's lock must not be
kept from a processor while calls wait for the lock. Whoever cancels the job has the process killed, and what
it left is taken away by the job's `clean_up`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
import sys
import time
from dataclasses import astuple
from typing import Any

import structlog

from ringflow.config import Config
from ringflow.errors import RingflowError
from ringflow.jobs import queue
from ringflow.jobs.queue import Attempt, JobLost, Order
from ringflow.moments import system_now_ms
from ringflow.store import Store, StoreGone
from ringflow.web.jobs.kind import JobKind, JobWork
from ringflow.web.jobs.kinds import KINDS
from ringflow.web.rest.problem import problem
from ringflow.web.rest.services import Services

TELL_EVERY_S = 0.2
_LONGEST_LINE = 2**26


class JobFailed(Exception):
    """A job that was refused, or went wrong, in its process: with the problem that its row gets."""

    def __init__(self, found: dict[str, Any]) -> None:
        self.problem = found
        super().__init__(str(found.get("detail", "")))


async def carry_out_apart(kind: str, work: JobWork, order: Order) -> None:
    """Do a job in a process, which says itself in the database that it is done.

    Raises `JobFailed`, `JobLost`, `StoreGone`.
    """
    given = pickle.dumps((work.services.config, kind, astuple(order.attempt)))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "ringflow.web.jobs.job_process"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LONGEST_LINE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(given)
        process.stdin.close()
        async for line in process.stdout:
            _take(json.loads(line), work)
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if not work.finished:
        raise RuntimeError(f"the process of the job ended with {process.returncode}")


def _take(told: dict[str, Any], work: JobWork) -> None:
    match told:
        case {"done": done, "total": total}:
            work.report(done, total)
        case {"finished": True}:
            work.finished = True
        case {"problem": found}:
            raise JobFailed(found)
        case {"gone": detail}:
            raise StoreGone(detail)
        case {"lost": job_id}:
            raise JobLost(job_id)


def main() -> None:
    """Do the job that standard input tells of."""
    # From the server alone, which wrote it a moment ago.
    config, kind, attempt = pickle.loads(sys.stdin.buffer.read())  # noqa: S301
    # Standard output belongs to the server, and without this the log would be written there too.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
    asyncio.run(_run(config, kind, Attempt(*attempt)))


async def _run(config: Config, name: str, attempt: Attempt) -> None:
    kind = next(one for one in KINDS if one.name == name)
    try:
        store = await Store.open(config.database_url)
        try:
            await _carry_out(kind, Services(store, config, system_now_ms, {}, lambda: None), attempt)
        finally:
            await store.close()
    except JobLost as error:
        _tell({"lost": str(error)})
    except StoreGone as error:
        _tell({"gone": str(error)})
    except RingflowError as error:
        _tell({"problem": problem(error)})


async def _carry_out(kind: JobKind[Any], services: Services, attempt: Attempt) -> None:
    async with services.store.reading() as connection:
        order = await queue.reread(connection, attempt)
    if order is None:
        raise JobLost(attempt.job_id)
    work = _ToldWork(services, order)
    result = await kind.carry_out(work, order)
    if not work.finished:
        async with work.acting() as actor:
            await work.finish(actor, result)
    _tell({"done": work.done, "total": work.total})
    _tell({"finished": True})


class _ToldWork(JobWork):
    """A job whose progress is told to the server."""

    _told_s = 0.0

    def report(self, done: int, total: int | None = None) -> None:
        """Say how far it is, now and then."""
        super().report(done, total)
        now_s = time.monotonic()
        if now_s - self._told_s >= TELL_EVERY_S:
            self._told_s = now_s
            _tell({"done": self.done, "total": self.total})


def _tell(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main()
