"""A scripted manager peer on loopback, and links to it with short patience."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from ringflow.ami.link import AmiLink
from ringflow.ami.settings import AmiSettings

SECRET = "kept-from-every-log-7741"
PATIENCE_S = 60.0


class PeerConnection:
    """One accepted connection, driven by the test step by step; every step is bounded in time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.received = bytearray()

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def message(self, *lines: str) -> None:
        await self.write("".join(f"{line}\r\n" for line in lines).encode() + b"\r\n")

    async def read_bytes(self) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            action = await self._reader.readuntil(b"\r\n\r\n")
        self.received += action
        return action

    async def read(self) -> dict[str, str]:
        """The next action that is no Ping; pings are answered on the way."""
        while True:
            lines = (await self.read_bytes()).decode().strip().split("\r\n")
            fields: dict[str, str] = {}
            for line in lines:
                key, _, value = line.partition(": ")
                fields[key] = f"{fields[key]}\n{value}" if key in fields else value
            if fields["Action"] != "Ping":
                return fields
            await self.answer(fields, "Response: Success", "Ping: Pong")

    async def answer(self, action: dict[str, str], *lines: str) -> None:
        await self.message(lines[0], f"ActionID: {action['ActionID']}", *lines[1:])

    async def greet(self) -> None:
        await self.write(b"Asterisk Call Manager/11.0.0\r\n")

    async def log_in(self) -> dict[str, str]:
        """Greet and accept; gives the Login action. A wrong key fails the test."""
        await self.greet()
        await self.answer(await self.read(), "Response: Success", "Challenge: 416925151")
        login = await self.read()
        assert login["Action"] == "Login"
        assert login["Username"] == "ringflow"
        assert login["Key"] == hashlib.md5(f"416925151{SECRET}".encode()).hexdigest()
        await self.answer(login, "Response: Success", "Message: Authentication accepted")
        return login

    async def closed(self) -> None:
        """Wait until the other side has closed."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                while await self._reader.read(65536):
                    pass
            except ConnectionError:
                pass

    def hang_up(self) -> None:
        self._writer.transport.abort()


class Peer:
    """Listens on loopback and hands each connection to the test."""

    def __init__(self) -> None:
        self.port = 0
        self._waiting: asyncio.Queue[PeerConnection] = asyncio.Queue()
        self._all: list[PeerConnection] = []

    @property
    def accepted(self) -> int:
        return len(self._all)

    async def accept(self) -> PeerConnection:
        async with asyncio.timeout(PATIENCE_S):
            return await self._waiting.get()

    async def accept_login(self) -> PeerConnection:
        connection = await self.accept()
        await connection.log_in()
        return connection

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Peer]:
        server = await asyncio.start_server(self._take, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for connection in self._all:
                connection.hang_up()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = PeerConnection(reader, writer)
        self._all.append(connection)
        self._waiting.put_nowait(connection)


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with Peer().listening() as listening:
        yield listening


@pytest.fixture
async def make_link(peer: Peer) -> AsyncIterator[Callable[..., AmiLink]]:
    """Links to the peer; closed at the end of the test."""
    made: list[AmiLink] = []

    def make(**changes: float) -> AmiLink:
        times: dict[str, float] = {
            "ping_interval_s": 20.0, "silence_limit_s": 40.0, "action_timeout_s": 4.0,
            "backoff_min_s": 0.01, "backoff_max_s": 0.04,
        }  # fmt: skip
        settings = AmiSettings("127.0.0.1", peer.port, "ringflow", SECRET, **(times | changes))
        made.append(AmiLink(settings))
        return made[-1]

    yield make
    for link in made:
        await link.close()


@pytest.fixture
async def up(peer: Peer, make_link: Callable[..., AmiLink]) -> tuple[AmiLink, PeerConnection]:
    """A link that is up, and the peer's end of it."""
    link = make_link()
    await link.start()
    connection = await peer.accept_login()
    await link.wait_up(PATIENCE_S)
    return link, connection
