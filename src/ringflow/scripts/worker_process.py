"""One worker as the server sees it: a process, and a socket that leads to it."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import ringflow
from ringflow.scripts.frames import HEAD, length, packed

START_S = 30.0
"""How long a new process may take until it is ready: a machine under load is slow to start one."""


class WorkerGone(Exception):
    """The process has ended, or says what no worker says. `by_alarm`: because its run took too long."""

    def __init__(self, by_alarm: bool = False) -> None:
        self.by_alarm = by_alarm
        super().__init__()


class WorkerProcess:
    """`runs` counts what it has run; `resident_kb` is the most memory that it has had."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
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
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", "-c", _BOOT, str(theirs.fileno()), str(memory_bytes)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                env={"LC_ALL": "C.UTF-8", "TZ": zone},
                pass_fds=(theirs.fileno(),),
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
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
        return self._process.returncode is None and not self._reader.at_eof()

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
            async with asyncio.timeout(1):
                return await self._process.wait() == -signal.SIGALRM
        except TimeoutError:
            return False

    async def end(self) -> None:
        """End the process, whatever it does."""
        self._writer.close()
        await _end(self._process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _boot() -> str:
    """Return the program of a worker, which finds the standard library, the engine and `ringflow`."""
    found = importlib.util.find_spec("_quickjs")
    engine = str(Path(found.origin).parent) if found is not None and found.origin else ""
    ours = str(Path(ringflow.__file__).parents[1])
    return f"import sys; sys.path += {[engine, ours]}; from ringflow.scripts.worker import main; main()"


_BOOT = _boot()
