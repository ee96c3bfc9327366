"""One row that is inserted, or changed where it is there already, on both databases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection


async def upsert(
    connection: AsyncConnection,
    table: Table,
    key: Mapping[str, Any],
    made: Mapping[str, Any],
    changed: Mapping[str, Any],
) -> None:
    """Insert the row of `key` with the columns `made`; where there is one, set `changed` in it."""
    # Imported where it is used: a simulated call does not wait for PostgreSQL's dialect.
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment]
    statement = insert(table).values(**key, **made)
    await connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=dict(changed)))
