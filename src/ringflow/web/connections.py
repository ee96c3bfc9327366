"""The HTTP port's connections: how many there may be, and how long a client may take.

aiohttp waits for a request's headers as long as the client likes, and takes as many connections as there are
descriptors. Each connection is a descriptor that a call may need, so both are bounded here.
"""

from __future__ import annotations

import asyncio
from typing import cast

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

log = structlog.get_logger("ringflow.web")

HEADERS_S = 10.0
"""How long after it connected a client may take until its first request's headers are whole."""

IDLE_S = 30.0
"""How long after an answer a client may take until the next request's headers are whole."""

REQUEST_S = 30.0
"""How long a request may take, its body included, unless it is allowed longer; then the answer is 408."""

LOGGED_EVERY_S = 10.0
_LIMIT = web.RequestKey("limit", asyncio.Timeout)


class Connections:
    """All connections of a port. `most`: how many there may be at once; more are closed at once.

    `refused` counts these since the start.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.refused = 0
        self._open: dict[asyncio.BaseTransport, Connection] = {}
        self._logged_at_s: float | None = None

    @property
    def count(self) -> int:
        """How many there are now."""
        return len(self._open)

    def take(self, transport: asyncio.BaseTransport, connection: Connection) -> bool:
        """Let a connection in, or count it as refused."""
        if len(self._open) < self.most:
            self._open[transport] = connection
            return True
        self.refused += 1
        now_s = asyncio.get_running_loop().time()
        if self._logged_at_s is None or now_s - self._logged_at_s >= LOGGED_EVERY_S:
            self._logged_at_s = now_s
            log.warning("HTTP refused", why="`http.max_connections` reached", refused_so_far=self.refused)
        return False

    def leave(self, transport: asyncio.BaseTransport) -> None:
        """Forget a connection that is gone."""
        self._open.pop(transport, None)

    def middleware(self) -> Middleware:
        """Stop the wait for headers when a request is whole, bound the request, then wait for the next."""

        @web.middleware
        async def bounded(request: web.Request, handler: Handler) -> web.StreamResponse:
            transport = request.transport
            connection = self._open.get(transport) if transport is not None else None
            if connection is not None:
                connection.serving()
            try:
                async with asyncio.timeout(REQUEST_S) as limit:
                    request[_LIMIT] = limit
                    return await handler(request)
            except TimeoutError:
                raise web.HTTPRequestTimeout(text=f"the request took longer than {REQUEST_S:g} s") from None
            finally:
                if connection is not None:
                    connection.served()

        return bounded


def allow_longer(request: web.Request, seconds: float | None) -> None:
    """Let a request take this long from now on; None: as long as it likes, which then has its own limits."""
    limit = request.get(_LIMIT)
    if limit is not None:
        limit.reschedule(None if seconds is None else asyncio.get_running_loop().time() + seconds)


class Connection(asyncio.Protocol):
    """Stands between a transport and aiohttp's own protocol, and closes a connection that waits too long."""

    def __init__(self, inner: asyncio.Protocol, connections: Connections) -> None:
        self._inner = inner
        self._connections = connections
        self._transport: asyncio.Transport | None = None
        self._limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of `asyncio.Protocol`."""
        # uvloop's transports do what asyncio's do, but are no subclass of them.
        transport = cast(asyncio.Transport, transport)
        if not self._connections.take(transport, self):
            transport.abort()
            return
        self._transport = transport
        self._inner.connection_made(transport)
        self._close_in(HEADERS_S)

    def data_received(self, data: bytes) -> None:
        """Part of `asyncio.Protocol`."""
        if self._transport is not None:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """Part of `asyncio.Protocol`."""
        return self._inner.eof_received() if self._transport is not None else None

    def pause_writing(self) -> None:
        """Part of `asyncio.Protocol`."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Part of `asyncio.Protocol`."""
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Part of `asyncio.Protocol`."""
        if self._transport is None:
            return
        self.serving()
        self._connections.leave(self._transport)
        self._transport = None
        self._inner.connection_lost(exc)

    def serving(self) -> None:
        """A request is being answered: only `REQUEST_S` bounds it."""
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def served(self) -> None:
        """It is answered: the next one may take `IDLE_S`."""
        if self._transport is not None:
            self._close_in(IDLE_S)

    def _close_in(self, seconds: float) -> None:
        self.serving()
        assert self._transport is not None
        self._limit = asyncio.get_running_loop().call_later(seconds, self._transport.abort)


class BoundedSite(web.TCPSite):
    """A port of aiohttp's whose connections are bounded."""

    def __init__(self, runner: web.AppRunner, host: str, port: int, connections: Connections) -> None:
        super().__init__(runner, host, port)
        self._connections = connections
        self._address = (host, port)

    async def start(self) -> None:
        """Listen. Raises `OSError`."""
        await web.BaseSite.start(self)
        make_inner = self._runner.server
        assert make_inner is not None

        def connection() -> Connection:
            return Connection(make_inner(), self._connections)

        self._server = await asyncio.get_running_loop().create_server(
            connection, *self._address, backlog=self._backlog
        )
