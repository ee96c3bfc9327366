"""Jobs over HTTP: how far they are, what came of them, and an end to them."""

from __future__ import annotations

from http import HTTPStatus

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.peppers import configured_peppers
from ringflow.actor import Actor, Principal
from ringflow.errors import Conflict, Forbidden, Unknown
from ringflow.forms.job import JobForm, job_form
from ringflow.jobs import queue
from ringflow.jobs.files import Part, pieces
from ringflow.jobs.job import JOBS, JobFilter, JobState, job_page, own_jobs, show_job
from ringflow.rights import Audience, Right
from ringflow.store.pages import Page, PageRequest
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input
from ringflow.web.rest.services import Services
from ringflow.web.rest.stream import Stream

RESOURCE = Resource("jobs", "/jobs", "Work that takes long, done beside the calls.")


class JobQuery(Input):
    """Which jobs."""

    status: JobState | None = None
    kind: str | None = None
    everyone: bool = False
    """Those of others too, which needs the right `jobs.read`."""


@RESOURCE.get(Audience.OPERATOR, listing=JOBS)
async def list_jobs(
    connection: AsyncConnection, principal: Principal, query: JobQuery, asked: PageRequest
) -> Page[JobForm]:
    """List your jobs, the newest first: with a token only those that it may ask for itself."""
    if query.everyone:
        principal.require(Right.JOBS_READ)
        wanted = JobFilter(None, query.status, query.kind)
    else:
        wanted = own_jobs(principal, query.status, query.kind)
    return (await job_page(connection, wanted, asked)).map(job_form)


@RESOURCE.get(Audience.OPERATOR, "/{job}")
async def show_one_job(connection: AsyncConnection, principal: Principal, job: str) -> JobForm:
    """Return a job: how far it is, and what came of it."""
    return job_form(await show_job(connection, job, principal))


@RESOURCE.post(Audience.OPERATOR, "/{job}:cancel", status=HTTPStatus.OK)
async def cancel_job(actor: Actor, job: str) -> JobForm:
    """Cancel a job.

    One that is queued is cancelled at once. The server that does one ends it within a second, and takes away
    what was made of it.
    """
    found = await show_job(actor.connection, job, actor.principal, Right.JOBS_CANCEL)
    await queue.cancel(actor, found)
    return job_form(await show_job(actor.connection, job, actor.principal, Right.JOBS_CANCEL))


@RESOURCE.get(Audience.OPERATOR, "/{job}/file", media=("text/csv", "application/x-ndjson"))
async def fetch_job_file(services: Services, principal: Principal, job: str) -> Stream:
    """Return the file that a job made.

    A file of secrets, such as the PINs of new cards, goes only to whoever asked for the job, and only once:
    it is deleted when all of it was sent. It needs the right that the job needed.
    """
    async with services.store.reading() as connection:
        found = await show_job(connection, job, principal)
    principal.require(found.needed)
    if found.secret and not found.belongs_to(principal):
        raise Forbidden("job.not_yours", f"job {job} is {found.operator}'s, and so are its secrets", job=job)
    if found.file_name is None or found.file_type is None:
        why = "it made none" if found.state is JobState.DONE else f"it is {found.state}"
        raise Unknown("job.no_file", f"job {job} has no file: {why}", job=job, state=found.state)
    if found.fetched_ms is not None:
        raise Conflict("job.file_fetched", f"the file of job {job} was fetched already, and is gone", job=job)

    async def fetched() -> None:
        async with services.opener(principal)() as actor:
            await queue.note_fetched(actor, found)

    peppers = configured_peppers(services.config) if found.secret else None
    return Stream(
        found.file_type,
        pieces(services.store, found.id, Part.OUTPUT, peppers),
        found.file_name,
        fetched if found.secret else None,
    )
