"""A load of virtual Asterisks: many FastAGI clients that answer at once, in a process of their own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from ringflow.bench.seed_call import CLI, DID, KEYS
from ringflow.calls.digits import DIALPLAN_TIMERS
from ringflow.engine.dialplan import DIALPLAN_VERSION
from ringflow.errors import Refused

_HEADERS = (
    "agi_network: yes\nagi_network_script: call\nagi_request: agi://127.0.0.1/call\n"
    "agi_channel: PJSIP/load-{n:08x}\nagi_language: en\nagi_type: PJSIP\nagi_uniqueid: 1700000000.{n}\n"
    "agi_version: 22.10.1\nagi_callerid: {cli}\nagi_calleridname: unknown\nagi_callingpres: 0\n"
    "agi_callingani2: 0\nagi_callington: 0\nagi_callingtns: 0\nagi_dnid: {did}\nagi_rdnis: unknown\n"
    "agi_context: ringflow-incoming\nagi_extension: {did}\nagi_priority: 1\nagi_enhanced: 0.0\n"
    "agi_accountcode: \nagi_threadid: 1\n"
    "agi_arg_1: {dialplan}\nagi_arg_2: {timers}\nagi_arg_3: 1750000000-1\n\n"
)

_REPLIES = (
    (b"SET VARIABLE", b"200 result=1\n"),
    (b"GET FULL VARIABLE ${READSTATUS}", f"200 result=1 (OK:{KEYS})\n".encode()),
    (
        b"GET FULL VARIABLE ${DIALSTATUS}",
        b"200 result=1 (ANSWER|16|1700000000000|1700000004000|1700000004000)\n",
    ),
    (b"GET FULL VARIABLE ${EPOCH}", b"200 result=1 (1700000000)\n"),
    (b"GET DATA", f"200 result={KEYS}\n".encode()),
    (b"ANSWER", b"200 result=0\n"),
    (b"STREAM FILE", b"200 result=0 endpos=8000\n"),
    (b"EXEC", b"200 result=0\n"),
)
DIAL = b"EXEC Dial"
ASKS_FOR_KEYS = (b"EXEC Read", b"GET DATA")


@dataclass(slots=True)
class LoadResult:
    """What a load came to: calls that dialled, calls that did not, and seconds for all."""

    complete: int = 0
    failed: int = 0
    seconds: float = 0.0
    call_ms: list[float] = field(default_factory=list)

    @property
    def calls_per_second(self) -> float:
        """Complete calls for each second."""
        return self.complete / self.seconds if self.seconds else 0.0


class VirtualCaller(asyncio.Protocol):
    """One call: sends the header block, answers every command at once. With `hold`, stays at the prompt."""

    def __init__(self, number: int, over: asyncio.Future[bool], hold: bool = False, did: str = DID) -> None:
        self._number = number
        self._did = did
        self._over = over
        self._hold = hold
        self._buffer = b""
        self._dialled = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for a call."""
        # uvloop's transports are not subclasses of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(
            _HEADERS.format(
                n=self._number, did=self._did, cli=CLI, dialplan=DIALPLAN_VERSION, timers=DIALPLAN_TIMERS
            ).encode()
        )

    def data_received(self, data: bytes) -> None:
        """Answer each whole line."""
        assert self._transport is not None
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            plain = line.replace(b'"', b"")
            if self._hold and plain.startswith(ASKS_FOR_KEYS):
                if not self._over.done():
                    self._over.set_result(True)
                return
            self._dialled = self._dialled or plain.startswith(DIAL)
            self.answer(plain)

    def answer(self, command: bytes) -> None:
        """Answer a command at once."""
        self.send(reply_to(command))

    def send(self, reply: bytes) -> None:
        """Send a reply, unless the call is over."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        """The server closed: the call is complete if it dialled."""
        if not self._over.done():
            self._over.set_result(self._dialled and exc is None)

    def hang_up(self) -> None:
        """Leave."""
        if self._transport is not None:
            self._transport.close()


def reply_to(line: bytes) -> bytes:
    """Return what an Asterisk says to a command, less its quotes."""
    for start, reply in _REPLIES:
        if line.startswith(start):
            return reply
    return b"510 Invalid or unknown command\n"


async def run_load(port: int, calls: int, at_once: int) -> LoadResult:
    """Make `calls` calls, `at_once` of them at any time, and count."""
    result = LoadResult()
    numbers = iter(range(calls))
    began = time.perf_counter()
    await asyncio.gather(*(_caller(port, numbers, result) for _ in range(at_once)))
    result.seconds = time.perf_counter() - began
    return result


async def _caller(port: int, numbers: Iterator[int], result: LoadResult) -> None:
    loop = asyncio.get_running_loop()
    for number in numbers:
        over: asyncio.Future[bool] = loop.create_future()
        began = time.perf_counter()
        try:
            await loop.create_connection(partial(VirtualCaller, number, over), "127.0.0.1", port)
        except OSError:
            over.set_result(False)
        if await over:
            result.complete += 1
            result.call_ms.append((time.perf_counter() - began) * 1000)
        else:
            result.failed += 1


async def hold_calls(port: int, calls: int) -> list[VirtualCaller]:
    """Open `calls` calls that all stay at their prompt; gives them once the last one is there.

    Raises `Refused` for one that does not come so far.
    """
    loop = asyncio.get_running_loop()
    held: list[VirtualCaller] = []
    for number in range(calls):
        over: asyncio.Future[bool] = loop.create_future()
        _, caller = await loop.create_connection(
            partial(VirtualCaller, number, over, hold=True), "127.0.0.1", port
        )
        if not await over:
            raise Refused(
                "measurement.failed", f"call {number} did not reach its prompt, so the figures mean nothing"
            )
        held.append(caller)
    return held
