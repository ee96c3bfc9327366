"""All rows of a database as one moment has them, and a database made of such rows: on SQLite and PostgreSQL.

Rows are read and written in the drivers' own words. Values are JSON's: numbers, text, null, and for booleans
0 or 1 (SQLite) or true and false (PostgreSQL), which either database takes from the other. So what was read
from one can be written to the other; rows of an earlier schema go into tables of that schema, then migrated.
"""

# ruff: noqa: S608 -- all that is put into SQL here are names of our own tables and columns
from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import Connection, MetaData, Table, inspect, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from ringflow.errors import Conflict, Refused, StartError
from ringflow.private_folder import make_private_folder
from ringflow.store.address import Address, read_address
from ringflow.store.schema import upgrade_to
from ringflow.store.tables import metadata

ROWS_AT_ONCE = 5_000
VERSION_TABLE = "alembic_version"
FILLED = sorted(
    {*metadata.tables}
    - {"audit_log", "directory_revision", "flow_revisions", "flows_in_service", "ledger_servers", "servers"}
    - {"operator_links"}
    - {"call_orders", "call_watches", "watched_events"}
)
"""Tables of which any row means that a database is somebody's: not those that a start fills by itself, nor
those whose rows live for seconds.
"""


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a table, in the order of its columns. A table without rows comes once, with none."""

    table: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]


async def read_rows(url: str) -> AsyncIterator[Rows]:
    """Every row of every table, as one moment has them, while others read and write. Raises `StartError`.

    SQLite: one read transaction, so what is in the WAL only is among them. PostgreSQL: one REPEATABLE READ
    transaction.
    """
    address = read_address(url)
    reader = _read_sqlite(address) if address.dialect == "sqlite" else _read_postgres(address)
    async for rows in reader:
        yield rows


async def _read_sqlite(address: Address) -> AsyncIterator[Rows]:
    if address.path is None or not address.path.exists():
        raise StartError(f"there is no database {address.shown}")
    try:
        with closing(sqlite3.connect(f"{address.path.as_uri()}?mode=ro", uri=True)) as connection:
            connection.isolation_level = None
            connection.execute("BEGIN")
            names = (
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1"
            )
            for (table,) in connection.execute(names).fetchall():
                cursor = connection.execute(f'SELECT * FROM "{table}"')
                columns = tuple(column[0] for column in cursor.description)
                yield Rows(table, columns, ())
                while rows := cursor.fetchmany(ROWS_AT_ONCE):
                    yield Rows(table, columns, rows)
    except sqlite3.Error as error:
        raise StartError(f"database {address.shown} cannot be read: {error}") from error


async def _read_postgres(address: Address) -> AsyncIterator[Rows]:
    try:
        async with (
            _postgres(address) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            names = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
            for (table,) in await connection.fetch(names):
                prepared = await connection.prepare(f'SELECT * FROM "{table}"')
                columns = tuple(attribute.name for attribute in prepared.get_attributes())
                yield Rows(table, columns, ())
                cursor = await prepared.cursor()
                while rows := await cursor.fetch(ROWS_AT_ONCE):
                    yield Rows(table, columns, [tuple(row) for row in rows])
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StartError(f"database {address.shown} cannot be read: {error}") from error


@asynccontextmanager
async def _postgres(address: Address) -> AsyncIterator[asyncpg.Connection]:
    """A connection that may be idle in its transaction while rows are compressed."""
    url = address.url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(
        url.replace("?ssl=", "?sslmode="), server_settings={"idle_in_transaction_session_timeout": "0"}
    )
    try:
        yield connection
    finally:
        await connection.close()


async def write_rows(url: str, version: str, batches: Iterable[Rows], *, replace: bool, kept_as: str) -> str:
    """Make the database of a schema version, put rows into it, and migrate it: all of that or nothing.

    The servers among the rows are over there: whichever of them live work on the database that was read.

    Gives where the one that was there before is kept, or an empty text. With `replace` one that is somebody's
    is replaced: SQLite's file is kept as its name and `kept_as`, PostgreSQL's tables in a schema `kept_as`.
    Raises `Refused` where that is not allowed, `StartError` where the database fails.
    """
    address = read_address(url)
    if address.in_memory:
        raise Refused("database.in_memory", "a database in memory cannot be restored into")
    try:
        if address.path is not None:
            return await _write_sqlite(address.path, version, batches, replace, kept_as)
        return await _write_postgres(address, version, batches, replace, kept_as)
    except (OSError, sqlite3.Error, DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StartError(f"database {address.shown} cannot be written: {error}") from error


async def _write_sqlite(
    path: Path, version: str, batches: Iterable[Rows], replace: bool, kept_as: str
) -> str:
    if os.path.exists(path):  # noqa: ASYNC240 -- a command has nothing else to do
        with closing(sqlite3.connect(path)) as connection:
            found = {
                row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
            }
            used = [one for one in FILLED if one in found and _has_rows(connection, one)]
            if used and not replace:
                raise Conflict("database.not_empty", _not_empty(str(path), used), database=str(path))
            # Into the file with what stands in the WAL: it belongs to the old file alone.
            connection.execute("PRAGMA journal_mode = DELETE")
    make_private_folder(path.parent)
    new = path.with_name(f".{path.name}.{kept_as}.new")
    try:
        os.close(os.open(new, os.O_CREAT | os.O_EXCL, 0o600))
        await _alone(f"sqlite+aiosqlite:///{new}", upgrade_to, version)
        await asyncio.to_thread(_fill_sqlite, new, batches)
        await _alone(f"sqlite+aiosqlite:///{new}", _finish)
        kept = ""
        if os.path.exists(path):  # noqa: ASYNC240
            kept = str(path.with_name(f"{path.name}.{kept_as}"))
            os.rename(path, kept)
        os.rename(new, path)
        return kept
    finally:
        for left in (new, Path(f"{new}-journal"), Path(f"{new}-wal"), Path(f"{new}-shm")):
            left.unlink(missing_ok=True)


def _has_rows(connection: sqlite3.Connection, table: str) -> bool:
    return connection.execute(f'SELECT 1 FROM "{table}" LIMIT 1').fetchone() is not None


def _not_empty(shown: str, used: Sequence[str]) -> str:
    return f"the database {shown} has {', '.join(used)} already; nothing is changed"


def _fill_sqlite(path: Path, batches: Iterable[Rows]) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.isolation_level = None
        connection.execute("BEGIN IMMEDIATE")
        seen: set[str] = set()
        for batch in _data(batches):
            if batch.table not in seen:
                seen.add(batch.table)
                # A migration's own rows: the archive has them too.
                connection.execute(f'DELETE FROM "{batch.table}"')
            marks = ", ".join("?" * len(batch.columns))
            connection.executemany(f"INSERT INTO {_into(batch)} VALUES ({marks})", batch.rows)
        connection.execute("COMMIT")
        broken = connection.execute("PRAGMA foreign_key_check").fetchone()
        if broken is not None:
            raise Refused(
                "archive.inconsistent",
                f"the archive is not whole: a row of {broken[0]} refers to one that is not there",
                table=broken[0],
            )


def _into(batch: Rows) -> str:
    return f'"{batch.table}" ({", ".join(f"{chr(34)}{column}{chr(34)}" for column in batch.columns)})'


def _data(batches: Iterable[Rows]) -> Iterator[Rows]:
    return (batch for batch in batches if batch.table != VERSION_TABLE)


async def _alone(url: str, work: Callable[..., None], *args: Any) -> None:
    """Do work in a transaction of a connection of its own."""
    engine = create_async_engine(make_url(url))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(work, *args)
    finally:
        await engine.dispose()


def _finish(connection: Connection) -> None:
    """Migrate to the newest schema, and end the servers: nobody goes by their names, their holds are left."""
    upgrade_to(connection, None)
    connection.execute(text("DELETE FROM servers"))
    connection.execute(text("DELETE FROM flows_in_service"))
    connection.execute(text("UPDATE ledger_servers SET ended_ms = seen_ms WHERE ended_ms IS NULL"))


async def _write_postgres(
    address: Address, version: str, batches: Iterable[Rows], replace: bool, kept_as: str
) -> str:
    engine = create_async_engine(address.url)
    kept = ""
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            tables = await connection.run_sync(_reflected)
            if tables:
                used = [one for one in FILLED if one in tables and await _any_row(connection, one)]
                if used and not replace:
                    raise Conflict(
                        "database.not_empty", _not_empty(address.shown, used), database=address.shown
                    )
                if used:
                    kept = kept_as.replace("-", "_")
                    await connection.execute(text(f'CREATE SCHEMA "{kept}"'))
                for table in tables:
                    # Indexes, sequences and triggers go with their table.
                    leaves = (
                        f'ALTER TABLE "{table}" SET SCHEMA "{kept}"'
                        if kept
                        else f'DROP TABLE "{table}" CASCADE'
                    )
                    await connection.execute(text(leaves))
            await connection.run_sync(upgrade_to, version)
            reflected = await connection.run_sync(_reflected)
            raw = (await connection.get_raw_connection()).driver_connection
            assert raw is not None
            await _fill_postgres(raw, reflected, batches)
            await connection.run_sync(_finish)
    finally:
        await engine.dispose()
    return f"schema {kept}" if kept else ""


async def _any_row(connection: Any, table: str) -> bool:
    return (await connection.execute(text(f'SELECT 1 FROM "{table}" LIMIT 1'))).first() is not None


def _reflected(connection: Connection) -> dict[str, Table]:
    """The tables, those first that others refer to."""
    metadata = MetaData()
    metadata.reflect(connection)
    return {table.name: table for table in metadata.sorted_tables}


async def _fill_postgres(raw: asyncpg.Connection, tables: dict[str, Table], batches: Iterable[Rows]) -> None:
    # The archive's order is by name: without the references between tables for a moment, and then with them.
    references = await raw.fetch(
        "SELECT conrelid::regclass::text AS owner, conname, pg_get_constraintdef(oid) AS what "
        "FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace"
    )
    for owner, name, _ in references:
        await raw.execute(f'ALTER TABLE {owner} DROP CONSTRAINT "{name}"')
    seen: set[str] = set()
    for batch in _data(batches):
        if batch.table not in seen:
            seen.add(batch.table)
            if await raw.fetchval(f'SELECT EXISTS (SELECT 1 FROM "{batch.table}")'):
                await raw.execute(f'DELETE FROM "{batch.table}"')
        types = [tables[batch.table].c[column].type.python_type for column in batch.columns]
        rows = [tuple(map(_as_postgres, types, row)) for row in batch.rows]
        await raw.copy_records_to_table(batch.table, records=rows, columns=list(batch.columns))
    for owner, name, what in references:
        await raw.execute(f'ALTER TABLE {owner} ADD CONSTRAINT "{name}" {what}')
    for table in tables.values():
        for column in table.c:
            sequence = await raw.fetchval(
                "SELECT pg_get_serial_sequence($1, $2)", f'"{table.name}"', column.name
            )
            if sequence is not None:
                newest = f'(SELECT max("{column.name}") FROM "{table.name}")'
                await raw.execute(f"SELECT setval('{sequence}', COALESCE({newest}, 0) + 1, false)")


def _as_postgres(kind: type, value: Any) -> Any:
    return bool(value) if kind is bool and value is not None else value


async def servers_seen(url: str) -> dict[str, int]:
    """The servers that have not ended as far as a database knows, and when each was last seen (ms)."""
    address = read_address(url)
    if address.in_memory or (address.path is not None and not address.path.exists()):
        return {}
    engine = create_async_engine(address.url)
    try:
        async with engine.connect() as connection:
            if not await connection.run_sync(_has_ends):
                return {}
            found = await connection.execute(
                text("SELECT id, seen_ms FROM ledger_servers WHERE ended_ms IS NULL")
            )
            return {row[0]: int(row[1]) for row in found}
    except (OSError, DBAPIError) as error:
        raise StartError(f"database {address.shown} cannot be read: {error}") from error
    finally:
        await engine.dispose()


def _has_ends(connection: Connection) -> bool:
    found = inspect(connection)
    return found.has_table("ledger_servers") and any(
        column["name"] == "ended_ms" for column in found.get_columns("ledger_servers")
    )
