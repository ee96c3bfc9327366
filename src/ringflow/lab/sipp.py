"""One SIPp process that runs one scenario, and its messages as they pass the wire."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from ringflow.errors import StartError
from ringflow.lab.packages import PackageFolder
from ringflow.lab.sip_trace import SipMessage, SipTraceReader
from ringflow.lab.sipp_scenarios import Dialogue, hang_up_request

START_TIMEOUT_S = 10.0
_POLL_S = 0.005

MessageTest = Callable[[SipMessage], bool]


@dataclass(frozen=True, slots=True)
class Load:
    """How many calls one process makes or takes, and how many it begins in a second.

    With more than one call the dialogue's `call_id` must have `%u` in it, which SIPp makes the call's number.
    """

    calls: int = 1
    calls_per_s: int = 10


ONE_CALL = Load()


class SippProcess:
    """Runs `scenario` on `port`, once or as `load` says; `messages` grows while it runs.

    The trace comes through a named pipe, so that a message is known here within a millisecond of its passing.
    """

    def __init__(
        self,
        packages: PackageFolder,
        folder: Path,
        name: str,
        port: int,
        dialogue: Dialogue,
        load: Load = ONE_CALL,
    ) -> None:
        self.messages: list[SipMessage] = []
        self.port = port
        self.dialogue = dialogue
        self._load = load
        self._packages = packages
        self._folder = folder
        self._name = name
        self._news = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None

    async def start(self, scenario: str, remote_port: int | None) -> None:
        """Start SIPp as a caller of `remote_port`, or, with None, as a callee whose port is then open."""
        xml = self._folder / f"{self._name}.xml"
        xml.write_text(scenario, "utf-8")
        pipe = self._folder / f"{self._name}.pipe"
        os.mkfifo(pipe, 0o600)
        # Opened for both ways: SIPp's own opening must find a reader, and reading must not end before it.
        trace = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
        self._reading = asyncio.get_running_loop().create_task(self._read(trace))
        target = [f"127.0.0.1:{remote_port}"] if remote_port else []
        arguments = [
            *target, "-sf", str(xml), "-i", "127.0.0.1", "-p", str(self.port), "-nostdin", "-nd",
            "-m", str(self._load.calls), "-l", str(self._load.calls), "-r", str(self._load.calls_per_s),
            "-trace_msg", "-message_file", str(pipe), "-trace_err", "-error_file", str(self.error_file),
            "-cid_str", self.dialogue.call_id, "-timer_resol", "1",
            "-mi", _own_loopback_address(),
        ]  # fmt: skip
        with (self._folder / f"{self._name}.screen").open("wb") as screen:
            self._process = await asyncio.create_subprocess_exec(
                *self._packages.command("/usr/bin/sipp", *arguments),
                cwd=self._folder,
                env={"TZ": "UTC", "TERM": "dumb", "PATH": os.defpath},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=screen,
                stderr=screen,
            )
        self._watching = asyncio.get_running_loop().create_task(self._watch(self._process))
        if remote_port is None:
            await self._wait_for_port()

    @property
    def error_file(self) -> Path:
        """What SIPp complained about; absent when it did not."""
        return self._folder / f"{self._name}.errors"

    def first(self, test: MessageTest) -> SipMessage | None:
        """The first message so far that fits."""
        return next((message for message in self.messages if test(message)), None)

    async def wait_for(self, test: MessageTest) -> SipMessage | None:
        """The first message that fits, now or later; None when SIPp ended without one."""
        async for message in self.follow():
            if test(message):
                return message
        return None

    async def follow(self) -> AsyncIterator[SipMessage]:
        """Every message from the first on, each as it comes, until SIPp has ended.

        Raises `ProtocolViolation` when its trace cannot be read.
        """
        told = 0
        while True:
            while told < len(self.messages):
                told += 1
                yield self.messages[told - 1]
            # Nothing is awaited from the last look at the messages to the waiting: no news can be missed.
            if self._reading is not None and self._reading.done():
                self._reading.result()
            if self._watching is None or self._watching.done():
                return
            self._news.clear()
            await self._news.wait()

    async def ended(self) -> int:
        """Wait for its end; gives the exit code: 0 when the scenario was played to its end."""
        assert self._process is not None
        assert self._watching is not None
        await asyncio.wait([self._watching])
        return await self._process.wait()

    def hang_up(self) -> None:
        """Tell the scenario to hang up now: BYE after the answer, CANCEL before it."""
        invite = self.first(lambda message: message.first_line.startswith("INVITE "))
        if invite is None:
            return
        self.order(hang_up_request(invite))

    def order(self, request: bytes) -> None:
        """Send it a request from outside; `sipp_scenarios` has those that its scenarios know."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(request, ("127.0.0.1", self.port))

    async def stop(self) -> None:
        """End it, whatever it is doing."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        tasks = [task for task in (self._watching, self._reading) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        await process.wait()
        # What it wrote last is in the pipe already; the loop sees that on its next turns.
        await asyncio.sleep(_POLL_S)
        self._news.set()

    async def _read(self, trace: int) -> None:
        loop = asyncio.get_running_loop()
        reader = SipTraceReader()
        readable = asyncio.Event()
        loop.add_reader(trace, readable.set)
        try:
            while True:
                await readable.wait()
                readable.clear()
                self._take(trace, reader)
        finally:
            loop.remove_reader(trace)
            try:
                self._take(trace, reader)
            finally:
                os.close(trace)
                self._news.set()

    def _take(self, trace: int, reader: SipTraceReader) -> None:
        while True:
            try:
                data = os.read(trace, 65_536)
            except BlockingIOError:
                break
            self.messages.extend(reader.feed(data))
        self._news.set()

    async def _wait_for_port(self) -> None:
        """Until the port is bound; asked of the kernel, because trying to bind it would disturb SIPp."""
        wanted = f"0100007F:{self.port:04X} ".encode()
        for _ in range(int(START_TIMEOUT_S / _POLL_S)):
            if wanted in await asyncio.to_thread(Path("/proc/net/udp").read_bytes):
                return
            if self._process is None or self._process.returncode is not None:
                break
            await asyncio.sleep(_POLL_S)
        raise StartError(f"SIPp did not start on port {self.port}: {self.last_words()}")

    def last_words(self) -> str:
        """What it said last, for an error message."""
        for path in (self.error_file, self._folder / f"{self._name}.screen"):
            text = path.read_text("utf-8", errors="replace").strip() if path.exists() else ""
            if text:
                return text.splitlines()[-1]
        return "it said nothing"


def _own_loopback_address() -> str:
    """An address for the sockets that SIPp opens for sound, and that nothing here uses.

    All SIPps want the same ports for them and give up when they are taken; 127.0.0.0/8 has room for each.
    """
    return f"127.{secrets.randbelow(254) + 1}.{secrets.randbelow(256)}.{secrets.randbelow(254) + 1}"
