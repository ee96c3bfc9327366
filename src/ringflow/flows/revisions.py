"""Flow revisions in the database: every text that was in service, and the last good one of each file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.store.flow_tables import flow_revisions as table


@dataclass(frozen=True, slots=True)
class Revision:
    """One text of a flow file. `file` is its name within the folder of flows; `revision` the text's hash."""

    file: str
    app: str
    revision: str
    text: bytes


async def last_good(connection: AsyncConnection) -> list[Revision]:
    """Of each file the text that was in service last."""
    newest = select(table.c.file, func.max(table.c.loaded_ms).label("at")).group_by(table.c.file).subquery()
    rows = await connection.execute(
        select(table.c.file, table.c.app, table.c.revision, table.c.text)
        .join(newest, (newest.c.file == table.c.file) & (newest.c.at == table.c.loaded_ms))
        .order_by(table.c.file, table.c.id)
    )
    # Of two texts of one millisecond the one that was made last.
    found = {row.file: Revision(row.file, row.app, row.revision, row.text.encode()) for row in rows}
    return list(found.values())


async def keep(connection: AsyncConnection, revisions: Iterable[Revision], now_ms: int) -> None:
    """Note that these texts are in service now; `now_ms`: milliseconds since 1970."""
    for one in revisions:
        same = (table.c.file == one.file) & (table.c.revision == one.revision)
        known = await connection.execute(update(table).where(same).values(loaded_ms=now_ms, app=one.app))
        if known.rowcount == 0:
            await connection.execute(
                table.insert().values(
                    file=one.file,
                    app=one.app,
                    revision=one.revision,
                    text=one.text.decode(),
                    first_loaded_ms=now_ms,
                    loaded_ms=now_ms,
                )
            )
