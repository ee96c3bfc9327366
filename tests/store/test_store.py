from __future__ import annotations

import asyncio
import sqlite3
import stat
from pathlib import Path

import pytest
from sqlalchemy import bindparam, select, text
from sqlalchemy.exc import IntegrityError

from ringflow.errors import StartError
from ringflow.store import LookUp, Store, StoreGone
from ringflow.store.tables import customers, directory_revision

REVISION = LookUp(
    select(directory_revision.c.revision).where(directory_revision.c.id == bindparam("id")), ["id"]
)


def customer(identifier: int) -> dict[str, object]:
    return {
        "id": identifier,
        "name": "",
        "status": "active",
        "currency": "USD",
        "source": "operator",
        "created_ms": 0,
        "updated_ms": 0,
    }


async def count_customers(store: Store) -> int:
    async with store.reading() as connection:
        return len((await connection.execute(select(customers.c.id))).all())


async def test_what_is_written_is_read_and_looked_up(store: Store) -> None:
    async with store.writing() as connection:
        await connection.execute(directory_revision.update().values(revision=7))
    async with store.reading() as connection:
        assert (await connection.execute(select(directory_revision.c.revision))).scalar() == 7
    assert [tuple(row) for row in await store.look_up(REVISION, 1)] == [(7,)]
    assert list(await store.look_up(REVISION, 2)) == []


async def test_an_exception_rolls_the_transaction_back(store: Store) -> None:
    async def add(*identifiers: int) -> None:
        async with store.writing() as connection:
            for identifier in identifiers:
                await connection.execute(customers.insert().values(customer(identifier)))

    with pytest.raises(IntegrityError):
        await add(1, 2, 1)
    assert await count_customers(store) == 0


async def test_a_cancelled_transaction_is_rolled_back_and_holds_no_lock(store: Store) -> None:
    inside = asyncio.Event()

    async def write() -> None:
        async with store.writing() as connection:
            await connection.execute(customers.insert().values(customer(1)))
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(60), store.writing() as connection:
        await connection.execute(customers.insert().values(customer(2)))
    assert await count_customers(store) == 1


async def test_writers_at_once_take_turns(store: Store) -> None:
    async def add_one() -> None:
        async with store.writing() as connection:
            row = (await connection.execute(select(directory_revision.c.revision).with_for_update())).scalar()
            await connection.execute(directory_revision.update().values(revision=(row or 0) + 1))

    await asyncio.gather(*[add_one() for _ in range(20)])
    assert (await store.look_up(REVISION, 1))[0][0] == 21


async def test_a_reader_is_not_kept_waiting_by_a_writer(store: Store) -> None:
    async with store.writing() as connection:
        await connection.execute(directory_revision.update().values(revision=99))
        async with asyncio.timeout(60):
            assert (await store.look_up(REVISION, 1))[0][0] == 1


async def test_a_transaction_within_a_transaction_is_refused_and_not_waited_for(store: Store) -> None:
    async with store.writing():
        with pytest.raises(RuntimeError, match="wait for itself"):
            async with store.writing():
                pass


async def test_constraints_speak_for_themselves(store: Store) -> None:
    with pytest.raises(IntegrityError):
        async with store.writing() as connection:
            await connection.execute(customers.insert().values({**customer(1), "status": "rich"}))


async def test_errors_of_the_block_are_not_taken_for_the_database(store: Store) -> None:
    with pytest.raises(FileNotFoundError):
        async with store.writing():
            raise FileNotFoundError
    with pytest.raises(TimeoutError):
        async with store.writing(), asyncio.timeout(0):
            await asyncio.Event().wait()


async def test_a_memory_database_is_one_for_all_its_users() -> None:
    store = await Store.open("sqlite:///:memory:")
    await store.migrate()

    async def write() -> None:
        async with store.writing() as connection:
            await connection.execute(text("UPDATE directory_revision SET revision = revision + 1"))

    async def read() -> object:
        return (await store.look_up(REVISION, 1))[0][0]

    await asyncio.gather(*[write() for _ in range(10)], *[read() for _ in range(10)])
    assert await read() == 11
    async with store.writing():
        with pytest.raises(RuntimeError, match="wait for itself"):
            await read()
    await store.close()


async def test_two_memory_databases_know_nothing_of_each_other() -> None:
    first, second = await Store.open("sqlite:///:memory:"), await Store.open("sqlite:///:memory:")
    await first.migrate()
    with pytest.raises(StoreGone, match="no such table"):
        await second.look_up(REVISION, 1)
    await first.close()
    await second.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://root:hunter2@localhost/x", "`mysql` is not a database that is known here"),
        ("hunter2", "is not a database's URL"),
        ("postgresql://ringflow:hunter2@localhost:many/x", "is not a database's URL"),
        ("sqlite://hunter2/x.db", "SQLite takes a path after three slashes"),
        ("sqlite:////proc/hunter/x.db", "folder /proc/hunter cannot be made"),
        ("sqlite:////proc/version", "sqlite:////proc/version: "),
        ("postgresql://ringflow:hunter2@127.0.0.1:1/x", r"ringflow:\*\*\*@127.0.0.1:1/x: .*refused"),
        (
            "postgresql://ringflow:hunter2@127.0.0.1:1/x?wrong=1",
            "unknown option `wrong`; known: host",
        ),
        ("postgresql://ringflow:hunter2@127.0.0.1:1/x?sslmode=disable", "refused"),
    ],
)
async def test_a_database_that_cannot_be_had_is_one_line_without_the_password(url: str, message: str) -> None:
    with pytest.raises(StartError, match=message) as raised:
        await Store.open(url)
    assert "\n" not in str(raised.value)
    assert "hunter2" not in str(raised.value)


@pytest.mark.postgres
async def test_a_wrong_password_or_database_is_one_line(postgres_url: str) -> None:
    for wrong in (postgres_url.replace("/postgres", "/nothing"), postgres_url.replace("@", "x@")):
        with pytest.raises(StartError, match=r"ringflow:\*\*\*@") as raised:
            await Store.open(wrong)
        assert "\n" not in str(raised.value)


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "letter.db"
    path.write_text("Dear Sir or Madam, " * 100, "utf-8")
    with pytest.raises(StartError, match="file is not a database"):
        await Store.open(f"sqlite:///{path}")


async def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="unable to open database file"):
        await Store.open(f"sqlite:///{tmp_path}")


async def test_a_locked_file_is_refused_when_the_wait_is_over(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("CREATE TABLE t (a)")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StartError, match="locked"):
        await Store.open(f"sqlite:///{tmp_path}/x.db", busy_s=0.01)
    other.close()


async def test_the_folder_of_the_file_is_created_and_the_file_is_durable(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/a/b/x.db")
    async with store.reading() as connection:
        pragmas = [
            (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert pragmas == ["wal", 2, 1]
    await store.close()


def modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()}


async def test_a_new_file_is_for_its_owner_only_and_one_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    store = await Store.open(f"sqlite:///{path}")
    await store.migrate()
    assert modes(tmp_path) == {0o600}
    await store.close()
    path.chmod(0o640)
    store = await Store.open(f"sqlite:///{path}")
    await store.close()
    assert modes(tmp_path) == {0o640}


async def test_a_file_that_is_moved_away_in_mid_flight_is_a_store_gone_until_it_is_back(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.db"
    store = await Store.open(f"sqlite:///{path}")
    await store.migrate()
    path.rename(tmp_path / "away.db")
    with pytest.raises(StoreGone, match="its file is gone; put the old one back, or restart"):
        await store.ping()
    path.touch()
    for opener in (store.writing, store.writing_directly, store.writing_one_statement):
        with pytest.raises(StoreGone, match="another file stands in its place"):
            async with opener():
                pytest.fail("what is written now is lost")
    (tmp_path / "away.db").replace(path)
    await store.ping()
    assert await count_customers(store) == 0
    await store.close()


async def test_a_broken_file_in_mid_flight_is_a_store_gone(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    store = await Store.open(f"sqlite:///{path}")
    await store.migrate()
    await store.close()
    broken = bytearray(path.read_bytes())
    broken[4096:] = b"\xff" * (len(broken) - 4096)
    store = await Store.open(f"sqlite:///{path}")
    path.write_bytes(broken)
    with pytest.raises(StoreGone, match="malformed"):
        await store.look_up(REVISION, 1)
    with pytest.raises(StoreGone, match="malformed"):
        await count_customers(store)
    await store.close()


@pytest.mark.postgres
async def test_a_closed_connection_is_replaced_without_anybody_noticing(postgres_url: str) -> None:
    store = await Store.open(postgres_url)
    await store.ping()
    async with store.writing() as connection:
        await connection.execute(text("SELECT 1"))
    other = await Store.open(postgres_url)
    async with other.reading() as connection:
        # With a limit in milliseconds it waits until each is gone, so its end of the connection is closed.
        query = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        ended = (await connection.execute(text(query + " AND backend_type = 'client backend'"))).all()
    assert len(ended) >= 2
    await asyncio.gather(*[store.ping() for _ in range(8)])
    async with store.writing() as connection:
        await connection.execute(text("SELECT 1"))
    await store.close()
    await other.close()


@pytest.mark.postgres
async def test_a_connection_lost_in_a_transaction_is_a_store_gone(postgres_url: str) -> None:
    store = await Store.open(postgres_url)
    with pytest.raises(StoreGone, match=r"ringflow:\*\*\*@"):
        async with store.writing() as connection:
            await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    await store.ping()
    await store.close()


async def test_a_closed_store_does_not_open_again(store: Store) -> None:
    await store.close()
    with pytest.raises(StoreGone, match="closed"):
        await store.ping()
    with pytest.raises(StoreGone, match="closed"):
        await count_customers(store)
    await store.close()
