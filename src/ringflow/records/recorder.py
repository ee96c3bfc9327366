"""Writes the record of every call that ended, in batches, beside the calls: none of them waits for it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from contextvars import Context
from itertools import islice

import structlog

from ringflow.calls import events
from ringflow.calls.call_record import CallRecord
from ringflow.calls.history import CallHistory
from ringflow.records.rows import CallRows, call_rows
from ringflow.records.storage import CALLS_AT_ONCE, write_rows
from ringflow.store import Store, StoreGone
from ringflow.store.batches import Batches

log = structlog.get_logger("ringflow.records")

MANY = 128
"""So many records that wait are written at once."""

LINGER_S = 0.5
"""How long the first record waits for others: a commit costs as much as dozens of records."""

MAX_WAITING = 20_000
"""Records kept in memory while the database is away, about 4 KB each; the newest beyond that are dropped."""

RETRY_FIRST_S = 0.5
RETRY_LONGEST_S = 15.0


class Recorder:
    """An `Observer` of calls. `server`: the name under which this server's calls are recorded.

    `dropped`: records that were not written, as the database was away for too long or refused them;
    `batches`: those that were. `stuck`: the last try found no database.
    """

    observed = (events.CallEnded,)

    def __init__(
        self, store: Store, server: str, *, linger_s: float = LINGER_S, max_waiting: int = MAX_WAITING
    ) -> None:
        self.dropped = 0
        self.stuck = False
        self.batches = Batches("record", "Records", "transaction of call records")
        self._store = store
        self._server = server
        self._linger_s = linger_s
        self._max_waiting = max_waiting
        self._queue: deque[CallRecord] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many records are not written yet."""
        return len(self._queue)

    def observe(self, event: events.CallEvent, history: CallHistory) -> None:
        """Part of `Observer`."""
        self.write_soon(history.record())

    def write_soon(self, record: CallRecord) -> None:
        """Have the record of a call that is over written beside the calls."""
        if len(self._queue) >= self._max_waiting:
            self._drop(record.call_id, "the database has been away for too long")
            return
        self._queue.append(record)
        if self._writer is None or self._writer.done():
            # In a context of its own: its lines of the log are of no single call.
            self._writer = asyncio.create_task(self._write(), name="call records", context=Context())
        elif len(self._queue) == MANY:
            self._hurry.set()

    async def written(self) -> None:
        """Wait until every record that was told is written."""
        while self._writer is not None and not self._writer.done():
            await asyncio.wait({self._writer})

    async def close(self, limit_s: float) -> None:
        """Write what waits, for at most `limit_s`; the store stays open. What is left is logged and gone."""
        self._linger_s = 0.0
        self._hurry.set()
        if self._writer is not None and not self._writer.done():
            await asyncio.wait({self._writer}, timeout=limit_s)
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
        for record in self._queue:
            self._drop(record.call_id, "the server stopped while the database was away")
        self._queue.clear()

    async def _write(self) -> None:
        delay_s = RETRY_FIRST_S
        await self._pause(self._linger_s)
        while self._queue:
            # Many at once: the same steps, again and again, take a fraction of what they take between calls.
            records = list(islice(self._queue, CALLS_AT_ONCE))
            try:
                await self._commit(self._rows(records))
            except StoreGone as error:
                self.stuck = True
                log.error("records wait", waiting=len(self._queue), detail=str(error))
                await self._pause(delay_s)
                delay_s = min(delay_s * 2, RETRY_LONGEST_S)
                continue
            self.stuck, delay_s = False, RETRY_FIRST_S
            for _ in records:
                self._queue.popleft()
            if len(self._queue) >= CALLS_AT_ONCE:
                # Calls go on between two transactions.
                await asyncio.sleep(0)
            elif self._queue:
                await self._pause(self._linger_s)

    def _rows(self, records: Sequence[CallRecord]) -> list[CallRows]:
        rows: list[CallRows] = []
        for record in records:
            try:
                rows.append(call_rows(record, self._server))
            except Exception as error:  # noqa: BLE001 -- what one record breaks must not keep the others waiting
                self._drop(record.call_id, f"it cannot be written: {error!r}")
        return rows

    async def _commit(self, batch: Sequence[CallRows]) -> None:
        if not batch:
            return
        began_s = time.perf_counter()
        try:
            async with self._store.writing_directly() as connection:
                await write_rows(connection, batch)
        except StoreGone:
            raise
        except Exception as error:  # noqa: BLE001 -- what one record breaks must not keep the others waiting
            if len(batch) == 1:
                self._drop(batch[0].call["call_id"], f"the database refuses it: {str(error)[:500]}")
                return
            for one in batch:
                await self._commit([one])
        else:
            self.batches.add(len(batch), time.perf_counter() - began_s)

    async def _pause(self, limit_s: float) -> None:
        """Wait, or go on at once when a batch is full or the server stops."""
        try:
            await asyncio.wait_for(self._hurry.wait(), limit_s)
        except TimeoutError:
            return
        self._hurry.clear()

    def _drop(self, call_id: object, why: str) -> None:
        self.dropped += 1
        log.error("record dropped", call_id=call_id, why=why, dropped=self.dropped)
