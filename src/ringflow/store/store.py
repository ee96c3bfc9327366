"""The store: opened once by a process, closed at its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.errors import StartError
from ringflow.store.address import Address, DialectName, read_address
from ringflow.store.database import Database, DirectConnection, LookUp, Row
from ringflow.store.dry_run import DryRun
from ringflow.store.gone import StoreGone, StoreLocked
from ringflow.store.schema import bring_up_to_date

Connection = TypeVar("Connection", AsyncConnection, DirectConnection)

_ONE = LookUp(select(literal_column("1")), [])


class Store:
    """A database and its connections. `Store.open` makes one; methods raise `StoreGone` when it is lost."""

    def __init__(self, address: Address, database: Database) -> None:
        self._address = address
        self._database = database
        self._in_transaction: set[asyncio.Task[Any] | None] = set()
        self._closed = False

    @classmethod
    async def open(cls, url: str, busy_s: float = 5.0) -> Store:
        """Connect to `sqlite:///path`, `sqlite:///:memory:` or `postgresql://user@host/name`.

        `busy_s`: how long to wait for another process that holds SQLite's lock. Raises `StartError`: a URL
        that means nothing, a file that cannot be read or is no database, a server that refuses. The
        tables may be missing or old: `migrate` follows.
        """
        address = read_address(url)
        store = cls(address, _database(address, busy_s))
        try:
            await store._check()
        except BaseException:
            await store.close()
            raise
        return store

    def dry_run(self) -> Store:
        """The same database, to which nothing is written: use it instead of this one, and close it alone.

        What is changed by way of it is seen by way of it and nowhere else, until it is closed.
        """
        return Store(self._address, DryRun(self._database))

    @property
    def dialect(self) -> DialectName:
        """`sqlite` or `postgresql`."""
        return self._address.dialect

    @property
    def shown(self) -> str:
        """The database's URL without its password."""
        return self._address.shown

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection for SELECTs, each of which stands alone: there is no transaction around them."""
        return self._guarded(self._database.reading, exclusive=self._address.in_memory)

    def writing(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A transaction: committed when the block ends, rolled back when an exception leaves it.

        On SQLite it holds the write lock from the start, so keep it short and wait for nothing else in it.
        """
        return self._guarded(self._database.writing, exclusive=True)

    def writing_directly(self) -> AbstractAsyncContextManager[DirectConnection]:
        """The same for the call path: statements in the driver's own words, for a block that does only these.

        On SQLite they run in the event loop's own thread, so each must find its rows by index.
        """
        return self._guarded(self._database.writing_directly, exclusive=True, losses=Exception)

    def writing_one_statement(self) -> AbstractAsyncContextManager[DirectConnection]:
        """The same for a block of one statement, which PostgreSQL begins and commits without a word more."""
        return self._guarded(self._database.writing_one_statement, exclusive=True, losses=Exception)

    async def look_up(self, statement: LookUp, *values: object) -> Sequence[Row]:
        """Rows of a fixed SELECT in one hop; it sees what is committed, whatever this task has open."""
        sql, order = statement.compile(self._database.dialect)
        self._refuse_unusable(exclusive=self._address.in_memory)
        try:
            return await self._database.fetch(sql, [values[index] for index in order])
        except Exception as error:  # every driver has errors of its own; those that are no loss go on
            self._raise_gone(error)
            raise

    async def migrate(self) -> None:
        """Create the tables, or bring them to this version. Raises `StartError` when that cannot be done."""
        await self._starting(lambda: bring_up_to_date(self.writing(), self._address.in_memory, self.shown))

    async def ping(self) -> None:
        """Ask the database for an answer. Raises `StoreGone` when there is none."""
        self._refuse_displaced()
        await self.look_up(_ONE)

    async def close(self) -> None:
        """Give back all connections. Closing twice does nothing."""
        if not self._closed:
            self._closed = True
            await self._database.close()

    async def _check(self) -> None:
        async def read() -> None:
            async with self.reading() as connection:
                # SQLite opens any file; only reading the schema shows that it is a database, and not locked.
                await connection.exec_driver_sql(
                    "SELECT count(*) FROM sqlite_master" if self.dialect == "sqlite" else "SELECT 1"
                )

        await self._starting(read)

    async def _starting(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await work()
        except StoreGone as error:
            raise StartError(str(error)) from error

    @asynccontextmanager
    async def _guarded(
        self,
        opener: Callable[[], AbstractAsyncContextManager[Connection]],
        *,
        exclusive: bool,
        losses: type[Exception] | None = None,
    ) -> AsyncIterator[Connection]:
        """`losses`: errors of the block that may be the database's; None: those of its driver."""
        self._refuse_unusable(exclusive)
        if exclusive:
            self._refuse_displaced()
        task = asyncio.current_task()
        in_block = False
        try:
            async with opener() as connection:
                if exclusive:
                    self._in_transaction.add(task)
                in_block = True
                yield connection
                in_block = False
        except Exception as error:  # every driver has errors of its own; those that are no loss go on
            # A file that the caller reads in the block may be missing too, and is no loss of the database.
            if not in_block or isinstance(error, losses or self._database.errors):
                self._raise_gone(error)
            raise
        finally:
            self._in_transaction.discard(task)

    def _refuse_unusable(self, exclusive: bool) -> None:
        if self._closed:
            raise StoreGone(f"database {self.shown}: it is closed")
        if exclusive and asyncio.current_task() in self._in_transaction:
            raise RuntimeError("this task has a transaction open already and would wait for itself")

    def _refuse_displaced(self) -> None:
        if (why := self._database.displaced()) is not None:
            raise StoreGone(f"database {self.shown}: {why}")

    def _raise_gone(self, error: Exception) -> None:
        reason = self._database.loss(error)
        if reason is not None:
            kind = StoreLocked if self._database.locked(error) else StoreGone
            raise kind(f"database {self.shown}: {reason}") from error


def _database(address: Address, busy_s: float) -> Database:
    # Imported where it is used: a machine with SQLite only does not wait for asyncpg.
    if address.dialect == "sqlite":
        from ringflow.store.on_sqlite import OnSqlite

        return OnSqlite(address, busy_s)
    from ringflow.store.on_postgresql import OnPostgres

    return OnPostgres(address)
