"""Rows of calls put into the database: many calls in one transaction, each any number of times."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.records.rows import LOST, CallRows
from ringflow.store.record_tables import call_legs, call_records, call_slots


async def write_rows(connection: AsyncConnection, calls: Sequence[CallRows]) -> None:
    """Write calls within the caller's transaction. What is there stays, unless it was only `lost`.

    So it does not matter who writes first, the server of the call or the one that found its leg in the
    ledger, nor whether a commit whose answer was lost is done again.
    """
    for table, rows in (
        (call_records, [one.call for one in calls]),
        (call_legs, [leg for one in calls for leg in one.legs]),
        (call_slots, [slot for one in calls for slot in one.slots]),
    ):
        if rows:
            # The driver's own words: SQLAlchemy's handling of each row would cost more than SQLite does.
            await connection.exec_driver_sql(_insert(table, connection.dialect.name), rows)


@cache
def _insert(table: Table, dialect: str) -> str:
    names = [column.name for column in table.columns]
    places = [f"${index}" if dialect == "postgresql" else "?" for index in range(1, len(names) + 1)]
    keys = [column.name for column in table.primary_key.columns]
    told = {"call_records": "outcome", "call_legs": "status"}.get(table.name)
    changes = ", ".join(f"{name} = excluded.{name}" for name in names if name not in keys)
    again = f"UPDATE SET {changes} WHERE {table.name}.{told} = '{LOST}'" if told else "NOTHING"
    return (
        f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join(places)}) "  # noqa: S608 -- our names
        f"ON CONFLICT ({', '.join(keys)}) DO {again}"
    )
