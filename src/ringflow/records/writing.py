"""Rows of calls put into the database: many calls in one transaction, each any number of times."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cache
from itertools import chain, count, islice

from sqlalchemy import Table

from ringflow.records.costing import with_costs
from ringflow.records.rows import LOST, CallRows, Cells
from ringflow.store import DirectConnection
from ringflow.store.record_tables import call_legs, call_records, call_slots

STATEMENT_ROWS = (32, 8, 2, 1)
"""Rows in one statement: few forms, which stay prepared, make up any number. On SQLite, where statements run
in the event loop's thread, a row takes about 5 us and calls wait no longer than for the first of these.
"""


_UNFINISHED = {
    "call_records": f"call_records.outcome = '{LOST}' AND excluded.outcome <> '{LOST}'",
    "call_legs": f"call_legs.status = '{LOST}' AND excluded.status <> '{LOST}'",
    # The slot in which a lost call was.
    "call_slots": "call_slots.exit IS NULL AND excluded.exit IS NOT NULL",
}
"""When a row that is there gives way to another one of its kind."""


async def write_rows(connection: DirectConnection, calls: Sequence[CallRows]) -> None:
    """Write calls within the caller's transaction. What is there stays, unless only it is `lost`.

    So it does not matter who writes first, the server of the call or one that found what is left of it, nor
    whether a commit whose answer was lost is done again.
    """
    calls = await with_costs(connection, calls)
    # A lost call may come once for each of its legs, and PostgreSQL changes no row twice in one statement.
    once = {one.call[0]: one.call for one in calls}
    await _write(connection, call_records, list(once.values()))
    await _write(connection, call_legs, [leg for one in calls for leg in one.legs])
    await _write(connection, call_slots, [slot for one in calls for slot in one.slots])


async def _write(connection: DirectConnection, table: Table, rows: Sequence[Cells]) -> None:
    written = 0
    for at_once in STATEMENT_ROWS:
        sql = _insert(table, connection.dialect.name, at_once)
        while len(rows) - written >= at_once:
            await connection.rows(sql, tuple(chain.from_iterable(rows[written : written + at_once])))
            written += at_once
            await asyncio.sleep(0)


@cache
def _insert(table: Table, dialect: str, rows: int) -> str:
    names = [column.name for column in table.columns]
    places = iter(f"${number}" if dialect == "postgresql" else "?" for number in count(1))
    values = ", ".join(f"({', '.join(islice(places, len(names)))})" for _ in range(rows))
    keys = [column.name for column in table.primary_key.columns]
    changes = ", ".join(f"{name} = excluded.{name}" for name in names if name not in keys)
    again = f"UPDATE SET {changes} WHERE {_UNFINISHED[table.name]}"
    return (
        f"INSERT INTO {table.name} ({', '.join(names)}) VALUES {values} "  # noqa: S608 -- our names
        f"ON CONFLICT ({', '.join(keys)}) DO {again}"
    )
