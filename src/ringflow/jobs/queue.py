"""The queue of jobs that the servers of a database share: who does which, how far it is, and how it ended.

A job is begun by one server: it makes the job's row its own, with its run and the number of the attempt. Only
who has these may say what came of it. So a server that was taken for dead, and goes on after a pause, changes
nothing any more of a job that another one has begun again.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor, Principal
from ringflow.audit import Verb, note
from ringflow.errors import Conflict
from ringflow.jobs.files import Part, add_file, delete_file
from ringflow.jobs.job import COLUMNS, ENDED, Job, JobState, job_of
from ringflow.ledger.server_liveness import SEEN_MS
from ringflow.rights import Right
from ringflow.store.database import LookUp
from ringflow.store.job_tables import jobs
from ringflow.store.statement import Statement

KEPT_MS = 86_400_000
"""How long a job that has ended is kept, with its file."""
MOST_WAITING = 100
"""So many jobs of one operator may be queued or run."""

LIVE = LookUp(
    select(jobs.c.id, jobs.c.operator, jobs.c.state, jobs.c.run, jobs.c.tries, jobs.c.kind, jobs.c.cancel_ms)
    .where(text("state IN ('queued', 'running')"))
    .order_by(jobs.c.queued_ms, jobs.c.id),
    [],
)
_BEGIN = Statement(
    "UPDATE jobs SET state = 'running', run = :run, tries = tries + 1, "
    "started_ms = COALESCE(started_ms, :now_ms) WHERE id = :id AND state = 'queued' RETURNING id",
    id="text",
    run="text",
    now_ms="bigint",
)
_TAKE_OVER = Statement(
    "UPDATE jobs SET run = :run WHERE id = :id AND state = 'running' AND run = :before AND tries = :tries "
    "RETURNING id",
    id="text",
    run="text",
    before="text",
    tries="bigint",
)
_ABANDONED = Statement(
    "SELECT j.id, j.run, j.tries FROM jobs AS j LEFT JOIN ledger_servers AS s ON s.id = j.run "  # noqa: S608 -- ours
    f"WHERE j.state = 'running' AND j.run <> :run AND COALESCE({SEEN_MS}, 0) < :seen_ms",
    run="text",
    seen_ms="bigint",
)
_PROGRESS = Statement(
    "UPDATE jobs SET done = :done, total = :total "
    "WHERE id = :id AND state = 'running' AND run = :run AND tries = :tries",
    id="text",
    run="text",
    tries="bigint",
    done="bigint",
    total="bigint",
)
_TRACE = Statement(
    "UPDATE jobs SET trace = :trace WHERE id = :id AND state = 'running' AND run = :run AND tries = :tries "
    "RETURNING id",
    id="text",
    run="text",
    tries="bigint",
    trace="text",
)
_FINISH = Statement(
    "UPDATE jobs SET state = 'done', result = :result, file_name = :file_name, file_type = :file_type, "
    "secret = :secret, ended_ms = :now_ms, expires_ms = :expires_ms, trace = NULL "
    "WHERE id = :id AND state = 'running' AND run = :run AND tries = :tries RETURNING id",
    id="text",
    run="text",
    tries="bigint",
    result="text",
    file_name="text",
    file_type="text",
    secret="bigint",  # noqa: S106 -- the type of a column
    now_ms="bigint",
    expires_ms="bigint",
)
_END = Statement(
    "UPDATE jobs SET state = :state, problem = :problem, ended_ms = :now_ms, expires_ms = :expires_ms, "
    "trace = NULL WHERE id = :id AND state = 'running' AND run = :run AND tries = :tries RETURNING id",
    id="text",
    run="text",
    tries="bigint",
    state="text",
    problem="text",
    now_ms="bigint",
    expires_ms="bigint",
)
_PUT_BACK = Statement(
    "UPDATE jobs SET state = 'queued', run = NULL, done = 0, trace = NULL "
    "WHERE id = :id AND state = 'running' AND run = :run AND tries = :tries RETURNING id",
    id="text",
    run="text",
    tries="bigint",
)
_CANCEL_QUEUED = Statement(
    "UPDATE jobs SET state = 'cancelled', cancel_ms = :now_ms, ended_ms = :now_ms, expires_ms = :expires_ms "
    "WHERE id = :id AND state = 'queued' RETURNING id",
    id="text",
    now_ms="bigint",
    expires_ms="bigint",
)
_CANCEL_RUNNING = Statement(
    "UPDATE jobs SET cancel_ms = COALESCE(cancel_ms, :now_ms) WHERE id = :id AND state = 'running' "
    "RETURNING id",
    id="text",
    now_ms="bigint",
)
_FETCHED = Statement(
    "UPDATE jobs SET fetched_ms = :now_ms WHERE id = :id AND fetched_ms IS NULL RETURNING id",
    id="text",
    now_ms="bigint",
)
_FORGET_FILES = Statement(
    "DELETE FROM job_files WHERE job_id IN (SELECT id FROM jobs WHERE expires_ms < :now_ms)", now_ms="bigint"
)
_FORGET = Statement("DELETE FROM jobs WHERE expires_ms < :now_ms", now_ms="bigint")
_STATE = Statement("SELECT state, run, tries FROM jobs WHERE id = :id", id="text")

_PRINCIPAL: TypeAdapter[Principal] = TypeAdapter(Principal)


class JobLost(Exception):
    """Another server has begun the job again, or it is over: who goes on with it does so in vain."""


@dataclass(frozen=True, slots=True)
class LiveJob:
    """A job that has not ended."""

    id: str
    operator: str
    state: JobState
    run: str | None
    tries: int
    kind: str
    cancel_ms: int | None

    @property
    def attempt(self) -> Attempt:
        """The attempt that is going on."""
        return Attempt(self.id, self.run or "", self.tries)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a job, by one run of a server."""

    job_id: str
    run: str
    tries: int

    @property
    def key(self) -> dict[str, Any]:
        """By which its row is found."""
        return {"id": self.job_id, "run": self.run, "tries": self.tries}


@dataclass(frozen=True, slots=True)
class Order:
    """A job as it is to be done: as whom, with which input (JSON), and what an attempt before it left."""

    job: Job
    principal: Principal
    input: str
    trace: Any

    @property
    def attempt(self) -> Attempt:
        """The attempt that it is."""
        return Attempt(self.job.id, self.job.run or "", self.job.tries)


@dataclass(frozen=True, slots=True)
class OutputFile:
    """The file of a job that is done. A `secret` one is fetched once."""

    name: str
    type: str
    secret: bool = False


async def enqueue(
    actor: Actor, kind: str, needed: Right, given: str, subject: str, upload: bytes | None = None
) -> Job:
    """Put a job into the queue, in the actor's transaction. `given`: its input as JSON.

    Raises `Conflict` where the operator has as many waiting as one may have.
    """
    principal, connection = actor.principal, actor.connection
    waiting = select(func.count()).where(
        jobs.c.operator == principal.name, jobs.c.state.in_(("queued", "running"))
    )
    if (await connection.execute(waiting)).scalar_one() >= MOST_WAITING:
        raise Conflict(
            "job.too_many",
            f"{MOST_WAITING} jobs of yours are waiting already; let some of them end, or cancel them",
            most=MOST_WAITING,
        )
    job_id = secrets.token_hex(16)
    row = {
        "id": job_id,
        "kind": kind,
        "subject": subject,
        "operator": principal.name,
        "token": principal.token,
        "principal": _PRINCIPAL.dump_json(principal).decode(),
        "needed": needed.value,
        "input": given,
        "state": JobState.QUEUED.value,
        "tries": 0,
        "done": 0,
        "secret": 0,
        "queued_ms": actor.now_ms,
    }
    await connection.execute(jobs.insert().values(row))
    if upload is not None:
        await add_file(connection, job_id, Part.INPUT, upload)
    return (await _read(connection, job_id)).job


async def begin(connection: AsyncConnection, job_id: str, run: str, now_ms: int) -> Order | None:
    """Make a queued job this run's; None where another server was quicker, or it was cancelled."""
    if not await _BEGIN.run(connection, id=job_id, run=run, now_ms=now_ms):
        return None
    return await _read(connection, job_id)


async def take_over(connection: AsyncConnection, lost: Attempt, run: str) -> Order | None:
    """Make an attempt this run's that its own run has given up; None where another server was quicker."""
    taken = await _TAKE_OVER.run(connection, id=lost.job_id, run=run, before=lost.run, tries=lost.tries)
    return await _read(connection, lost.job_id) if taken else None


async def abandoned(connection: AsyncConnection, run: str, seen_ms: int) -> list[Attempt]:
    """Return the attempts of servers that have not said since `seen_ms` that they live."""
    rows = await _ABANDONED.run(connection, run=run, seen_ms=seen_ms)
    return [Attempt(*tuple(row)) for row in rows]


async def reread(connection: AsyncConnection, attempt: Attempt) -> Order | None:
    """Return the order as its row is now; None where the attempt has ended, or is another server's."""
    rows = await _STATE.run(connection, id=attempt.job_id)
    if [tuple(row) for row in rows] != [("running", attempt.run, attempt.tries)]:
        return None
    return await _read(connection, attempt.job_id)


async def note_progress(connection: AsyncConnection, attempt: Attempt, done: int, total: int | None) -> None:
    """Note how far an attempt is."""
    await _PROGRESS.run(connection, **attempt.key, done=done, total=total)


async def note_trace(connection: AsyncConnection, attempt: Attempt, trace: object) -> None:
    """Note what must be cleaned up if the attempt does not come to its end. Raises `JobLost`."""
    if not await _TRACE.run(connection, **attempt.key, trace=json.dumps(trace)):
        raise JobLost(attempt.job_id)


async def finish(
    connection: AsyncConnection, attempt: Attempt, now_ms: int, result: object, file: OutputFile | None
) -> None:
    """Say that the job is done, in the transaction of the last of its work. Raises `JobLost`."""
    done = await _FINISH.run(
        connection,
        **attempt.key,
        result=json.dumps(result),
        file_name=None if file is None else file.name,
        file_type=None if file is None else file.type,
        secret=int(file is not None and file.secret),
        now_ms=now_ms,
        expires_ms=now_ms + KEPT_MS,
    )
    if not done:
        raise JobLost(attempt.job_id)
    await delete_file(connection, attempt.job_id, Part.INPUT)


async def end(
    connection: AsyncConnection,
    attempt: Attempt,
    state: JobState,
    now_ms: int,
    problem: dict[str, Any] | None = None,
) -> None:
    """Say that the job has ended without being done. Nothing happens where it is another server's by now."""
    ended = await _END.run(
        connection,
        **attempt.key,
        state=state.value,
        problem=None if problem is None else json.dumps(problem),
        now_ms=now_ms,
        expires_ms=now_ms + KEPT_MS,
    )
    if ended:
        for part in Part:
            await delete_file(connection, attempt.job_id, part)


async def put_back(connection: AsyncConnection, attempt: Attempt) -> None:
    """Have the job begun again from its beginning. Nothing happens where it is another server's by now."""
    if await _PUT_BACK.run(connection, **attempt.key):
        await delete_file(connection, attempt.job_id, Part.OUTPUT)


async def cancel(actor: Actor, job: Job) -> None:
    """Have a job cancelled: at once where it is queued, else by the server that does it, within a second.

    Raises `Conflict` where it has ended.
    """
    connection, now_ms = actor.connection, actor.now_ms
    if await _CANCEL_QUEUED.run(connection, id=job.id, now_ms=now_ms, expires_ms=now_ms + KEPT_MS):
        await delete_file(connection, job.id, Part.INPUT)
    elif not await _CANCEL_RUNNING.run(connection, id=job.id, now_ms=now_ms):
        current = (await _read(connection, job.id)).job
        assert current.state in ENDED
        raise Conflict(
            "job.ended", f"job {job.id} has ended: it is {current.state}", job=job.id, state=current.state
        )
    await note(actor, Verb.CANCEL, f"job {job.id}", {"kind": job.kind, "subject": job.subject}, None)


async def note_fetched(actor: Actor, job: Job) -> None:
    """Note that a file of secrets was fetched, and delete it. The audit log has it."""
    if await _FETCHED.run(actor.connection, id=job.id, now_ms=actor.now_ms):
        await delete_file(actor.connection, job.id, Part.OUTPUT)
        facts = {"kind": job.kind, "subject": job.subject, "file": job.file_name}
        await note(actor, Verb.EXPORT, f"job {job.id}", None, facts)


async def forget(connection: AsyncConnection, now_ms: int) -> None:
    """Forget jobs whose time is over, with their files."""
    await _FORGET_FILES.run(connection, now_ms=now_ms)
    await _FORGET.run(connection, now_ms=now_ms)


def next_job(live: Sequence[LiveJob]) -> str | None:
    """Return which queued job is to be begun: of whoever has the fewest running, the oldest."""
    running: dict[str, int] = {}
    for one in live:
        if one.state is JobState.RUNNING:
            running[one.operator] = running.get(one.operator, 0) + 1
    queued = [one for one in live if one.state is JobState.QUEUED]
    # `min` gives the first of several, and they stand in the order in which they were queued.
    first = min(queued, key=lambda one: running.get(one.operator, 0), default=None)
    return None if first is None else first.id


async def _read(connection: AsyncConnection, job_id: str) -> Order:
    query = select(*COLUMNS, jobs.c.principal, jobs.c.input, jobs.c.trace).where(jobs.c.id == job_id)
    *fields, principal, given, trace = (await connection.execute(query)).one()
    return Order(
        job_of(fields),
        _PRINCIPAL.validate_json(principal),
        given,
        None if trace is None else json.loads(trace),
    )
