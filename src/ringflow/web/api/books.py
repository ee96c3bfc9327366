"""The proof of the books over HTTP."""

from __future__ import annotations

from ringflow.actor import Actor
from ringflow.jobs.job import Job
from ringflow.rights import Right
from ringflow.web.jobs.books_check import BOOKS_CHECK, BooksOrder
from ringflow.web.rest.operation import Resource

RESOURCE = Resource("ledger", "/accounts:check", "Customers' credit.")


@RESOURCE.post(Right.MONEY_READ)
async def check_the_books(actor: Actor) -> Job:
    """Prove the books, as a job. The result says whether they are right, and up to when they go."""
    return await BOOKS_CHECK.start(actor, BooksOrder(), "the books")
