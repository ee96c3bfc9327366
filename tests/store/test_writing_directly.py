"""Transactions in the driver's own words keep what SQLAlchemy's keep: all or nothing, one writer."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from ringflow.store import DirectConnection, Store, StoreGone, StoreLocked

READ = "SELECT revision FROM directory_revision"
ADD = "UPDATE directory_revision SET revision = revision + 1 RETURNING revision"
BREAK = "INSERT INTO ledger_occupancy (subject, used) VALUES ('x', -1)"


async def add(connection: DirectConnection) -> int:
    return int((await connection.rows(ADD, []))[0][0])


async def revision(store: Store) -> int:
    async with store.reading() as connection:
        return int((await connection.execute(text(READ))).scalar_one())


async def test_what_is_written_in_a_block_is_there_after_it_and_not_before(store: Store) -> None:
    async with store.writing_directly() as connection:
        assert (await add(connection), await add(connection)) == (2, 3)
        if store.dialect == "postgresql":
            assert await revision(store) == 1
        assert await connection.rows("UPDATE directory_revision SET revision = 7", []) == []
    assert await revision(store) == 7


async def test_an_exception_takes_it_all_back_and_the_next_one_goes_on(store: Store) -> None:
    for wrong, reason in ((BREAK, "(?i)check constraint"), ("SELECT nothing", "nothing")):
        with pytest.raises(Exception, match=reason):  # noqa: PT012 -- the block is what is tried
            async with store.writing_directly() as connection:
                await add(connection)
                await connection.rows(wrong, [])
        assert await revision(store) == 1
    async with store.writing_directly() as connection:
        assert await add(connection) == 2


async def test_a_cancelled_one_is_rolled_back_and_holds_no_lock(store: Store) -> None:
    inside = asyncio.Event()

    async def write() -> None:
        async with store.writing_directly() as connection:
            await add(connection)
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(60), store.writing() as connection:
        await connection.execute(text(ADD))
    assert await revision(store) == 2


async def test_one_that_is_cancelled_in_its_commit_is_whole_and_lets_the_next_one_in(store: Store) -> None:
    left = asyncio.Event()

    async def write() -> None:
        async with store.writing_directly() as connection:
            await add(connection)
            left.set()

    task = asyncio.create_task(write())
    await left.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    # The next writer waits for the row: a reader might come before a commit that is still on its way.
    async with asyncio.timeout(60), store.writing_directly() as connection:
        assert await add(connection) in (2, 3)


async def test_all_writers_take_turns_whichever_way_they_write(store: Store) -> None:
    async def directly() -> None:
        async with store.writing_directly() as connection:
            await add(connection)

    async def by_sqlalchemy() -> None:
        async with store.writing() as connection:
            await connection.execute(text(ADD))

    async with asyncio.timeout(60):
        await asyncio.gather(*[one() for one in (directly, by_sqlalchemy) * 10])
    assert await revision(store) == 21


async def test_a_transaction_within_a_transaction_is_refused(store: Store) -> None:
    async with store.writing():
        with pytest.raises(RuntimeError, match="wait for itself"):
            async with store.writing_directly():
                pass


async def test_another_process_with_the_lock_is_waited_for_without_keeping_the_loop(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/x.db", busy_s=20)
    await store.migrate()
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def write() -> None:
        async with store.writing_directly() as connection:
            await add(connection)

    task = asyncio.create_task(write())
    done, _ = await asyncio.wait([task], timeout=0.1)
    assert not done
    other.execute("COMMIT")
    await task
    assert await revision(store) == 2
    other.close()
    await store.close()


async def test_a_lock_that_stays_is_a_store_gone_and_a_free_file_is_written_again(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/x.db", busy_s=0.01)
    await store.migrate()
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreGone, match="locked"):
        async with store.writing_directly():
            pytest.fail("it began under another one's lock")
    other.execute("COMMIT")
    async with store.writing_directly() as connection:
        assert await add(connection) == 2
    other.close()
    await store.close()


async def test_those_who_queue_behind_a_lock_do_not_wait_for_each_others_vain_attempts(
    tmp_path: Path,
) -> None:
    busy_s = 0.5
    store = await Store.open(f"sqlite:///{tmp_path}/x.db", busy_s=busy_s)
    await store.migrate()
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def write(number: int) -> None:
        async with store.writing() if number % 5 == 0 else store.writing_directly():
            pytest.fail("it began under another one's lock")

    # One after the other, the fourth of them would begin to wait when the lock is free.
    asyncio.get_running_loop().call_later(3 * busy_s, other.execute, "COMMIT")
    ends = await asyncio.gather(*(write(number) for number in range(40)), return_exceptions=True)
    assert {type(end) for end in ends} == {StoreLocked}, ends
    assert other.in_transaction
    other.execute("COMMIT")
    async with store.writing_directly() as connection:
        assert await add(connection) == 2
    other.close()
    await store.close()


async def test_a_commit_is_on_the_disk_and_its_rows_keep_to_their_keys(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/x.db")
    async with store.writing_directly() as connection:
        pragmas = [
            (await connection.rows(f"PRAGMA {name}", []))[0][0]
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert pragmas == ["wal", 2, 1]
    await store.close()


async def test_a_memory_database_is_written_directly_too() -> None:
    store = await Store.open("sqlite:///:memory:")
    await store.migrate()
    async with store.writing_directly() as connection:
        await add(connection)
    assert await revision(store) == 2
    await store.close()


@pytest.mark.postgres
async def test_a_connection_lost_in_the_block_is_a_store_gone_and_replaced(postgres_url: str) -> None:
    store = await Store.open(postgres_url)
    with pytest.raises(StoreGone):
        async with store.writing_directly() as connection:
            await connection.rows("SELECT pg_terminate_backend(pg_backend_pid())", [])
    async with store.writing_directly() as connection:
        assert (await connection.rows("SELECT 1", []))[0][0] == 1
    await store.close()
