"""PostgreSQL through asyncpg: SQLAlchemy's pool, and connections of our own for what calls wait for."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy import BigInteger, Dialect, Integer, event
from sqlalchemy.dialects.postgresql.asyncpg import PGCompiler_asyncpg
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from ringflow.store.address import Address
from ringflow.store.database import DirectConnection, Row
from ringflow.store.postgres_connections import PostgresConnections

CONNECT_S = 5.0
ANSWER_S = 5.0
"""How long one statement of the call path, or its commit, may take before its connection is given up."""

# A report may take minutes, so SQLAlchemy's connections wait for an answer without a limit. But the kernel
# asks the database's machine whether it is still there, so that one that vanished is noticed within 25 s and
# not after hours. What was sent must be acknowledged within the same time.
_KEEPALIVE = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 25_000}
"""Options of a TCP socket (tcp(7)): seconds, seconds, count, milliseconds."""

POOL_S = 5.0
DIRECT_CONNECTIONS = 4

# What PostgreSQL itself is told, so that a process that is frozen in a transaction, or a machine that is
# gone, keeps its locks from the others for no longer. Nothing that calls do takes a hundredth of these.
_IDLE = {"idle_in_transaction_session_timeout": "4s"}
_OF_CALLS = {**_IDLE, "lock_timeout": "1s", "statement_timeout": "4s"}
# Reports and imports may take minutes. They wait for a lock longer than a dead transaction may keep it, so
# that a start or a command beside one that was just killed waits a little instead of failing.
_OF_THE_REST = {**_IDLE, "lock_timeout": "6s"}

_LOCK_TIMEOUT = "55P03"
# SQLSTATE classes that speak of the server and not of the statement (PostgreSQL, appendix A): connection
# exception, no such database or role at connect, insufficient resources, operator intervention (a statement's
# time is over, too), system error.
_SERVER_CLASSES = frozenset({"08", "28", "3D", "53", "57", "58", "XX"})
# Single states that do: a server that has become a standby, a transaction whose time without a statement was
# over, a commit of which nobody knows, a lock that another transaction keeps.
_SERVER_STATES = frozenset({"25006", "25P03", "40003", _LOCK_TIMEOUT})


class _Statements(PGCompiler_asyncpg):
    """Sends whole numbers as BIGINT, also to columns of type INTEGER, whose own type stays as it is.

    Whoever asks for a number that no INTEGER can be finds nothing, where asyncpg would fail on it.
    """

    def render_bind_cast(self, type_: Any, dbapi_type: Any, sqltext: Any) -> Any:
        wide = BigInteger() if isinstance(dbapi_type, Integer) else dbapi_type
        return super().render_bind_cast(type_, wide, sqltext)  # type: ignore[no-untyped-call]


class OnPostgres:
    """A PostgreSQL server; a connection that the server closed is replaced before it is used again."""

    def __init__(self, address: Address) -> None:
        self._engine = create_async_engine(
            address.url,
            pool_timeout=POOL_S,
            connect_args={"timeout": CONNECT_S, "server_settings": _OF_THE_REST},
        )
        dialect = self._engine.sync_engine.dialect
        dialect.statement_compiler = _Statements
        # asyncpg knows when its socket was closed: asking it is free, a ping costs a round trip.
        event.listen(self._engine.sync_engine, "checkout", _refuse_closed)
        event.listen(self._engine.sync_engine, "connect", _keep_alive)
        self._reader = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        _, options = self.dialect.create_connect_args(self._engine.url)
        times = {"timeout": CONNECT_S, "command_timeout": ANSWER_S, "server_settings": _OF_CALLS}
        self._direct = PostgresConnections({**options, **times}, DIRECT_CONNECTIONS)

    @property
    def dialect(self) -> Dialect:
        """SQLAlchemy's dialect."""
        return self._engine.dialect

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection on which every statement stands alone."""
        async with self._reader.connect() as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction at READ COMMITTED."""
        async with self._engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def writing_directly(self) -> AsyncIterator[DirectConnection]:
        """The same, on asyncpg's own connection: a round trip for each statement and no more."""
        async with self._direct.one() as connection:
            await connection.execute("BEGIN")
            # No ROLLBACK: an exception ends the connection, and asking a server that is gone would take long.
            yield _Direct(connection, self.dialect)
            await connection.execute("COMMIT")

    @asynccontextmanager
    async def writing_one_statement(self) -> AsyncIterator[DirectConnection]:
        """The same for one statement: its rows come when it is committed, which the server does by itself."""
        async with self._direct.one() as connection:
            yield _Direct(connection, self.dialect)

    async def fetch(self, sql: str, values: Sequence[object]) -> Sequence[Row]:
        """Rows of one statement, prepared by asyncpg once per connection; one round trip."""
        try:
            return await self._fetch(sql, values)
        except TimeoutError:
            raise
        except self.errors as error:
            if self.loss(error) is None:
                raise
        # A server that was restarted leaves dead connections; a look-up changes nothing, so ask a new one.
        self._direct.forget_idle()
        return await self._fetch(sql, values)

    async def _fetch(self, sql: str, values: Sequence[object]) -> Sequence[Row]:
        async with self._direct.one() as connection:
            rows: Sequence[Row] = await connection.fetch(sql, *values)
            return rows

    def displaced(self) -> None:
        """A server keeps its files itself."""

    def loss(self, error: BaseException) -> str | None:
        """Why the database cannot be used, where `error` says so; None for any other error."""
        if isinstance(error, DBAPIError):
            cause: BaseException | None = error.orig
            if error.connection_invalidated:
                return _line(cause)
            return self.loss(cause.__cause__ or cause) if cause is not None else None
        if isinstance(error, TimeoutError | PoolTimeout):
            return "it does not answer in time"
        if isinstance(error, asyncpg.PostgresError):
            state = error.sqlstate or ""
            if state == _LOCK_TIMEOUT:
                return "another transaction has kept a lock for too long"
            return _line(error) if state[:2] in _SERVER_CLASSES or state in _SERVER_STATES else None
        if isinstance(error, ConnectionError) and error.errno:
            return os.strerror(error.errno)
        if isinstance(error, ValueError):
            # asyncpg's complaint about a value is an InterfaceError, too.
            return None
        # InternalClientError: the answer broke off in the midst of a message.
        lost = (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError)
        return _line(error) if isinstance(error, lost) else None

    def locked(self, error: BaseException) -> bool:
        """Return whether another transaction has kept a lock for longer than `lock_timeout`."""
        cause = error.orig if isinstance(error, DBAPIError) else error
        return getattr(cause, "sqlstate", None) == _LOCK_TIMEOUT

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """SQLAlchemy's, asyncpg's, and those of the connection, which SQLAlchemy leaves as they are."""
        return (
            DBAPIError,
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,
            ConnectionError,
        )

    async def close(self) -> None:
        """Close every connection."""
        self._direct.close()
        await self._engine.dispose()


@dataclass(frozen=True, slots=True)
class _Direct:
    connection: asyncpg.Connection
    dialect: Dialect

    async def rows(self, sql: str, values: Sequence[object]) -> Sequence[Row]:
        rows: Sequence[Row] = await self.connection.fetch(sql, *values)
        return rows


def _refuse_closed(connection: Any, record: object, proxy: object) -> None:
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def _keep_alive(connection: Any, record: object) -> None:
    # asyncpg has no option for it, and no other way to its socket.
    opened = connection.driver_connection._transport.get_extra_info("socket")
    if opened is None or opened.family == socket.AF_UNIX:
        return
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        # Not every system has all of them.
        if (option := getattr(socket, name, None)) is not None:
            opened.setsockopt(socket.IPPROTO_TCP, option, value)


def _line(error: BaseException | None) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
