"""A store whose server dies at a chosen moment, as `kill -9` would have it: before or after any statement."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.store import DirectConnection, Store


class Crashed(Exception):
    """The server is dead: no statement of it reaches the database any more."""


class MortalStore(Store):
    """A store whose server dies at the k-th moment: before or after a statement, before or after a commit."""

    moments_left: int | None = None

    @property
    def dead(self) -> bool:
        return self.moments_left is not None and self.moments_left <= 0

    def writing(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return self._mortally(super().writing)

    def writing_directly(self) -> AbstractAsyncContextManager[DirectConnection]:
        return self._mortally(super().writing_directly)

    def writing_one_statement(self) -> AbstractAsyncContextManager[DirectConnection]:
        return self._mortally(super().writing_one_statement)

    @asynccontextmanager
    async def _mortally(self, opener: Callable[[], AbstractAsyncContextManager[Any]]) -> AsyncIterator[Any]:
        self.live()
        async with opener() as connection:
            yield (_Mortal if isinstance(connection, AsyncConnection) else _MortalDirect)(connection, self)
            self.live()
        self.live()

    def live(self) -> None:
        if self.moments_left is not None:
            self.moments_left -= 1
            if self.moments_left <= 0:
                raise Crashed


class _Mortal(AsyncConnection):
    """Stands in for a connection, all of whose own parts it uses."""

    def __init__(self, connection: AsyncConnection, store: MortalStore) -> None:
        super().__init__(connection.engine, connection.sync_connection)
        self._connection, self._store = connection, store

    async def execute(self, *arguments: Any) -> Any:  # type: ignore[override]
        self._store.live()
        result = await self._connection.execute(*arguments)
        self._store.live()
        return result


@dataclass
class _MortalDirect:
    connection: DirectConnection
    store: MortalStore

    @property
    def dialect(self) -> Dialect:
        return self.connection.dialect

    async def rows(self, sql: str, values: Sequence[object]) -> Sequence[Sequence[Any]]:
        self.store.live()
        rows = await self.connection.rows(sql, values)
        self.store.live()
        return rows
