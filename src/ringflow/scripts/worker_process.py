"""One worker as the server sees it: a process, and a socket that leads to it."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import ringflow
from ringflow.scripts.frames import HEAD, length, packed

START_S = 30.0
"""How long a new process may take until it is ready: a machine under load is slow to start one."""

# With vfork(2) the thread that starts a process would keep Python's lock until that is another program.
subprocess._USE_VFORK = False  # type: ignore[misc]


class WorkerGone(Exception):
    """The process has ended, or says what no worker says. `by_alarm`: because its run took too long."""

    def __init__(self, by_alarm: bool = False) -> None:
        self.by_alarm = by_alarm
        super().__init__()


class WorkerProcess:
    """`runs` counts what it has run; `resident_kb` is the most memory that it has had."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.runs = 0
        self.resident_kb = 0
        self._process = process
        self._reader = reader
        self._writer = writer

    @classmethod
    async def start(cls, zone: str, memory_bytes: int) -> WorkerProcess:
        """Start a process, and wait until it is ready. Raises `WorkerGone`, and `OSError`."""
        ours, theirs = socket.socketpair()
        spawning = asyncio.create_task(asyncio.to_thread(_spawn, zone, memory_bytes, theirs))
        try:
            process = await asyncio.shield(spawning)
        except BaseException as error:
            ours.close()
            if isinstance(error, asyncio.CancelledError):
                await _end(await spawning)
            raise
        try:
            reader, writer = await asyncio.open_connection(sock=ours)
        except BaseException:
            ours.close()
            await _end(process)
            raise
        worker = cls(process, reader, writer)
        try:
            async with asyncio.timeout(START_S):
                await worker.receive()
        except TimeoutError:
            await worker.end()
            raise WorkerGone from None
        except BaseException:
            await worker.end()
            raise
        return worker

    @property
    def is_alive(self) -> bool:
        """Whether the process is known to live."""
        return self._process.poll() is None and not self._reader.at_eof()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def send(self, message: dict[str, Any]) -> None:
        """Send a message. Raises `ValueError` for one that is too long."""
        self._writer.write(packed(message))

    async def receive(self) -> dict[str, Any]:
        """Wait for a message. Raises `WorkerGone`."""
        try:
            size = length(await self._reader.readexactly(HEAD))
            message = json.loads(await self._reader.readexactly(size))
        except (OSError, asyncio.IncompleteReadError):
            raise WorkerGone(await self._ended_by_alarm()) from None
        except (ValueError, RecursionError):
            raise WorkerGone from None
        if not isinstance(message, dict):
            raise WorkerGone
        return message

    async def _ended_by_alarm(self) -> bool:
        try:
            return await asyncio.to_thread(self._process.wait, 1) == -signal.SIGALRM
        except subprocess.TimeoutExpired:
            return False

    async def end(self) -> None:
        """End the process, whatever it does."""
        self._writer.close()
        await _end(self._process)


def _spawn(zone: str, memory_bytes: int, theirs: socket.socket) -> subprocess.Popen[bytes]:
    """Start a process, in a thread: whoever starts one waits until it has become another program.

    On a machine that has more to do than it can, that takes a tenth of a second, for which calls would stand.
    """
    with theirs:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _BOOT, str(theirs.fileno()), str(memory_bytes)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"LC_ALL": "C.UTF-8", "TZ": zone},
            pass_fds=(theirs.fileno(),),
        )


async def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    await asyncio.to_thread(process.wait)


def _boot() -> str:
    """Return the program of a worker, which finds the standard library, the engine and `ringflow`."""
    found = importlib.util.find_spec("_quickjs")
    engine = str(Path(found.origin).parent) if found is not None and found.origin else ""
    ours = str(Path(ringflow.__file__).parents[1])
    return f"import sys; sys.path += {[engine, ours]}; from ringflow.scripts.worker import main; main()"


_BOOT = _boot()
