"""A proxy before PostgreSQL that loses one answer: the server has done what was asked, and nobody is told.

Of PostgreSQL's messages it knows as much as that takes: each has a byte for its kind and four for its length,
an answer ends with `Z` (ReadyForQuery) or with what describes a statement that was prepared, and a server
asked for encryption answers with one byte (PostgreSQL, "Message Formats").
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum

from sqlalchemy import make_url

_SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")
_HEAD = 5
# What ends the answer to a statement that is prepared: its parameters, then its columns or that it has none.
_DESCRIBED = {(b"t", b"T"), (b"t", b"n")}
_ASKS = b"R"
"""Authentication: the client has to say something before the server goes on."""


class Cut(StrEnum):
    """Where the connection is cut: instead of an answer, in the midst of it, or right after it."""

    INSTEAD = "instead of"
    WITHIN = "within"
    AFTER = "after"


class PostgresProxy:
    """Counts answers on all its connections, and cuts the connection of the n-th, once."""

    def __init__(self, upstream: str, cut: Cut = Cut.INSTEAD, cut_at: int | None = None) -> None:
        self.answers = 0
        self.port = 0
        self._upstream = make_url(upstream)
        self._cut = cut
        self._cut_at = cut_at
        self._is_away = False
        self._carrying: list[asyncio.Task[None]] = []

    @property
    def url(self) -> str:
        """The database's URL, by way of the proxy."""
        url = self._upstream.set(host="127.0.0.1", port=self.port)
        return url.render_as_string(hide_password=False)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[PostgresProxy]:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._carrying:
                task.cancel()
            await asyncio.gather(*self._carrying, return_exceptions=True)

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """For the block: all connections are cut, and new ones closed."""
        self._is_away = True
        for task in self._carrying:
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)
        try:
            yield
        finally:
            self._is_away = False

    def _accept(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        if self._is_away:
            to_client.transport.abort()
            return
        self._carrying.append(asyncio.create_task(self._carry(client, to_client)))

    async def _carry(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        host, port = self._upstream.host, self._upstream.port
        server, to_server = await asyncio.open_connection(host, port)
        first = await client.read(65536)
        to_server.write(first)
        if first == _SSL_REQUEST:
            to_client.write(await server.readexactly(1))
        there = asyncio.create_task(_copy(client, to_server))
        try:
            await self._carry_answers(server, to_client)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            there.cancel()
            to_client.transport.abort()
            to_server.transport.abort()

    async def _carry_answers(self, server: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        answer, before = b"", b""
        while True:
            head = await server.readexactly(_HEAD)
            answer += head + await server.readexactly(int.from_bytes(head[1:], "big") - 4)
            kind, before = (before, head[:1]), head[:1]
            if kind[1] == b"Z" or kind in _DESCRIBED:
                self.answers += 1
                if self.answers == self._cut_at:
                    kept = {Cut.INSTEAD: 0, Cut.WITHIN: len(answer) // 2, Cut.AFTER: len(answer)}[self._cut]
                    to_client.write(answer[:kept])
                    await to_client.drain()
                    return
            elif kind[1] not in _ASKS:
                continue
            to_client.write(answer)
            answer = b""


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        sink.write(data)
    sink.transport.abort()
