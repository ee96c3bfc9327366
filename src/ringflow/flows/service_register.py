"""What each server has in service of every flow file, in the database, so that servers can be compared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.ledger.server_names import server_name
from ringflow.store.flow_tables import flows_in_service as table
from ringflow.store.ledger_tables import ledger_servers


@dataclass(frozen=True, slots=True)
class FlowInService:
    """One file on one server. `revision` None: nothing of it serves. `problem`: why not what is published."""

    file: str
    app: str
    revision: str | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ServerFlow:
    """The same with the server's name."""

    server: str
    file: str
    app: str
    revision: str | None
    problem: str


async def register(
    connection: AsyncConnection, run: str, flows: Iterable[FlowInService], now_ms: int
) -> None:
    """Note all that a run of a server has in service, and forget the runs that are over."""
    over = select(ledger_servers.c.id).where(ledger_servers.c.ended_ms.is_(None))
    await connection.execute(delete(table).where((table.c.run == run) | table.c.run.not_in(over)))
    rows = [{"run": run, **asdict(one), "since_ms": now_ms} for one in flows]
    if rows:
        await connection.execute(table.insert(), rows)


async def unregister(connection: AsyncConnection, run: str) -> None:
    """Note that a run of a server serves nothing any more."""
    await connection.execute(delete(table).where(table.c.run == run))


async def flows_of_servers(connection: AsyncConnection, seen_ms: int) -> list[ServerFlow]:
    """What the servers have in service that have said since then that they live, by file and server."""
    rows = await connection.execute(
        select(table.c.run, table.c.file, table.c.app, table.c.revision, table.c.problem)
        .join(ledger_servers, ledger_servers.c.id == table.c.run)
        .where(_alive(seen_ms))
        .order_by(table.c.file, table.c.run)
    )
    return [ServerFlow(server_name(run), *rest) for run, *rest in rows]


async def not_served(
    connection: AsyncConnection, seen_ms: int, file: str, app: str, revision: str
) -> list[ServerFlow]:
    """The servers alive since `seen_ms` that do not serve this text of a file, and what they serve of it."""
    runs = select(ledger_servers.c.id).where(_alive(seen_ms)).order_by(ledger_servers.c.id)
    serving = {one.server: one for one in await flows_of_servers(connection, seen_ms) if one.file == file}
    names = [server_name(run) for run in (await connection.execute(runs)).scalars()]
    found = [serving.get(name, ServerFlow(name, file, app, None, "")) for name in names]
    return [one for one in found if one.revision != revision]


def _alive(seen_ms: int) -> ColumnElement[bool]:
    return (ledger_servers.c.seen_ms >= seen_ms) & ledger_servers.c.ended_ms.is_(None)
