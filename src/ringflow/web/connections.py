"""The HTTP port's connections: how many there may be, and how long a client may take.

aiohttp waits for a request's headers as long as the client likes, and takes as many connections as there are
descriptors. Each connection is a descriptor that a call may need, so both are bounded here. One address has
only a share of the connections, so that it cannot keep all others out. A trusted proxy may have all: which
of its connections is whose, only the proxy knows.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import cast

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from ringflow.accounts.lockout import address_name
from ringflow.config import HttpConfig
from ringflow.plain_text import plain
from ringflow.web.certificate import Certificate
from ringflow.web.forwarded import Networks, is_within, plain_address
from ringflow.web.security_headers import add_security_headers

log = structlog.get_logger("ringflow.web")

HEADERS_S = 10.0
"""How long after it connected a client may take until its first request's headers are whole."""

IDLE_S = 30.0
"""How long after an answer a client may take until the next request's headers are whole."""

REQUEST_S = 30.0
"""How long a request may take, its body included, unless it is allowed longer; then the answer is 408."""

LOGGED_EVERY_S = 10.0
ACCEPT_AGAIN_S = 1.0
"""How long to wait where the process has no descriptor left for another connection."""

MAX_WHY = 100
"""How much is said of why a request cannot be read."""

_LIMIT = web.RequestKey("limit", asyncio.Timeout)


class Connections:
    """All connections of a port. `most`: how many there may be at once; more are closed at once.

    `most_of_one`: how many of them one address may have, of IPv6 one network as it is counted everywhere;
    None: all. Addresses in the networks `proxies` may have all. `refused` counts those that were closed since
    the start.
    """

    def __init__(self, most: int, most_of_one: int | None = None, proxies: Networks = ()) -> None:
        self.most = most
        self.most_of_one = most if most_of_one is None else most_of_one
        self.refused = 0
        self._proxies = proxies
        self._open: dict[object, tuple[Connection | None, str]] = {}
        self._by_address: Counter[str] = Counter()
        self._logged_at_s: float | None = None

    @classmethod
    def configured(cls, config: HttpConfig, most: int) -> Connections:
        """Return the bounds that a configuration describes, where `most` descriptors are left for them."""
        return cls(most, config.max_connections_per_address or max(1, most // 2), config.trusted_proxies)

    @property
    def count(self) -> int:
        """How many there are now."""
        return len(self._open)

    def take(
        self, key: asyncio.BaseTransport | socket.socket, address: str, connection: Connection | None
    ) -> bool:
        """Let a connection from an address in, or count it as refused.

        `key`: its transport; or its socket, for as long as both sides have not agreed on keys.
        """
        counted = address_name(address)
        if len(self._open) >= self.most:
            self._refuse(counted, "`http.max_connections` reached")
        elif self._by_address[counted] >= self.most_of_one and not self._is_proxy(address):
            self._refuse(counted, "`http.max_connections_per_address` reached")
        else:
            self._open[key] = connection, counted
            self._by_address[counted] += 1
            return True
        return False

    def _is_proxy(self, address: str) -> bool:
        read = plain_address(address)
        return read is not None and is_within(read, self._proxies)

    def _refuse(self, address: str, why: str) -> None:
        self.refused += 1
        now_s = asyncio.get_running_loop().time()
        if self._logged_at_s is None or now_s - self._logged_at_s >= LOGGED_EVERY_S:
            self._logged_at_s = now_s
            log.warning("HTTP refused", why=why, address=address, refused_so_far=self.refused)

    def leave(self, key: asyncio.BaseTransport | socket.socket) -> None:
        """Forget a connection that is gone."""
        left = self._open.pop(key, None)
        if left is not None:
            self._by_address[left[1]] -= 1
            if not self._by_address[left[1]]:
                del self._by_address[left[1]]

    def middleware(self) -> Middleware:
        """Stop the wait for headers when a request is whole, bound the request, then wait for the next."""

        @web.middleware
        async def bounded(request: web.Request, handler: Handler) -> web.StreamResponse:
            transport = request.transport
            connection, _ = self._open.get(transport, (None, ""))
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
    """Stands between a transport and aiohttp's own protocol, and closes a connection that waits too long.

    `counted_as`: the socket that it was counted as before there was a transport.
    """

    def __init__(
        self,
        inner: asyncio.Protocol,
        connections: Connections,
        counted_as: socket.socket | None = None,
    ) -> None:
        self._inner = inner
        self._connections = connections
        self._counted_as = counted_as
        self._transport: asyncio.Transport | None = None
        self._limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of `asyncio.Protocol`."""
        # uvloop's transports do what asyncio's do, but are no subclass of them.
        transport = cast(asyncio.Transport, transport)
        if self._counted_as is not None:
            self._connections.leave(self._counted_as)
        if not self._connections.take(transport, _address(transport.get_extra_info("peername")), self):
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


def _address(peer: Sequence[object] | None) -> str:
    """Return the address of a socket's other end as the socket names it; "": it is gone already."""
    return str(peer[0]) if peer else ""


class BoundedSite(web.TCPSite):
    """A port of aiohttp's whose connections are bounded."""

    def __init__(
        self,
        runner: web.AppRunner,
        host: str,
        port: int,
        connections: Connections,
        certificate: Certificate | None = None,
    ) -> None:
        super().__init__(runner, host, port)
        self._connections = connections
        self._certificate = certificate
        self._address = (host, port)

    async def start(self) -> None:
        """Listen. Raises `OSError`."""
        await web.BaseSite.start(self)
        server, loop = self._runner.server, asyncio.get_running_loop()
        assert server is not None

        def connection(counted_as: socket.socket | None = None) -> Connection:
            inner = _Requests(server, loop=loop, access_log=None)  # type: ignore[arg-type]
            return Connection(inner, self._connections, counted_as)

        if self._certificate is None:
            self._server = await loop.create_server(connection, *self._address, backlog=self._backlog)
        else:
            sockets = await asyncio.to_thread(_listening, *self._address, self._backlog)
            listening = _TlsServer(sockets, connection, self._connections, self._certificate)
            # aiohttp asks for its sockets, and to close it.
            self._server = cast(asyncio.Server, listening)


def _listening(host: str, port: int, backlog: int) -> list[socket.socket]:
    """Return sockets that listen on all addresses of a host. Raises `OSError`."""
    sockets: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, _, _, _, address in dict.fromkeys(found):
            one = socket.socket(family, socket.SOCK_STREAM)
            sockets.append(one)
            one.setblocking(False)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind(address)
            one.listen(backlog)
    except OSError:
        for one in sockets:
            one.close()
        raise
    return sockets


class _TlsServer:
    """Listens, and begins each connection with TLS.

    `create_server(ssl=...)` counts a connection only when both sides have agreed on keys, which a client can
    put off; and it has the same certificate for ever. `start_tls` in `connection_made` is no way either:
    uvloop 0.23 has read the client's first bytes by then, and the agreement waits for them in vain.
    """

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        connection: Callable[[socket.socket], Connection],
        connections: Connections,
        certificate: Certificate,
    ) -> None:
        self.sockets = tuple(sockets)
        self._connection = connection
        self._connections = connections
        self._certificate = certificate
        loop = asyncio.get_running_loop()
        self._tasks = {loop.create_task(self._accept(one)) for one in sockets}

    def close(self) -> None:
        """As `asyncio.Server` does."""
        for task in self._tasks:
            task.cancel()
        for one in self.sockets:
            one.close()

    async def wait_closed(self) -> None:
        """As `asyncio.Server` does."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                came, peer = await loop.sock_accept(listening)
            except OSError as error:
                log.warning("HTTP refused", why=error.strerror or str(error))
                await asyncio.sleep(ACCEPT_AGAIN_S)
                continue
            if self._connections.take(came, _address(peer), None):
                task = loop.create_task(self._begin(came))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            else:
                came.close()

    async def _begin(self, came: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            came.setblocking(False)
            came.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.connect_accepted_socket(
                lambda: self._connection(came),
                came,
                ssl=self._certificate.context(),
                ssl_handshake_timeout=HEADERS_S,
            )
        except OSError as error:
            # A client that speaks no TLS, or an older one, or is gone: no fault of ours.
            log.debug("no TLS", why=str(error))
            came.close()
        finally:
            self._connections.leave(came)


class _Requests(web.RequestHandler):
    """aiohttp's own protocol, whose answers to what is no HTTP have our headers too."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Part of `web.RequestHandler`."""
        if status == HTTPStatus.BAD_REQUEST:
            # aiohttp would log what it could not read, which may be a token.
            log.debug("no HTTP", why=type(exc).__name__)
            why = plain(re.split("[\n:]", message or "", maxsplit=1)[0])[:MAX_WHY]
            answer: web.StreamResponse = web.Response(status=status, text=f"this is no HTTP: {why}\n")
            answer.force_close()
        else:
            answer = super().handle_error(request, status, exc, message)
        add_security_headers(answer.headers, request.secure)
        return answer
