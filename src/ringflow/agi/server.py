"""The server that Asterisk's `AGI(agi://...)` connects to."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable
from functools import lru_cache

import structlog

from ringflow.agi.connection import Connection
from ringflow.agi.overload import OverloadControl
from ringflow.agi.refusal import CALLS_FULL, Refusal, RefusedCall
from ringflow.agi.reply import shown
from ringflow.agi.request import AgiRequest
from ringflow.agi.session import AgiSession
from ringflow.agi.settings import AgiCounters, AgiSettings
from ringflow.errors import ChannelGone, StartError

__all__ = ["AgiCounters", "AgiSettings", "FastAgiServer"]

log = structlog.get_logger(__name__)

HandleCall = Callable[[AgiSession], Awaitable[object]]
TakeRefusal = Callable[[RefusedCall], None]

REFUSALS_LOGGED_EVERY_S = 60.0
"""Whoever knocks at a wrong door all day long must not fill the log."""

KNOWN_PEERS = 1024
"""Addresses whose answer of the allow-list is remembered, and whose load is known."""

KEEPALIVE_IDLE_S = 60
KEEPALIVE_INTERVAL_S = 15
KEEPALIVE_PROBES = 4
"""A command without a limit (Dial) ends about two minutes after its Asterisk vanished from the network."""


class FastAgiServer:
    """Accepts FastAGI connections and runs `handle_call` for each call, in a task of its own.

    When the handler returns, its connection is closed. What it raises is logged and ends that call only. Made
    in a coroutine, or given the loop later by `start`: `protocol` needs a running loop. `take_refusal` learns
    of every call that never came to the handler.
    """

    def __init__(
        self,
        handle_call: HandleCall,
        settings: AgiSettings | None = None,
        take_refusal: TakeRefusal = lambda refused: None,
    ) -> None:
        self.settings = settings or AgiSettings()
        self.loads: dict[str, OverloadControl] = {}
        """By the address of each Asterisk that sent calls."""
        self._take_refusal = take_refusal
        self.counters = AgiCounters()
        self._handle_call = handle_call
        self._allows = lru_cache(KNOWN_PEERS)(self.settings.allows)
        self._server: asyncio.Server | None = None
        self._port = 0
        self._stopping = False
        self._connections: set[Connection] = set()
        self._next_look: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._emptied: asyncio.Event | None = None
        self._refusal_logged_at_s: float | None = None

    @property
    def port(self) -> int:
        """The port that is listened on, or was last; 0 before `start`."""
        return self._port

    @property
    def live_calls(self) -> int:
        """Calls whose handler runs."""
        return len(self._tasks)

    def counts(self) -> dict[str, int]:
        """What the connections since the start came to, by name."""
        return self.counters.by_name()

    async def start(self) -> None:
        """Listen. Raises `StartError` when the address cannot be had."""
        host, port = self.settings.host, self.settings.port
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(self.protocol, host, port, backlog=self.settings.backlog)
        except (OSError, OverflowError) as error:
            raise StartError(_cannot_listen(host, port, error)) from error
        self._server = server
        for listening in server.sockets:
            _keep_alive(listening)
        self._port = int(server.sockets[0].getsockname()[1])

    def protocol(self) -> asyncio.Protocol:
        """A new connection, for any transport: also one that joins two ends in this process."""
        return Connection(self, asyncio.get_running_loop())

    async def drain(self, limit_s: float) -> None:
        """Take no new calls, give those in progress `limit_s` seconds to finish, then cancel the rest.

        Returns when every handler has ended, cancelled ones included.
        """
        self._stopping = True
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in [one for one in self._connections if not one.serving]:
            connection.abort()
        if self._tasks and limit_s > 0:
            await asyncio.wait(set(self._tasks), timeout=limit_s)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks))
        await self._await_emptied()
        if self._next_look is not None:
            self._next_look.cancel()
            self._next_look = None

    async def close(self) -> None:
        """Stop at once: as `drain` without waiting for calls in progress."""
        await self.drain(0)

    def admit(self, connection: Connection, peer: str | None) -> bool:
        """For connections: whether this peer is let in now."""
        if peer is not None and not self._allows(peer):
            self.counters.not_allowed += 1
            self._log_refusal("peer not in `fastagi.allow`", peer)
            return False
        most = self.settings.max_calls + self.settings.refused_at_once
        if self._stopping or len(self._connections) >= most:
            self.counters.too_many += 1
            self._log_refusal("stopping" if self._stopping else "`fastagi.max_calls` reached", peer)
            self.call_refused(RefusedCall(CALLS_FULL))
            return False
        self._connections.add(connection)
        if self._next_look is None:
            self._look_later()
        return True

    def load_of(self, peer: str | None) -> OverloadControl:
        """For connections: the load of the Asterisk at this address."""
        asterisk = peer or "local"
        load = self.loads.get(asterisk)
        if load is None:
            if len(self.loads) >= KNOWN_PEERS:
                del self.loads[next(iter(self.loads))]
            load = OverloadControl(self.settings.max_lag_s, self.settings.max_calls_per_s, asterisk)
            self.loads[asterisk] = load
        return load

    def refusal(self, request: AgiRequest, peer: str | None) -> Refusal | None:
        """For connections: why a call is refused, if it is."""
        if request.script in self.settings.never_refused:
            return None
        if len(self._connections) > self.settings.max_calls:
            self.counters.too_many += 1
            return CALLS_FULL
        refusal = self.load_of(peer).refusal()
        if refusal is not None:
            self.counters.overloaded += 1
        return refusal

    def call_refused(self, refused: RefusedCall) -> None:
        """For connections: a call was refused before it came to the handler."""
        self._take_refusal(refused)

    def call_arrived(self, connection: Connection, session: AgiSession) -> None:
        """For connections: serve a call."""
        self.counters.calls += 1
        session.probes = session.load is not None and session.load.wants_probe()
        task = asyncio.get_running_loop().create_task(self._serve(session))
        self._tasks.add(task)

        def served(task: asyncio.Task[None]) -> None:
            # Not at the end of `_serve`: a task that is cancelled before its first step runs nothing.
            self._tasks.discard(task)
            connection.close()

        task.add_done_callback(served)

    def left(self, connection: Connection) -> None:
        """For connections: one is gone."""
        self._connections.discard(connection)
        if self._emptied is not None and not self._connections:
            self._emptied.set()

    def _look_later(self) -> None:
        # One timer for all limits of all connections: a timer for each would cost more than reading the
        # headers of a call, and nearly all limits are kept.
        loop = asyncio.get_running_loop()
        self._next_look = loop.call_later(self.settings.look_every_s, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._next_look = None
        now_s = loop.time()
        for connection in list(self._connections):
            connection.look(now_s)
        if self._connections:
            self._look_later()

    async def _serve(self, session: AgiSession) -> None:
        try:
            await self._handle_call(session)
        except ChannelGone as ended:
            log.debug("call ended", channel=shown(session.request.channel), how=ended.how)
        except Exception:
            # The boundary of a call: one handler's fault ends only its call.
            self.counters.handler_errors += 1
            log.exception("call handler failed", channel=shown(session.request.channel))

    async def _await_emptied(self) -> None:
        if not self._connections:
            return
        self._emptied = asyncio.Event()
        try:
            async with asyncio.timeout(self.settings.linger_s):
                await self._emptied.wait()
        except TimeoutError:
            for connection in list(self._connections):
                connection.abort()

    def _log_refusal(self, why: str, peer: str | None) -> None:
        now_s = asyncio.get_running_loop().time()
        last_s = self._refusal_logged_at_s
        if last_s is not None and now_s - last_s < REFUSALS_LOGGED_EVERY_S:
            return
        self._refusal_logged_at_s = now_s
        counters = self.counters
        log.warning(
            "FastAGI refused",
            why=why,
            peer=peer,
            not_allowed_so_far=counters.not_allowed,
            too_many_so_far=counters.too_many,
        )


def _keep_alive(listening: socket.socket) -> None:
    # Accepted sockets inherit these from the listening one, so a call costs no system call for them.
    if listening.family not in (socket.AF_INET, socket.AF_INET6):
        return
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", KEEPALIVE_IDLE_S),
        ("TCP_KEEPINTVL", KEEPALIVE_INTERVAL_S),
        ("TCP_KEEPCNT", KEEPALIVE_PROBES),
    ):
        option = getattr(socket, name, None)
        if option is not None:
            listening.setsockopt(socket.IPPROTO_TCP, option, value)


def _cannot_listen(host: str, port: int, error: OSError | OverflowError) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        another = "another `fastagi.port` (RINGFLOW_FASTAGI__PORT)"
        mend = f"the port is taken; stop what listens on {port}, or set {another}"
    elif number == errno.EACCES:
        mend = "not permitted; set a `fastagi.port` of 1024 or above"
    elif number == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        mend = "this machine has no such address; set another `fastagi.host`"
    else:
        mend = f"{error}; set another `fastagi.host` or `fastagi.port`"
    return f"FastAGI cannot listen on {host}:{port}: {mend}"
