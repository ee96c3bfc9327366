"""What `Store` needs from a database; `on_sqlite.py` and `on_postgresql.py` give it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Dialect, Select
from sqlalchemy.ext.asyncio import AsyncConnection

Row = Sequence[Any]


class LookUp:
    """A fixed SELECT of the call path: compiled once per dialect, then run by the driver itself in one hop.

    SQLAlchemy's own execution costs several hops between threads (SQLite) or greenlets for each statement,
    about 200 us on SQLite; this way costs about 25 us. Rows come as the driver gives them: no type is
    converted, so select no JSON, and expect a boolean from SQLite as 0 or 1.
    """

    def __init__(self, statement: Select[Any], parameters: Sequence[str]) -> None:
        self._statement = statement
        self._parameters = {name: index for index, name in enumerate(parameters)}
        self._compiled: dict[str, tuple[str, tuple[int, ...]]] = {}

    def compile(self, dialect: Dialect) -> tuple[str, tuple[int, ...]]:
        """The SQL text, and for each of its placeholders the index of the parameter that goes there."""
        if dialect.name not in self._compiled:
            compiled = self._statement.compile(dialect=dialect)
            order = compiled.positiontup or ()
            self._compiled[dialect.name] = (str(compiled), tuple(self._parameters[name] for name in order))
        return self._compiled[dialect.name]

    async def run(self, connection: DirectConnection, *values: object) -> Sequence[Row]:
        """Its rows, in a transaction."""
        sql, order = self.compile(connection.dialect)
        return await connection.rows(sql, [values[index] for index in order])


class DirectConnection(Protocol):
    """A transaction in the driver's own words: what SQLAlchemy does for a statement costs more than the
    statement. Errors are the driver's; types are converted no more than for a `LookUp`.
    """

    @property
    def dialect(self) -> Dialect:
        """SQLAlchemy's dialect, for which statements are compiled."""

    async def rows(self, sql: str, values: Sequence[object]) -> Sequence[Row]:
        """Rows of one statement, none where it gives none."""


@dataclass(frozen=True, slots=True)
class OverSqlAlchemy:
    """A `DirectConnection` where there is only SQLAlchemy's."""

    connection: AsyncConnection

    @property
    def dialect(self) -> Dialect:
        """SQLAlchemy's dialect."""
        return self.connection.dialect

    async def rows(self, sql: str, values: Sequence[object]) -> Sequence[Row]:
        """Rows of one statement. Raises `DBAPIError`."""
        result = await self.connection.exec_driver_sql(sql, tuple(values))
        return result.all() if result.returns_rows else ()


class Database(Protocol):
    """One kind of database, with its engines and its driver's ways."""

    @property
    def dialect(self) -> Dialect:
        """SQLAlchemy's dialect."""

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection on which every statement stands alone."""

    def writing(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection in a transaction, committed at the end unless an exception leaves the block."""

    def writing_directly(self) -> AbstractAsyncContextManager[DirectConnection]:
        """The same in the driver's own words."""

    def writing_one_statement(self) -> AbstractAsyncContextManager[DirectConnection]:
        """The same for a block of one statement."""

    async def fetch(self, sql: str, values: Sequence[object]) -> Sequence[Row]:
        """Rows of one statement in the driver's own words; not within a transaction."""

    def loss(self, error: BaseException) -> str | None:
        """Why the database cannot be used, where `error` says so; None for any other error."""

    def locked(self, error: BaseException) -> bool:
        """Return whether `error` says only that another transaction has kept a lock for too long."""

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """The classes of what a statement raises: an error of these in a block is the database's own."""

    def displaced(self) -> str | None:
        """Why what is written would not be found again, though nothing fails; None: it would be."""

    async def close(self) -> None:
        """Give all connections back."""
