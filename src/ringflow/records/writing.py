"""Rows of calls put into the database: many calls in one transaction, each any number of times."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import chain

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.records.rows import LOST, CallRows, Cells
from ringflow.store.record_tables import call_legs, call_records, call_slots

STATEMENT_ROWS = (256, 64, 16, 4, 1)
"""Rows in one statement on SQLite: few forms, which stay prepared, make up any number of rows."""


async def write_rows(connection: AsyncConnection, calls: Sequence[CallRows]) -> None:
    """Write calls within the caller's transaction. What is there stays, unless it was only `lost`.

    So it does not matter who writes first, the server of the call or the one that found its leg in the
    ledger, nor whether a commit whose answer was lost is done again.
    """
    tables: tuple[tuple[Table, list[Cells]], ...] = (
        (call_records, [one.call for one in calls]),
        (call_legs, [leg for one in calls for leg in one.legs]),
        (call_slots, [slot for one in calls for slot in one.slots]),
    )
    for table, rows in tables:
        # The driver's own words: SQLAlchemy's handling of each row would cost more than the database does.
        if connection.dialect.name == "sqlite":
            await _write_many_at_a_time(connection, table, rows)
        elif rows:
            await connection.exec_driver_sql(_insert(table, "postgresql"), rows)


async def _write_many_at_a_time(connection: AsyncConnection, table: Table, rows: Sequence[Cells]) -> None:
    # Python's driver gives the interpreter's lock away and takes it back for every statement. With a row
    # in each, the event loop and this thread hand it to and fro for as long as a batch lasts.
    written = 0
    for count in STATEMENT_ROWS:
        while len(rows) - written >= count:
            cells = tuple(chain.from_iterable(rows[written : written + count]))
            await connection.exec_driver_sql(_insert(table, "sqlite", count), cells)
            written += count


@cache
def _insert(table: Table, dialect: str, rows: int = 1) -> str:
    names = [column.name for column in table.columns]
    places = [f"${index}" if dialect == "postgresql" else "?" for index in range(1, len(names) + 1)]
    row = f"({', '.join(places)})"
    keys = [column.name for column in table.primary_key.columns]
    told = {"call_records": "outcome", "call_legs": "status"}.get(table.name)
    changes = ", ".join(f"{name} = excluded.{name}" for name in names if name not in keys)
    again = f"UPDATE SET {changes} WHERE {table.name}.{told} = '{LOST}'" if told else "NOTHING"
    return (
        f"INSERT INTO {table.name} ({', '.join(names)}) VALUES {', '.join([row] * rows)} "  # noqa: S608 -- our names
        f"ON CONFLICT ({', '.join(keys)}) DO {again}"
    )
