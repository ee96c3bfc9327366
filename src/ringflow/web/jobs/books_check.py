"""The proof that the books are right, as a job: it reads all movements."""

from __future__ import annotations

from dataclasses import dataclass

from ringflow.forms.account import BooksForm, books_form
from ringflow.ledger.check import books_until_ms, check_books
from ringflow.rights import Right
from ringflow.web.jobs.kind import JobKind, JobWork


@dataclass(frozen=True, slots=True)
class BooksOrder:
    """All of the books are checked."""


async def _check(work: JobWork, given: BooksOrder) -> BooksForm:
    store = work.services.store
    async with store.reading() as connection:
        until_ms = await books_until_ms(connection)
    return books_form(await check_books(store, work.services.now_ms()), until_ms)


BOOKS_CHECK = JobKind("ledger.check", Right.MONEY_READ, BooksOrder, _check, apart=True)
