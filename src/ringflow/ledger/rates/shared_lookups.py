"""Look-ups that callers share: what is asked while an answer is on its way goes into the next look-up."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from typing import Generic, TypeVar

import structlog

from ringflow.errors import RingflowError
from ringflow.store import StoreGone

log = structlog.get_logger("ringflow.ledger")

MAX_GATHERED = 256

Asked = TypeVar("Asked")
Found = TypeVar("Found")


class SharedLookUps(Generic[Asked, Found]):
    """`find` answers many questions in their order; it may raise `StoreGone`, which then all of them do."""

    def __init__(self, find: Callable[[Sequence[Asked]], Awaitable[Sequence[Found]]]) -> None:
        self._find = find
        self._waiting: deque[tuple[Asked, asyncio.Future[Found]]] = deque()
        self._finder: asyncio.Task[None] | None = None

    async def ask(self, asked: Asked) -> Found:
        """The answer to one question. Raises what `find` raises."""
        answer: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, answer))
        if self._finder is None or self._finder.done():
            self._finder = asyncio.create_task(self._answer_all(), name="gathered look-ups")
        return await answer

    async def _answer_all(self) -> None:
        while self._waiting:
            batch = list(islice(self._waiting, MAX_GATHERED))
            for _ in batch:
                self._waiting.popleft()
            try:
                found = await self._find([asked for asked, _ in batch])
            except StoreGone as error:
                self._fail(batch, error)
            except Exception as error:
                # Boundary: what these questions break must not keep later ones from being answered.
                log.exception("look-ups failed", questions=len(batch))
                self._fail(batch, error)
            except BaseException as error:
                # Cancelled: nobody may wait for ever for an answer that does not come.
                self._fail([*batch, *self._waiting], error)
                self._waiting.clear()
                raise
            else:
                for (_, answer), one in zip(batch, found, strict=True):
                    if not answer.done():
                        answer.set_result(one)

    @staticmethod
    def _fail(batch: Sequence[tuple[Asked, asyncio.Future[Found]]], error: BaseException) -> None:
        # An exception of its own for each: a traceback is written into the one that is raised.
        kind = StoreGone if isinstance(error, StoreGone) else RingflowError
        for _, answer in batch:
            if not answer.done():
                answer.set_exception(kind(str(error)))
