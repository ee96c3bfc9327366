"""Kinds of jobs, and what one has while it is done.

A kind is a function that does the work, with the input that a request gave it. It reports how far it is,
writes what it makes within transactions that act as whoever asked, and says in the last of them that it is
done. So it is done or not, whenever its server dies.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

from ringflow.accounts.peppers import configured_peppers
from ringflow.actor import Actor, Opener
from ringflow.forms.json_value import json_value
from ringflow.jobs import queue
from ringflow.jobs.files import Part, add_piece, pieces
from ringflow.jobs.job import Job
from ringflow.jobs.queue import Order, OutputFile
from ringflow.rights import Right
from ringflow.web.rest.services import Services

Given = TypeVar("Given")


class JobWork:
    """A job while it is done. `done` and `total` are what was reported last."""

    def __init__(self, services: Services, order: Order) -> None:
        self.job = order.job
        self.services = services
        self.done = 0
        self.total: int | None = order.job.total
        self.finished = False
        self._order = order

    @property
    def opener(self) -> Opener:
        """Begins a transaction in which whoever asked for the job acts."""
        return self.services.opener(self._order.principal)

    def acting(self) -> AbstractAsyncContextManager[Actor]:
        """Begin a transaction in which whoever asked for the job acts."""
        return self.opener()

    def report(self, done: int, total: int | None = None) -> None:
        """Say how many pieces of work are done, and of how many where that is known. It costs nothing."""
        self.done = done
        self.total = self.total if total is None else total

    async def upload(self) -> bytes:
        """Return the file that the request brought."""
        read = pieces(self.services.store, self.job.id, Part.INPUT, None)
        return b"".join([piece async for piece in read])

    async def leave_trace(self, actor: Actor, trace: Mapping[str, Any]) -> None:
        """Note, in the transaction that makes it, what `clean_up` is to take away if the job is not finished.

        Raises `JobLost` where another server does the job by now.
        """
        await queue.note_trace(actor.connection, self._order.attempt, dict(trace))

    async def write(self, actor: Actor, data: bytes, *, secret: bool = False) -> None:
        """Add to the job's file; what is secret is sealed. It can be fetched once the job is done."""
        peppers = configured_peppers(self.services.config) if secret else None
        await add_piece(actor.connection, self.job.id, Part.OUTPUT, data, peppers)

    async def write_alone(self, actor: Actor, data: bytes) -> None:
        """Add to the job's file where there is nothing else to make or to clean up.

        Raises `JobLost` where another server does the job by now, before a piece gets into its file.
        """
        await self.leave_trace(actor, {})
        await self.write(actor, data)

    async def finish(self, actor: Actor, result: object = None, file: OutputFile | None = None) -> None:
        """Say that the job is done, in the transaction of the last of its work.

        `result`: a form, or what `json_value` makes an object of. Raises `JobLost` where another server does
        the job by now: then nothing of the transaction may be kept.
        """
        connection, attempt = actor.connection, self._order.attempt
        await queue.note_progress(connection, attempt, self.done, self.total)
        await queue.finish(connection, attempt, actor.now_ms, json_value(result), file)
        self.finished = True


@dataclass(frozen=True, slots=True)
class JobKind(Generic[Given]):
    """One kind of work. `needed`: the right that whoever asks for it needs, and for a secret file of it.

    `given`: the type of its input, kept as JSON; no secret may be in it. `run` returns the result where it
    has not said by `finish` that the job is done. `clean_up` takes away what the trace of an attempt names.
    `repeats`: after the end of its server the job is begun again from its beginning; else it is interrupted.
    """

    name: str
    needed: Right
    given: type[Given]
    run: Callable[[JobWork, Given], Awaitable[object]]
    clean_up: Callable[[JobWork, Any], Awaitable[object]] | None = None
    repeats: bool = True
    apart: bool = False
    """Whether it keeps a processor busy: it is done in a process of its own, so that calls do not wait."""

    async def start(self, actor: Actor, given: Given, subject: str, upload: bytes | None = None) -> Job:
        """Put a job of this kind into the queue, and return it: return that from the handler in turn."""
        text = TypeAdapter(self.given).dump_json(given).decode()
        return await queue.enqueue(actor, self.name, self.needed, text, subject, upload)

    async def carry_out(self, work: JobWork, order: Order) -> object:
        """Do the work of an order."""
        return await self.run(work, TypeAdapter(self.given).validate_json(order.input))
