"""The making of a batch of cards as a job. Its file has the PINs, sealed, until it is fetched.

The PINs of some thousand cards are sealed into the database in the transaction that makes these cards. So
whenever the cards are good, whoever asked for them can fetch the PINs, from any server, once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from ringflow.accounts.cards.batch import find_batch, find_batch_by_id
from ringflow.accounts.cards.generation import Plan, Secret, discard, generate, open_batch
from ringflow.accounts.peppers import configured_peppers
from ringflow.actor import Actor
from ringflow.forms.card import batch_form
from ringflow.rights import Right
from ringflow.web.jobs.kind import JobKind, JobWork
from ringflow.web.jobs.secrets_file import secrets_file


class _Sealed:
    """Writes the PINs of cards into the job's file, in the transactions that make the cards."""

    def __init__(self, work: JobWork, plan: Plan) -> None:
        self._work = work
        self._plan = plan
        self._lines = ["id,pin"]
        self._is_traced = False

    def take(self, secrets: Sequence[Secret]) -> None:
        """Take PINs, which are written before the transaction ends."""
        self._lines += [f"{card_id},{pin}" for card_id, pin in secrets]

    @asynccontextmanager
    async def acting(self) -> AsyncIterator[Actor]:
        """Begin a transaction that has the PINs written which were taken in it."""
        async with self._work.acting() as actor:
            yield actor
            if not self._is_traced:
                batch = await find_batch(actor.connection, self._plan.name)
                assert batch is not None
                await self._work.leave_trace(actor, {"batch": batch.id})
                self._is_traced = True
            elif self._lines:
                lines, self._lines = self._lines, []
                await self._work.write(actor, "".join(f"{one}\n" for one in lines).encode(), secret=True)


async def _run(work: JobWork, plan: Plan) -> None:
    work.report(0, plan.count)
    sealed = _Sealed(work, plan)
    peppers = configured_peppers(work.services.config)
    batch = await generate(sealed.acting, plan, peppers, sealed.take, work.report)
    async with work.acting() as actor:
        opened = await open_batch(actor, batch)
        form = batch_form(opened, work.services.config.zone)
        await work.finish(actor, form, secrets_file(plan.name, "pins"))


async def _clean_up(work: JobWork, trace: Any) -> None:
    async with work.services.store.reading() as connection:
        batch = await find_batch_by_id(connection, trace["batch"])
    if batch is not None:
        await discard(work.opener, batch)


CARD_GENERATION = JobKind("cards.generate", Right.CARDS_MAKE, Plan, _run, _clean_up)
