"""SQLite through aiosqlite: one thread per connection, one writer at a time, readers beside it (WAL).

Look-ups in a file need no thread, and the ledger's transactions one only to commit: see `sqlite_look_ups.py`
and `sqlite_writing.py`.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import aiosqlite
from sqlalchemy import Connection, FromClause, event
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from ringflow.errors import StartError
from ringflow.private_folder import make_private_folder
from ringflow.store.address import Address
from ringflow.store.database import DirectConnection, OverSqlAlchemy, Row
from ringflow.store.sqlite_look_ups import SqliteLookUps, is_locked
from ringflow.store.sqlite_threads import SqliteThreads
from ringflow.store.sqlite_transactions import SqliteWriting

# For the pages above the leaves of a million rows' index, so that a search reads one page at most.
CACHE_KIB = 16 * 1024
# Enough for those pages, and not for many more. A commit of another connection empties a cache by walking its
# hash table, which never shrinks: one that held 16 MB once costs each look-up after a commit 10 us more.
# Mapped pages (PRAGMA mmap_size) would cost 45 us more: SQLite then maps the whole file anew.
LOOK_UP_CACHE_KIB = 2 * 1024

# What a statement would undo if it failed half-way. Not for connections that may sort a whole table.
KEEP_UNDO_IN_MEMORY = "PRAGMA temp_store = MEMORY"

# What aiosqlite says, as a ValueError, when its connection was closed under it.
_CLOSED = ("Connection closed", "no active connection")


class _Compiler(SQLiteCompiler):
    """SQLAlchemy's own, which on SQLite leaves hints out: here a table's hint is its INDEXED BY."""

    def get_from_hint_text(self, table: FromClause, text: str | None) -> str | None:
        return text


class OnSqlite:
    """A file, or a database in memory that lives as long as this object.

    In memory there is one connection, so a transaction keeps every other one waiting.
    """

    def __init__(self, address: Address, busy_s: float) -> None:
        self._path = address.path
        self._busy_s = busy_s
        if self._path is not None:
            _make(self._path)
            self._identity = _identity(self._path)
        self._pragmas = (
            "PRAGMA journal_mode = WAL",
            # FULL: what was committed is on the disk, also after a power cut; money will stand on this.
            "PRAGMA synchronous = FULL",
            "PRAGMA foreign_keys = ON",
            f"PRAGMA cache_size = -{CACHE_KIB}",
        )
        self._threads = SqliteThreads()
        arguments = {"timeout": busy_s, "async_creator_fn": self._threads.connect}
        if address.in_memory:
            self._writer = create_async_engine(address.url, poolclass=StaticPool, connect_args=arguments)
            self._reader = self._writer
            self._alone: asyncio.Lock | None = asyncio.Lock()
            self._one_writer = self._alone
        else:
            self._writer = create_async_engine(address.url, connect_args=arguments)
            self._reader = create_async_engine(
                address.url, connect_args=arguments, isolation_level="AUTOCOMMIT"
            )
            event.listen(self._reader.sync_engine, "connect", self._prepare)
            self._alone = None
            self._one_writer = asyncio.Lock()
        self.dialect = self._writer.dialect
        for engine in (self._writer, self._reader):
            engine.dialect.statement_compiler = _Compiler
        event.listen(self._writer.sync_engine, "connect", self._prepare)
        event.listen(self._writer.sync_engine, "begin", _begin_immediate)
        self._look_ups: SqliteLookUps | None = None
        self._writing: SqliteWriting | None = None
        if address.path is not None:
            self._look_ups = SqliteLookUps(address.path, LOOK_UP_CACHE_KIB)
            self._writing = SqliteWriting(address.path, self.dialect, (*self._pragmas, KEEP_UNDO_IN_MEMORY))
        self._kept: AsyncConnection | None = None
        self._driver: aiosqlite.Connection | None = None
        self._attaching = asyncio.Lock()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection on which every statement stands alone."""
        async with self._alone or nullcontext(), self._reader.connect() as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that holds SQLite's write lock from its first statement (BEGIN IMMEDIATE)."""
        async with self._turn(), self._writer.begin() as connection:
            yield connection

    @asynccontextmanager
    async def writing_directly(self) -> AsyncIterator[DirectConnection]:
        """The same, its statements on the spot; in memory through SQLAlchemy."""
        if self._writing is None:
            async with self.writing() as connection:
                yield OverSqlAlchemy(connection)
        else:
            async with self._turn() as patience_s, self._writing.transaction(patience_s) as direct:
                yield direct

    def writing_one_statement(self) -> AbstractAsyncContextManager[DirectConnection]:
        """The same: its beginning and its commit are no round trips here."""
        return self.writing_directly()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[float]:
        """Our turn among this process's writers, and for how many seconds another process may be waited for.

        Both together are `busy_s`: while another process holds the file, those who queue do not wait for each
        other's vain attempts. Waiting in our own queue is fair and wakes at once; SQLite sleeps and tries
        again. Raises `sqlite3.OperationalError`.
        """
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self._busy_s
        try:
            async with asyncio.timeout_at(until_s) if self._one_writer.locked() else nullcontext():
                await self._one_writer.acquire()
        except TimeoutError:
            raise sqlite3.OperationalError("database is locked") from None
        try:
            yield max(0.0, until_s - loop.time())
        finally:
            self._one_writer.release()

    async def fetch(self, sql: str, values: Sequence[object]) -> Sequence[Row]:
        """Rows of one statement: at once from a file; in one hop to a thread and back where one must wait."""
        if self._look_ups is not None:
            try:
                return self._look_ups.rows(sql, values)
            except sqlite3.OperationalError as error:
                if not is_locked(error):
                    raise
        driver = self._driver or await self._attach()
        try:
            async with self._alone or nullcontext():
                return list(await driver.execute_fetchall(sql, values))
        except (sqlite3.Error, ValueError):
            await self._detach(driver)
            raise

    async def _attach(self) -> aiosqlite.Connection:
        async with self._attaching:
            if self._driver is None:
                self._kept, self._driver = await _keep(self._reader)
            return self._driver

    async def _detach(self, driver: aiosqlite.Connection) -> None:
        if driver is self._driver and self._alone is None:
            kept, self._kept, self._driver = self._kept, None, None
            if kept is not None:
                await kept.close()

    def loss(self, error: BaseException) -> str | None:
        """Why the database cannot be used, where `error` says so; None for any other error."""
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, sqlite3.OperationalError) or type(cause) is sqlite3.DatabaseError:
            return str(cause)
        return str(cause) if isinstance(cause, ValueError) and str(cause) in _CLOSED else None

    def locked(self, error: BaseException) -> bool:
        """Return whether another process has kept the file's lock for too long."""
        cause = error.orig if isinstance(error, DBAPIError) else error
        return isinstance(cause, sqlite3.OperationalError) and "locked" in str(cause)

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What SQLAlchemy makes of the driver's errors."""
        return (DBAPIError,)

    def displaced(self) -> str | None:
        """Whether another file stands at the path, or none: SQLite goes on with the one that it has open."""
        if self._path is None or (found := _identity(self._path)) == self._identity:
            return None
        what = "its file is gone" if found is None else "another file stands in its place"
        return f"{what}; put the old one back, or restart"

    async def close(self) -> None:
        """Close every connection; a database in memory is gone."""
        if self._look_ups is not None:
            self._look_ups.close()
        if self._writing is not None:
            self._writing.close()
        if self._kept is not None:
            await self._kept.close()
        self._kept = self._driver = None
        await self._reader.dispose()
        await self._writer.dispose()
        await self._threads.ended()

    def _prepare(self, connection: Any, record: object) -> None:
        # The driver must not open transactions of its own accord: it would do so without IMMEDIATE.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in self._pragmas:
            cursor.execute(pragma)
        cursor.close()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


async def _keep(engine: AsyncEngine) -> tuple[AsyncConnection, aiosqlite.Connection]:
    kept = await engine.connect()
    driver = (await kept.get_raw_connection()).driver_connection
    assert isinstance(driver, aiosqlite.Connection)
    return kept, driver


def _make(path: Path) -> None:
    """A new file is for its owner only: it says who called whom. Those beside it get the same mode."""
    try:
        make_private_folder(path.parent)
    except OSError as error:
        raise StartError(f"the database's folder {path.parent} cannot be made: {error.strerror}") from error
    # A file that is there stays as it is; one that cannot be made is told of when it is opened.
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
