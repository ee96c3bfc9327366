"""Group commit: requests that come while one transaction is being written go into the next one together.

No request is answered before its commit. A disk that takes 5 ms for a commit allows 200 calls a second when
every call waits for a commit of its own, and thousands when they share one.

Nobody waits for ever, and nobody for another one's account. PostgreSQL gives up a lock that does not come
within a second. From then on no lock is waited for: what is about rows that another transaction keeps is put
off, tried again a little later, and given up after `PATIENCE_S`, while everything else goes on.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextvars import Context
from dataclasses import dataclass
from functools import partial

import structlog

from ringflow.errors import Refused, RingflowError
from ringflow.ledger.batch import Answer, Request, run_batch, run_batch_statement
from ringflow.ledger.transaction import transact
from ringflow.store import Store, StoreGone, StoreLocked
from ringflow.store.batches import Batches

log = structlog.get_logger("ringflow.ledger")

MAX_BATCH = 256

PATIENCE_S = 4.0
"""How long a request is put off before it is given up."""

AGAIN_S = 0.1
"""How soon what was put off is tried again."""

PASSING_OVER_S = 10.0
"""How long after the last lock that did not come no lock is waited for."""

BATCH_S = 5.0
"""How long a batch may take on PostgreSQL."""

SLOW_S = 1.0
"""When a batch fails after so long, those who have waited behind it fail too, and not after as long again."""


@dataclass(slots=True, eq=False)
class _Waiting:
    request: Request
    subject: str
    answer: asyncio.Future[Answer]
    asked_at_s: float


class GroupCommit:
    """The queue of requests of one process, and the task that writes them."""

    def __init__(self, store: Store, now_ms: Callable[[], int]) -> None:
        self.batches = Batches("ledger", "Requests", "group commit of the ledger")
        self._store = store
        self._now_ms = now_ms
        self._queue: deque[_Waiting] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._put_off: dict[_Waiting, asyncio.TimerHandle] = {}
        self._unanswered: set[_Waiting] = set()
        self._passing_over_until_s = 0.0
        self._began_s: float | None = None

    @property
    def waiting(self) -> int:
        """How many requests are in no transaction yet."""
        return len(self._queue) + len(self._put_off)

    @property
    def put_off(self) -> int:
        """How many requests wait for rows that another transaction keeps locked; also while tried again."""
        return len(self._unanswered)

    @property
    def behind_s(self) -> float:
        """For how long the batch that is being written has been."""
        return asyncio.get_running_loop().time() - self._began_s if self._began_s is not None else 0.0

    async def ask(self, request: Request) -> Answer:
        """Have a request carried out; answers after its commit. Raises `Refused`, `StoreGone`.

        Whoever is cancelled while waiting does not know whether it was done: ask again with the same leg.
        """
        loop = asyncio.get_running_loop()
        waiting = _Waiting(request, request.subject, loop.create_future(), loop.time())
        self._enter(waiting)
        answer = await waiting.answer
        if isinstance(answer, Refused):
            raise answer
        return answer

    async def close(self) -> None:
        """Wait until everything that was asked is written."""
        while self.waiting or (self._writer is not None and not self._writer.done()):
            if self._writer is not None and not self._writer.done():
                await asyncio.wait([self._writer])
            else:
                await asyncio.wait([one.answer for one in self._put_off])

    def _enter(self, waiting: _Waiting) -> None:
        self._queue.append(waiting)
        if self._writer is None or self._writer.done():
            # In a context of its own: its lines of the log are of no single call.
            self._writer = asyncio.create_task(self._write(), name="ledger group commit", context=Context())

    async def _write(self) -> None:
        while batch := self._next():
            began_s = time.perf_counter()
            self._began_s = asyncio.get_running_loop().time()
            try:
                await self._carry_out(batch)
                self._began_s = None
                if done := sum(one.answer.done() for one in batch):
                    self.batches.add(done, time.perf_counter() - began_s)
                await self._gather()
            except Exception:
                # Boundary: our own bug fails those whose batch it was, and no other one.
                self._began_s = None
                log.exception("ledger batch failed", requests=len(batch))
                for waiting in batch:
                    _fail(waiting, RingflowError("the ledger failed, see the log"))
            except BaseException:
                # Cancelled: nobody may wait for ever for an answer that does not come.
                self._began_s = None
                for waiting in [*batch, *self._queue, *self._put_off]:
                    _fail(waiting, RingflowError("the ledger stopped"))
                self._queue.clear()
                raise

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
        """Carry out on PostgreSQL in one statement what can be, to save round trips; in steps what is not."""
        if self._store.dialect != "postgresql":
            await self._commit(batch, wait=True)
            return
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        try:
            async with asyncio.timeout(BATCH_S):
                wait = began_s >= self._passing_over_until_s
                if wait and not await self._try(batch, wait=True):
                    if self._passing_over_until_s < began_s:
                        log.warning(
                            "ledger waits for no lock", detail="another transaction keeps one too long"
                        )
                    self._passing_over_until_s = loop.time() + PASSING_OVER_S
                    wait = False
                if not wait:
                    await self._try(batch, wait=False)
        except TimeoutError:
            self._lose(batch, StoreGone(f"database {self._store.shown}: it does not answer in time"), began_s)
        self._put_those_off([one for one in batch if not one.answer.done()])

    async def _try(self, batch: list[_Waiting], *, wait: bool) -> bool:
        """Carry out what can be; return whether no lock kept us waiting for too long."""
        try:
            await self._commit_in_one_statement([one for one in batch if not one.answer.done()], wait=wait)
            broken = None
        except StoreLocked:
            return False
        except Exception as error:  # noqa: BLE001 -- it did nothing, and the steps show whose fault it was
            broken = error
        left = [one for one in batch if not one.answer.done()]
        in_time = not left or await self._commit(left, wait=wait)
        if broken is not None:
            _tell_broken(left, broken)
        return in_time

    def _put_those_off(self, left: list[_Waiting]) -> None:
        """Have what nothing was done about tried again, or give it up."""
        if not left:
            return
        loop = asyncio.get_running_loop()
        self._passing_over_until_s = loop.time() + PASSING_OVER_S
        for one in left:
            if loop.time() - one.asked_at_s > PATIENCE_S:
                what = f"another transaction keeps what {one.subject} is about locked"
                _fail(one, StoreLocked(f"database {self._store.shown}: {what}"))
            else:
                self._put_off[one] = loop.call_later(AGAIN_S, self._enter_again, one)
                if one not in self._unanswered:
                    self._unanswered.add(one)
                    one.answer.add_done_callback(partial(self._answered, one))

    def _answered(self, waiting: _Waiting, answer: asyncio.Future[Answer]) -> None:
        self._unanswered.discard(waiting)

    def _enter_again(self, waiting: _Waiting) -> None:
        del self._put_off[waiting]
        if not waiting.answer.done():
            self._enter(waiting)

    async def _commit_in_one_statement(self, batch: list[_Waiting], *, wait: bool) -> None:
        began_s = asyncio.get_running_loop().time()
        try:
            answers = await transact(
                self._store.writing_one_statement,
                lambda connection: run_batch_statement(
                    connection, [one.request for one in batch], self._now_ms(), wait=wait
                ),
            )
        except StoreLocked:
            raise
        except StoreGone as error:
            self._lose(batch, error, began_s)
        else:
            _answer(batch, answers)

    async def _commit(self, batch: list[_Waiting], *, wait: bool) -> bool:
        """Return whether all of it came to an end, or to another one than waiting for a lock."""
        began_s = asyncio.get_running_loop().time()
        try:
            answers = await transact(
                self._store.writing_directly,
                lambda connection: run_batch(
                    connection, [one.request for one in batch], self._now_ms(), wait=wait
                ),
            )
        except StoreGone as error:
            if not isinstance(error, StoreLocked) or self._store.dialect != "postgresql":
                self._lose(batch, error, began_s)
                return True
            if wait or len(batch) == 1:
                return False
        except Exception as error:  # noqa: BLE001 -- what one request breaks must not fail the others
            if len(batch) == 1:
                _fail(batch[0], error)
                return True
        else:
            _answer(batch, answers)
            return True
        ends = [await self._commit([waiting], wait=wait) for waiting in batch]
        return all(ends)

    def _lose(self, batch: list[_Waiting], error: StoreGone, began_s: float) -> None:
        for waiting in batch:
            _fail(waiting, type(error)(str(error)))
        if asyncio.get_running_loop().time() - began_s > SLOW_S:
            while self._queue:
                _fail(self._queue.popleft(), type(error)(str(error)))


def _answer(batch: list[_Waiting], answers: Mapping[str, Answer]) -> None:
    for waiting in batch:
        answer = answers.get(waiting.subject)
        if answer is not None and not waiting.answer.done():
            waiting.answer.set_result(answer)


def _tell_broken(batch: list[_Waiting], error: Exception) -> None:
    """Say why one statement could not carry a batch out: a fault of a request in it, or of the statement."""
    ended = [one for one in batch if one.answer.done() and not one.answer.cancelled()]
    if wrong := [one.subject for one in ended if one.answer.exception() is not None]:
        log.warning("ledger batch taken apart", requests=len(batch), wrong=wrong, detail=repr(error))
    else:
        log.info("ledger batch done in steps", requests=len(batch), detail=repr(error))


def _fail(waiting: _Waiting, error: Exception) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(error)
