"""The servers of a database, as they note themselves in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.store.ledger_tables import ledger_servers, servers
from ringflow.store.pages import Listing, Page, PageRequest

SERVERS = Listing("servers", {"name": (servers.c.name,)}, first="name")


@dataclass(frozen=True, slots=True)
class Server:
    """A server by its name. `asterisk`: the one that its manager interface leads to; None: not known."""

    name: str
    host: str
    pid: int
    started_ms: int | None
    seen_ms: int | None
    is_alive: bool
    asterisk: str | None


async def server_page(
    connection: AsyncConnection, now_ms: int, silent_ms: int, asked: PageRequest
) -> Page[Server]:
    """Read a page of the servers. One that was silent for `silent_ms` is not alive."""
    run = ledger_servers.c
    query = select(
        servers.c.name,
        servers.c.host,
        servers.c.pid,
        run.started_ms,
        run.seen_ms,
        run.ended_ms,
        servers.c.asterisk,
    ).outerjoin(ledger_servers, run.id == servers.c.run)

    def server(row: Sequence[Any]) -> Server:
        name, host, pid, started_ms, seen_ms, ended_ms, asterisk = row
        is_alive = seen_ms is not None and ended_ms is None and seen_ms >= now_ms - silent_ms
        return Server(name, host, pid, started_ms, seen_ms, is_alive, asterisk or None)

    return await SERVERS.page(connection, query, asked, server)
