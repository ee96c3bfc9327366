"""Group commit: what is asked while one transaction is being written goes into the next, all together.

Nobody is answered before the commit. A disk that takes 5 ms for a commit gives 200 calls a second when every
call waits for its own, and thousands when they share.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextvars import Context
from dataclasses import dataclass

import structlog

from ringflow.errors import Refused, RingflowError
from ringflow.ledger.batch import run_batch
from ringflow.ledger.express import run_express
from ringflow.ledger.request import Answer, Request
from ringflow.ledger.transaction import transact
from ringflow.store import Store, StoreGone
from ringflow.store.batches import Batches

log = structlog.get_logger("ringflow.ledger")

MAX_BATCH = 256


@dataclass(slots=True)
class _Waiting:
    request: Request
    subject: str
    answer: asyncio.Future[Answer]


class GroupCommit:
    """The queue of requests of one process, and the task that writes them."""

    def __init__(self, store: Store, now_ms: Callable[[], int]) -> None:
        self.batches = Batches()
        self._store = store
        self._now_ms = now_ms
        self._queue: deque[_Waiting] = deque()
        self._writer: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many requests are in no transaction yet."""
        return len(self._queue)

    async def ask(self, request: Request) -> Answer:
        """Have a request carried out; answers after its commit. Raises `Refused`, `StoreGone`.

        Whoever is cancelled while waiting does not know whether it was done: ask again with the same leg.
        """
        waiting = _Waiting(request, request.subject, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        if self._writer is None or self._writer.done():
            # In a context of its own: its lines of the log are of no single call.
            self._writer = asyncio.create_task(self._write(), name="ledger group commit", context=Context())
        answer = await waiting.answer
        if isinstance(answer, Refused):
            raise answer
        return answer

    async def close(self) -> None:
        """Wait until everything that was asked is written."""
        while self._writer is not None and not self._writer.done():
            await asyncio.wait([self._writer])

    async def _write(self) -> None:
        while batch := self._next():
            began_s = time.perf_counter()
            try:
                await self._carry_out(batch)
                self.batches.add(len(batch), time.perf_counter() - began_s)
                await self._gather()
            except BaseException as error:
                # Cancelled, or broken: nobody may wait for ever for an answer that does not come.
                for waiting in [*batch, *self._queue]:
                    if not waiting.answer.done():
                        waiting.answer.set_exception(RingflowError("the ledger stopped"))
                self._queue.clear()
                raise error

    @staticmethod
    async def _gather() -> None:
        """Let those ask who can: a turn of the loop for what has arrived, and one for the tasks it wakes.

        Where nobody waits that is no time; under load it makes fewer and larger batches. Waiting for more
        leaves the processor without work while the batch is written: calls of a batch then go in step.
        """
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    def _next(self) -> list[_Waiting]:
        """The longest run of requests in which no subject comes twice, without those given up meanwhile."""
        batch: list[_Waiting] = []
        subjects: set[str] = set()
        while self._queue and len(batch) < MAX_BATCH and self._queue[0].subject not in subjects:
            waiting = self._queue.popleft()
            if not waiting.answer.done():
                batch.append(waiting)
                subjects.add(waiting.subject)
        return batch

    async def _carry_out(self, batch: list[_Waiting]) -> None:
        """In one statement what can be, where round trips are what costs; step by step what is left."""
        if self._store.dialect == "postgresql":
            await self._commit_express(batch)
            batch = [one for one in batch if not one.answer.done()]
        if batch:
            await self._commit(batch)

    async def _commit_express(self, batch: list[_Waiting]) -> None:
        try:
            answers = await transact(
                self._store.writing_one_statement,
                lambda connection: run_express(connection, [one.request for one in batch], self._now_ms()),
            )
        except StoreGone as error:
            _lose(batch, error)
        except Exception as error:  # noqa: BLE001 -- it did nothing, and the steps show whose fault it was
            log.warning("ledger batch taken apart", requests=len(batch), detail=repr(error))
        else:
            _answer(batch, answers)

    async def _commit(self, batch: list[_Waiting]) -> None:
        try:
            answers = await transact(
                self._store.writing_directly,
                lambda connection: run_batch(connection, [one.request for one in batch], self._now_ms()),
            )
        except StoreGone as error:
            _lose(batch, error)
        except Exception as error:  # noqa: BLE001 -- what one request breaks must not fail the others
            if len(batch) == 1:
                _fail(batch[0], error)
                return
            for waiting in batch:
                await self._commit([waiting])
        else:
            _answer(batch, answers)


def _answer(batch: list[_Waiting], answers: Mapping[str, Answer]) -> None:
    for waiting in batch:
        answer = answers.get(waiting.subject)
        if answer is not None and not waiting.answer.done():
            waiting.answer.set_result(answer)


def _lose(batch: list[_Waiting], error: StoreGone) -> None:
    for waiting in batch:
        _fail(waiting, StoreGone(str(error)))


def _fail(waiting: _Waiting, error: Exception) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(error)
