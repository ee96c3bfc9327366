"""No thread of a connection is left where its event loop ends."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from ringflow.store import Store
from ringflow.store.sqlite_threads import SqliteThreads


def workers() -> list[str]:
    return [one.name for one in threading.enumerate() if "_connection_worker_thread" in one.name]


async def test_a_connection_that_fails_has_no_thread_any_more(tmp_path: Path) -> None:
    before = workers()
    with pytest.raises(sqlite3.OperationalError):
        await SqliteThreads().connect(tmp_path)
    assert workers() == before


async def test_nor_has_one_whose_opening_is_cancelled(tmp_path: Path) -> None:
    before = workers()
    opening = asyncio.create_task(SqliteThreads().connect(tmp_path / "x.db"))
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert workers() == before


@pytest.mark.parametrize("turns", range(0, 12, 2))
async def test_a_closed_store_has_none_whenever_a_transaction_was_cancelled(
    tmp_path: Path, turns: int
) -> None:
    before = workers()
    store = await Store.open(f"sqlite:///{tmp_path}/x.db", busy_s=0.2)
    await store.migrate()
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(write(store))
    # Twice, as by a time limit and then the end of the program: SQLAlchemy does not wait a second time.
    for _ in range(2):
        for _ in range(turns):
            await asyncio.sleep(0)
        waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await store.close()
    assert workers() == before
    other.close()


async def write(store: Store) -> None:
    async with store.writing() as connection:
        await connection.execute(text("UPDATE directory_revision SET revision = revision + 1"))
