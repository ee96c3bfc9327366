"""A database of which nothing that is written stays: what a simulated call changes, only that call sees.

Every access has a short transaction of its own, which is rolled back: first the changes made so far are made
again, then comes what is asked for now. So no lock outlasts an access, however long the call, and nothing is
copied, however large the tables are. What others commit meanwhile is seen, as it would be by a real call.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect, event
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.errors import Conflict
from ringflow.store.database import Database, DirectConnection, OverSqlAlchemy, Row


@dataclass(frozen=True, slots=True)
class _Change:
    """A statement in the driver's own words, with its parameters: a list of them where it ran for many."""

    sql: str
    parameters: Any


class _RollBack(Exception):
    """Leaves a transaction, so that it is rolled back."""


class DryRun:
    """A `Database` on top of another one, to which it writes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changes: list[_Change] = []
        self._one_at_a_time = asyncio.Lock()

    @property
    def dialect(self) -> Dialect:
        """SQLAlchemy's dialect."""
        return self._database.dialect

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection for SELECTs, which sees the changes so far."""
        access = self._changed() if self._changes else self._database.reading()
        async with access as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction whose changes are kept here, unless an exception leaves the block."""
        made: list[_Change] = []
        async with self._changed() as connection:
            _collect_changes(connection, made)
            yield connection
            self._changes += made

    @asynccontextmanager
    async def writing_directly(self) -> AsyncIterator[DirectConnection]:
        """The same through SQLAlchemy, which knows what was executed."""
        async with self.writing() as connection:
            yield OverSqlAlchemy(connection)

    def writing_one_statement(self) -> AbstractAsyncContextManager[DirectConnection]:
        """The same."""
        return self.writing_directly()

    async def fetch(self, sql: str, values: Sequence[object]) -> Sequence[Row]:
        """Rows of one statement, which sees the changes so far."""
        if not self._changes:
            return await self._database.fetch(sql, values)
        async with self._changed() as connection:
            return await OverSqlAlchemy(connection).rows(sql, values)

    def loss(self, error: BaseException) -> str | None:
        """As of the database below."""
        return self._database.loss(error)

    def locked(self, error: BaseException) -> bool:
        """As of the database below."""
        return self._database.locked(error)

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """As of the database below."""
        return self._database.errors

    def displaced(self) -> str | None:
        """As of the database below."""
        return self._database.displaced()

    async def close(self) -> None:
        """Close the database below, and forget the changes."""
        self._changes.clear()
        await self._database.close()

    @asynccontextmanager
    async def _changed(self) -> AsyncIterator[AsyncConnection]:
        """A transaction in which the changes so far are made, and which is rolled back at its end."""
        async with self._one_at_a_time:
            try:
                async with self._database.writing() as connection:
                    await self._repeat(connection)
                    yield connection
                    raise _RollBack
            except _RollBack:
                return

    async def _repeat(self, connection: AsyncConnection) -> None:
        try:
            for change in self._changes:
                await connection.exec_driver_sql(change.sql, change.parameters)
        except IntegrityError as error:
            # Somebody else has taken the same row for good, or spent the same credit.
            what = "the database has changed, so that what the simulated call did cannot be any more"
            raise Conflict("dry_run.changed_meanwhile", f"{what}; make the call again") from error


def _collect_changes(connection: AsyncConnection, made: list[_Change]) -> None:
    """Have `made` filled with what changes rows, savepoints and their ends among it, in order.

    A statement that fails is not among them, and the savepoint that it is rolled back to is.
    """

    def executed(_connection: Any, _cursor: Any, sql: str, parameters: Any, *_: Any) -> None:
        if not sql.lstrip().upper().startswith("SELECT"):
            made.append(_Change(sql, parameters))

    # The connection's own listener: it ends with the connection, which is this block's alone.
    event.listen(connection.sync_connection, "after_cursor_execute", executed)
