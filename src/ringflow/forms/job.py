"""The form of a job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ringflow.jobs.job import Job
from ringflow.ledger.server_names import server_name
from ringflow.moments import Moment


@dataclass(frozen=True, slots=True)
class JobForm:
    """A job. `file`: what it made, for as long as it can be fetched."""

    id: str
    kind: str
    subject: str
    status: str
    operator: str
    token: str | None
    server: str | None
    tries: int
    done: int
    total: int | None
    result: dict[str, Any] | None
    error: dict[str, Any] | None
    file: str | None
    once: bool
    queued_at: Moment
    started_at: Moment | None
    ended_at: Moment | None
    cancel_asked_at: Moment | None
    fetched_at: Moment | None
    expires_at: Moment | None


def job_form(job: Job) -> JobForm:
    """Return a job as it is shown."""
    return JobForm(
        id=job.id,
        kind=job.kind,
        subject=job.subject,
        status=job.state.value,
        operator=job.operator,
        token=job.token,
        server=None if job.run is None else server_name(job.run),
        tries=job.tries,
        done=job.done,
        total=job.total,
        result=job.result,
        error=job.problem,
        file=job.file_name if job.fetched_ms is None else None,
        once=job.secret,
        queued_at=Moment(job.queued_ms),
        started_at=_moment(job.started_ms),
        ended_at=_moment(job.ended_ms),
        cancel_asked_at=_moment(job.cancel_ms),
        fetched_at=_moment(job.fetched_ms),
        expires_at=_moment(job.expires_ms),
    )


def _moment(time_ms: int | None) -> Moment | None:
    return None if time_ms is None else Moment(time_ms)
