"""Transactions on a SQLite file from the event loop's own thread; only what waits goes to another one.

A statement of the call path finds and changes a few rows by index, in about 10 us; handing it to a thread
and awaiting the answer costs many times that. What waits for the disk is the commit, and what may wait for
another process is the beginning: a thread does the commit, and the beginning where the file is locked.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import Dialect

from ringflow.store.database import Row
from ringflow.store.sqlite_look_ups import is_locked


class SqliteWriting:
    """One connection to the file for transactions, opened at the first of them.

    One transaction at a time: whoever calls sees to that. `pragmas` prepare the connection.
    """

    def __init__(self, path: Path, dialect: Dialect, pragmas: Sequence[str]) -> None:
        self.dialect = dialect
        self._path = path
        self._pragmas = pragmas
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-writing")

    @asynccontextmanager
    async def transaction(self, patience_s: float) -> AsyncIterator[SqliteWriting]:
        """Committed at the end of the block, rolled back by an exception. Raises `sqlite3.Error`.

        `patience_s`: for how long another process that holds the file is waited for. The block's statements
        are run on the spot: it should do nothing else.
        """
        connection = self._connection or self._open()
        try:
            await self._begin(connection, round(patience_s * 1000))
            yield self
            await self._in_thread(connection.commit)
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error:
            # The file is not what it was, or cannot be written: the next transaction opens it anew.
            self._let_go()
            raise
        finally:
            if self._connection is not None and connection.in_transaction:
                connection.rollback()

    async def rows(self, sql: str, values: Sequence[object]) -> Sequence[Row]:
        """Rows of one statement in the transaction, if it gives any."""
        assert self._connection is not None, "only within a transaction"
        return self._connection.execute(sql, values).fetchall()

    def close(self) -> None:
        """Let go of the file, after the commit that is on its way."""
        self._thread.shutdown()
        self._let_go()

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        # Not of a missing file: it would be made, and be empty.
        self._connection = connection = sqlite3.connect(
            f"{self._path.as_uri()}?mode=rw",
            uri=True,
            timeout=0,
            isolation_level=None,
            check_same_thread=False,
        )
        for pragma in self._pragmas:
            connection.execute(pragma)
        return connection

    async def _begin(self, connection: sqlite3.Connection, busy_ms: int) -> None:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not is_locked(error):
                raise
            await self._in_thread(lambda: _begin_patiently(connection, busy_ms))

    async def _in_thread(self, work: Callable[[], None]) -> None:
        doing = asyncio.get_running_loop().run_in_executor(self._thread, work)
        try:
            await asyncio.shield(doing)
        finally:
            # Cancelled: what the thread has begun cannot be called back; the connection is its until then.
            while not doing.done():
                await asyncio.wait([doing])


def _begin_patiently(connection: sqlite3.Connection, busy_ms: int) -> None:
    connection.execute(f"PRAGMA busy_timeout = {busy_ms}")
    try:
        connection.execute("BEGIN IMMEDIATE")
    finally:
        connection.execute("PRAGMA busy_timeout = 0")
