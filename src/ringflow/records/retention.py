"""Records older than they are to be kept are deleted, a few at a time, so that no call waits for it."""

from __future__ import annotations

import asyncio

from sqlalchemy import select

from ringflow.recordings.recording import mark
from ringflow.store import Store
from ringflow.store.record_tables import call_legs, call_records, call_slots
from ringflow.store.recording_tables import recordings

AT_ONCE = 200
PAUSE_S = 0.05
"""Between two transactions: on SQLite there is one writer, and the calls' ledger is another one."""


async def prune_records(store: Store, before_ms: int, pause_s: float = PAUSE_S) -> int:
    """Delete the calls that began before `before_ms`, with legs, slots and recordings. Raises `StoreGone`.

    Gives how many calls. The ledger and the audit log keep what they have.
    """
    records, deleted = call_records.c, 0
    oldest = select(records.call_id).where(records.started_ms < before_ms)
    while True:
        async with store.writing() as connection:
            query = oldest.order_by(records.started_ms).limit(AT_ONCE)
            calls = list((await connection.execute(query)).scalars())
            for table in (call_slots, call_legs, call_records):
                await connection.execute(table.delete().where(table.c.call_id.in_(calls)))
            # The servers that have their files delete them.
            await mark(connection, recordings.c.call_id.in_(calls))
        deleted += len(calls)
        if len(calls) < AT_ONCE:
            return deleted
        await asyncio.sleep(pause_s)
