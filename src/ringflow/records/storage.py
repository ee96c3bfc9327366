"""Rows of calls put into the database: many calls in one transaction, each any number of times."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import count, islice

from sqlalchemy import Table

from ringflow.records.costs import with_costs
from ringflow.records.rows import LOST, CallRows, Cells
from ringflow.store import DirectConnection
from ringflow.store.record_tables import call_legs, call_records, call_slots

CALLS_AT_ONCE = 16
"""Calls in one transaction. On SQLite its statements run in the event loop's thread, where a row takes about
5 us and a call has six or seven, and nothing else is written meanwhile: so a transaction is kept short, and
never waits for anything between its beginning and its end.
"""

STATEMENT_ROWS = (32, 8, 2, 1)
"""Rows in one statement: few forms, which stay prepared, make up any number."""

STATEMENTS_KEPT = 100
"""SQL texts kept for the next batch: four for each set of columns that a batch fills in a table."""

_UNFINISHED = {
    "call_records": f"call_records.outcome = '{LOST}' AND excluded.outcome <> '{LOST}'",
    "call_legs": f"call_legs.status = '{LOST}' AND excluded.status <> '{LOST}'",
    # The slot in which a lost call was.
    "call_slots": "call_slots.exit IS NULL AND excluded.exit IS NOT NULL",
}
"""When a row that is there gives way to another one of its kind."""


async def write_rows(connection: DirectConnection, calls: Sequence[CallRows]) -> None:
    """Write calls, at most `CALLS_AT_ONCE`, within the caller's transaction.

    What is there stays, unless only it is `lost`.

    So it does not matter who writes first, the server of the call or one that found what is left of it, nor
    whether a commit whose answer was lost is done again.
    """
    calls = await with_costs(connection, calls)
    # A lost call may come once for each of its legs, and PostgreSQL changes no row twice in one statement.
    once = {one.call["call_id"]: one.call for one in calls}
    await _write(connection, call_records, list(once.values()))
    await _write(connection, call_legs, [leg for one in calls for leg in one.legs])
    await _write(connection, call_slots, [slot for one in calls for slot in one.slots])


async def _write(connection: DirectConnection, table: Table, rows: Sequence[Cells]) -> None:
    if not rows:
        return
    names = _filled_columns(table, rows)
    written = 0
    for at_once in STATEMENT_ROWS:
        while len(rows) - written >= at_once:
            sql = _insert(table, connection.dialect.name, names, at_once)
            some = rows[written : written + at_once]
            await connection.rows(sql, tuple(row.get(name) for row in some for name in names))
            written += at_once


def _filled_columns(table: Table, rows: Sequence[Cells]) -> tuple[str, ...]:
    """The columns that any row has a value for; the others are NULL by themselves."""
    names = [column.name for column in table.columns]
    return tuple(name for name in names if any(row.get(name) is not None for row in rows))


@lru_cache(STATEMENTS_KEPT)
def _insert(table: Table, dialect: str, names: tuple[str, ...], rows: int) -> str:
    places = iter(f"${number}" if dialect == "postgresql" else "?" for number in count(1))
    values = ", ".join(f"({', '.join(islice(places, len(names)))})" for _ in range(rows))
    keys = table.primary_key.columns.keys()
    rest = [column.name for column in table.columns if not column.primary_key]
    changes = ", ".join(f"{name} = excluded.{name}" for name in rest)
    again = f"UPDATE SET {changes} WHERE {_UNFINISHED[table.name]}"
    return (
        f"INSERT INTO {table.name} ({', '.join(names)}) VALUES {values} "  # noqa: S608 -- our names
        f"ON CONFLICT ({', '.join(keys)}) DO {again}"
    )
