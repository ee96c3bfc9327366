"""The lab for these tests: one Asterisk per release, and a FastAGI peer that scripts its calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from ringflow.errors import StartError
from ringflow.lab import Lab
from ringflow.lab.asterisk import AsteriskInstance
from ringflow.lab.ports import free_tcp_port

FOLDER = Path(__file__).parents[2] / ".ringflow" / "lab"
RELEASES = ["forky", "bullseye"]


class Peer:
    """The other end of one FastAGI connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.environment: dict[str, str] = {}
        self.inline: list[str] = []
        self._reader = reader
        self._writer = writer

    async def read_environment(self) -> None:
        while line := await self.line():
            name, _, value = line.partition(": ")
            self.environment[name] = value

    async def ask(self, command: str) -> str:
        """The reply to a command. Lines that come before it, such as `HANGUP`, are kept in `inline`."""
        self._writer.write(f"{command}\n".encode())
        await self._writer.drain()
        while not (line := await self.line()).startswith(("200", "510", "511", "520 ")):
            self.inline.append(line)
        return line

    async def values(self, *expressions: str) -> list[str]:
        """What dialplan expressions such as `DIALSTATUS` are, all in one reply."""
        joined = "|".join(f"${{{expression}}}" for expression in expressions)
        reply = await self.ask(f'GET FULL VARIABLE "{joined}"')
        return reply.removeprefix("200 result=1 (").removesuffix(")").split("|")

    async def line(self) -> str:
        line = await self._reader.readline()
        if not line:
            raise EOFError("Asterisk closed the connection")
        return line.decode().removesuffix("\n")


Script = Callable[[Peer], Awaitable[None]]


class Scripts:
    """What Asterisk is told, by the DID that was called."""

    def __init__(self) -> None:
        self.failures: list[Exception] = []
        self._by_did: dict[str, Script] = {}
        self._ended: dict[str, asyncio.Event] = {}

    def put(self, did: str, script: Script) -> None:
        """Calls for `did` are run by `script`, which ends when the connection is to be closed."""
        self._by_did[did] = script
        self._ended[did] = asyncio.Event()

    async def ended(self, did: str) -> None:
        """Until the script of a call for `did` is over, which may be after the caller's end of it."""
        await self._ended[did].wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        try:
            await peer.read_environment()
            did = peer.environment["agi_extension"]
            try:
                await self._by_did[did](peer)
            finally:
                self._ended[did].set()
        except Exception as error:  # noqa: BLE001 - the fixture reports it when the test is over
            self.failures.append(error)
        finally:
            writer.close()


@pytest.fixture(scope="session", params=RELEASES)
def started_lab(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Lab, int]]:
    """A running lab, and the FastAGI port that its calls go to."""
    port = free_tcp_port()
    lab = Lab(FOLDER, request.param, tmp_path_factory.mktemp("lab") / "asterisk")
    try:
        lab.up(port)
    except StartError as error:
        pytest.skip(f"the lab is missing: {error}")
    yield lab, port
    survived = lab.down()
    assert survived, "Asterisk ended during the tests"


@pytest.fixture
def lab(started_lab: tuple[Lab, int]) -> Lab:
    return started_lab[0]


@pytest.fixture
def asterisk(lab: Lab, tmp_path: Path) -> Iterator[AsteriskInstance]:
    """An Asterisk of this test's own, since it may be killed."""
    instance = AsteriskInstance(tmp_path / "asterisk", lab.packages, free_tcp_port())
    instance.start()
    try:
        yield instance
    finally:
        instance.stop()


@pytest.fixture
async def scripts(started_lab: tuple[Lab, int]) -> AsyncIterator[Scripts]:
    """A FastAGI server on the lab's port, for the time of one test."""
    scripts = Scripts()
    async with await asyncio.start_server(scripts.serve, "127.0.0.1", started_lab[1]):
        yield scripts
    assert scripts.failures == []


@pytest.fixture
def own_lab(release: str, tmp_path: Path) -> Lab:
    """An Asterisk of the test's own, not started: it may meet servers that die."""
    lab = Lab(FOLDER, release, tmp_path / "asterisk")
    try:
        assert lab.packages
    except StartError as error:
        pytest.skip(f"the lab is missing: {error}")
    return lab
