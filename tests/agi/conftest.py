"""The other end of a FastAGI connection, in this process: no socket, and it may answer within `write`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

import pytest
import uvloop

from ringflow.agi.server import AgiSettings, FastAgiServer
from ringflow.agi.session import AgiSession

HEADERS = (
    b"agi_network: yes\n"
    b"agi_network_script: call\n"
    b"agi_request: agi://127.0.0.1:4573/call\n"
    b"agi_channel: PJSIP/carrier-00000001\n"
    b"agi_language: en\n"
    b"agi_uniqueid: 1700000000.1\n"
    b"agi_version: 22.10.0\n"
    b"agi_callerid: 441910000001\n"
    b"agi_calleridname: unknown\n"
    b"agi_callingpres: 0\n"
    b"agi_dnid: 18005550100\n"
    b"agi_context: ringflow-incoming\n"
    b"agi_extension: 18005550100\n"
    b"agi_priority: 1\n"
    b"\n"
)

Result = TypeVar("Result")


class Asterisk(asyncio.Transport):
    """Asterisk's end: keeps the commands it was sent, and answers each with the next of `replies`.

    A reply of None stays out until `says`; with `replies` used up, commands stay without a reply.
    """

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self.protocol = protocol
        self.commands: list[bytes] = []
        self.replies: list[bytes | None] = []
        self.closed = ""
        protocol.connection_made(self)

    def says(self, data: bytes) -> None:
        self.protocol.data_received(data)

    def hangs_up_the_line(self) -> None:
        self.protocol.eof_received()
        self.protocol.connection_lost(None)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closed, "written after the end"
        self.commands.append(bytes(data))
        reply = self.replies.pop(0) if self.replies else None
        if reply is not None:
            self.says(reply)

    def close(self) -> None:
        self._end("closed")

    def abort(self) -> None:
        self._end("aborted")

    def is_closing(self) -> bool:
        return bool(self.closed)

    def _end(self, how: str) -> None:
        if not self.closed:
            self.closed = how
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)


class Line:
    """A served call: its session on our side, Asterisk on the other."""

    def __init__(self, asterisk: Asterisk, session: AgiSession) -> None:
        self.asterisk = asterisk
        self.session = session

    async def started(self, command: Awaitable[Result], wrote: int = 1) -> asyncio.Task[Result]:
        """Begin a command in a task of its own; returns once `wrote` lines have been sent."""
        task = asyncio.ensure_future(command)
        while len(self.asterisk.commands) < wrote:
            assert not task.done(), task
            await asyncio.sleep(0)
        return task


@asynccontextmanager
async def _open_line(headers: bytes = HEADERS) -> AsyncIterator[Line]:
    arrived: asyncio.Future[AgiSession] = asyncio.get_running_loop().create_future()
    finished = asyncio.Event()

    async def handle_call(session: AgiSession) -> None:
        arrived.set_result(session)
        await finished.wait()

    server = FastAgiServer(handle_call, AgiSettings(linger_s=0.05, look_every_s=0.005))
    asterisk = Asterisk(server.protocol())
    asterisk.says(headers)
    yield Line(asterisk, await arrived)
    finished.set()
    await server.drain(1)


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Every test here runs on asyncio's loop and on the one that the application installs."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    async with _open_line() as opened:
        yield opened


@pytest.fixture
def headers() -> bytes:
    return HEADERS


@pytest.fixture
def join() -> Callable[[FastAgiServer], Asterisk]:
    """Connects an Asterisk in this process to a server."""
    return lambda server: Asterisk(server.protocol())


@pytest.fixture
def open_line() -> Callable[..., object]:
    return _open_line
