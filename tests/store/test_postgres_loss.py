"""Which errors of PostgreSQL and its driver mean that the database is away, and which are our own faults."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import asyncpg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from ringflow.store import Store, StoreGone, StoreLocked
from ringflow.store.address import read_address
from ringflow.store.on_postgresql import OnPostgres

pytestmark = [pytest.mark.postgres, pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)]

LOST = [
    asyncpg.AdminShutdownError("terminating connection due to administrator command"),
    asyncpg.CannotConnectNowError("the database system is starting up"),
    asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
    asyncpg.CrashShutdownError("terminating connection because of crash of another server process"),
    asyncpg.DiskFullError("could not extend file"),
    asyncpg.IdleInTransactionSessionTimeoutError("terminating connection due to idle-in-transaction timeout"),
    asyncpg.InterfaceError("cannot perform operation: connection is closed"),
    asyncpg.InternalClientError("got result for unknown protocol state 3"),
    asyncpg.InvalidCatalogNameError("database does not exist"),
    asyncpg.LockNotAvailableError("canceling statement due to lock timeout"),
    asyncpg.QueryCanceledError("canceling statement due to statement timeout"),
    asyncpg.ReadOnlySQLTransactionError("cannot execute UPDATE in a read-only transaction"),
    asyncpg.StatementCompletionUnknownError("nobody knows"),
    asyncpg.TooManyConnectionsError("sorry, too many clients already"),
    ConnectionResetError(104, "Connection reset by peer"),
    TimeoutError(),
]
OURS = [
    asyncpg.CheckViolationError("new row violates check constraint"),
    asyncpg.DeadlockDetectedError("deadlock detected"),
    asyncpg.SerializationError("could not serialize access"),
    asyncpg.UndefinedColumnError("column does not exist"),
    asyncpg.exceptions._base.DataError("invalid input for query argument $1: value out of int64 range"),
]


def wrapped(error: Exception) -> DBAPIError:
    """As SQLAlchemy's dialect hands an error of the driver on."""
    adapted = Exception(str(error))
    adapted.__cause__ = error
    adapted.sqlstate = getattr(error, "sqlstate", None)  # type: ignore[attr-defined]
    return DBAPIError("SELECT 1", None, adapted)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[OnPostgres]:
    opened = OnPostgres(read_address(database_url))
    yield opened
    await opened.close()


async def test_what_means_that_the_database_is_away_is_a_loss_and_no_fault_of_ours_is(
    database: OnPostgres,
) -> None:
    for error in LOST:
        assert database.loss(error), repr(error)
        if not isinstance(error, OSError):
            assert database.loss(wrapped(error)), repr(error)
            locked = isinstance(error, asyncpg.LockNotAvailableError)
            assert (database.locked(error), database.locked(wrapped(error))) == (locked, locked)
    for error in OURS:
        assert database.loss(error) is None, repr(error)
        assert database.loss(wrapped(error)) is None, repr(error)


async def test_an_error_of_the_driver_that_sqlalchemy_leaves_as_it_is_is_a_store_gone(store: Store) -> None:
    for error in (asyncpg.InternalClientError("broken off"), ConnectionResetError(104, "reset")):
        blocks: list[AbstractAsyncContextManager[Any]] = [
            store.reading(),
            store.writing(),
            store.writing_directly(),
        ]
        for opened in blocks:
            with pytest.raises(StoreGone):
                async with opened:
                    raise error


async def test_a_value_that_the_driver_refuses_is_no_loss(store: Store) -> None:
    with pytest.raises(asyncpg.DataError):
        async with store.writing_directly() as connection:
            await connection.rows("SELECT $1::bigint", [2**70])


async def test_a_lock_that_another_transaction_keeps_is_waited_for_only_so_long(
    store: Store, database_url: str
) -> None:
    plain = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    other = await asyncpg.connect(plain)
    async with other.transaction():
        await other.execute("UPDATE directory_revision SET revision = 2")
        with pytest.raises(StoreLocked, match="another transaction has kept a lock for too long"):
            async with store.writing_directly() as direct:
                await direct.rows("UPDATE directory_revision SET revision = 3", [])
        with pytest.raises(StoreLocked):
            async with store.writing() as connection:
                await connection.execute(text("UPDATE directory_revision SET revision = 3"))
    await other.close()


async def test_a_start_waits_for_a_lock_longer_than_a_dead_transaction_keeps_it(store: Store) -> None:
    waits = text(
        "SELECT current_setting('lock_timeout')::interval"
        " > current_setting('idle_in_transaction_session_timeout')::interval"
    )
    async with store.writing() as connection:
        assert (await connection.execute(waits)).scalar_one()


@pytest.mark.parametrize("way", ["writing", "writing_directly"])
async def test_who_begins_a_transaction_and_says_no_more_loses_it_and_its_locks(
    store: Store, way: str
) -> None:
    block: AbstractAsyncContextManager[Any] = getattr(store, way)()
    update = "UPDATE directory_revision SET revision = 2"
    silent, freed = asyncio.Event(), asyncio.Event()

    async def freeze() -> None:
        async with block as connection:
            await (connection.execute(text(update)) if way == "writing" else connection.rows(update, []))
            silent.set()
            await freed.wait()

    frozen = asyncio.create_task(freeze())
    await silent.wait()
    async with asyncio.timeout(60):
        while not freed.is_set():
            try:
                async with store.writing_directly() as connection:
                    await connection.rows("UPDATE directory_revision SET revision = 3", [])
                freed.set()
            except StoreLocked:
                continue
    with pytest.raises(StoreGone):
        await frozen
    async with store.reading() as reader:
        assert (await reader.execute(text("SELECT revision FROM directory_revision"))).scalar_one() == 3


async def test_a_connection_whose_machine_vanishes_is_given_up_by_the_kernel_within_half_a_minute(
    store: Store,
) -> None:
    async with store.reading() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        opened = driver._transport.get_extra_info("socket")
        assert opened.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        idle_s, every_s, tries, unacknowledged_ms = (
            opened.getsockopt(socket.IPPROTO_TCP, option)
            for option in (
                socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT,
            )
        )  # fmt: skip
    assert 10 <= idle_s + every_s * tries <= 30
    assert 10_000 <= unacknowledged_ms <= 30_000
