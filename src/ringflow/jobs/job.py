"""Read jobs: list them, or find one by its ID. Who may see a job depends on whose job it is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Principal, PrincipalKind
from ringflow.errors import Unknown
from ringflow.plain_text import plain
from ringflow.rights import Right
from ringflow.store.job_tables import jobs
from ringflow.store.page_filters import Filters
from ringflow.store.pages import Listing, Page, PageRequest


class JobState(StrEnum):
    """How far a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    """It was refused, or went wrong. Nothing of it is left."""
    CANCELLED = "cancelled"
    """Somebody cancelled it. Nothing of it is left."""
    INTERRUPTED = "interrupted"
    """Its server ended, and it is not begun again. Nothing of it is left."""


ENDED = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.INTERRUPTED})


@dataclass(frozen=True, slots=True)
class Job:
    """A job. Times are milliseconds since 1970.

    `done` of `total` pieces of work are done; `total` None: nobody knows how many there are. `run`: the run
    of the server that does it, or did. `tries`: how often it was begun. `cancel_ms`: when somebody wanted it
    cancelled. `expires_ms`: when it is forgotten, with its file. `needed`: the right for what it does.
    """

    id: str
    kind: str
    subject: str
    operator: str
    token: str | None
    needed: Right
    state: JobState
    run: str | None
    tries: int
    done: int
    total: int | None
    result: Any
    problem: dict[str, Any] | None
    file_name: str | None
    file_type: str | None
    secret: bool
    queued_ms: int
    started_ms: int | None
    ended_ms: int | None
    cancel_ms: int | None
    fetched_ms: int | None
    expires_ms: int | None

    def belongs_to(self, principal: Principal) -> bool:
        """Return whether somebody asked for it, by whichever token of theirs.

        A token that may not do what the job does sees no more of it than a stranger.
        """
        is_narrowed = principal.kind is PrincipalKind.TOKEN and self.needed not in principal.rights
        return self.operator == principal.name and not is_narrowed


JOBS = Listing("jobs", {"queued": (jobs.c.queued_ms, jobs.c.id)}, first="-queued")


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs: those that fit all given."""

    operator: str | None = None
    state: JobState | None = None
    kind: str | None = None
    needed: frozenset[Right] | None = None
    """Only those for which one of these rights is needed."""


async def job_page(connection: AsyncConnection, wanted: JobFilter, asked: PageRequest) -> Page[Job]:
    """Read a page of jobs."""
    own = ((jobs.c.operator, wanted.operator), (jobs.c.state, wanted.state), (jobs.c.kind, wanted.kind))
    tried = []
    if wanted.needed is not None:
        tried.append(jobs.c.needed.in_(sorted(one.value for one in wanted.needed)))
    return await JOBS.page(connection, _SELECT, asked, job_of, Filters(own, tried))


def own_jobs(principal: Principal, state: JobState | None = None, kind: str | None = None) -> JobFilter:
    """Return which jobs are somebody's own: as `Job.belongs_to` says."""
    needed = principal.rights if principal.kind is PrincipalKind.TOKEN else None
    return JobFilter(principal.name, state, kind, needed)


async def find_job(connection: AsyncConnection, job_id: str) -> Job | None:
    """Return the job with this ID, or None."""
    row = (await connection.execute(_SELECT.where(jobs.c.id == job_id))).one_or_none()
    return None if row is None else job_of(row)


async def show_job(
    connection: AsyncConnection, job_id: str, principal: Principal, right: Right = Right.JOBS_READ
) -> Job:
    """Return a job of somebody's own, or with a right anyone's.

    Raises `Unknown` where there is none, and for jobs of others too: whether there are some is not told.
    """
    job = await find_job(connection, job_id)
    if job is None or not (job.belongs_to(principal) or right in principal.rights):
        raise Unknown("job.unknown", f"there is no job {plain(job_id)}", job=job_id)
    return job


def job_of(row: Sequence[Any]) -> Job:
    """Return the job that a row of `COLUMNS` is about."""
    fields = dict(zip(Job.__slots__, row, strict=True))
    for name in ("result", "problem"):
        fields[name] = None if fields[name] is None else json.loads(fields[name])
    fields |= {"needed": Right(fields["needed"]), "state": JobState(fields["state"])}
    return Job(**{**fields, "secret": bool(fields["secret"])})


COLUMNS = tuple(jobs.c[name] for name in Job.__slots__)
_SELECT = select(*COLUMNS)
