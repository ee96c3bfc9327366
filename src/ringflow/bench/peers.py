"""Servers to measure against: the same commands as Ringflow's seed call, with nothing around them.

Run as `python -m ringflow.bench.peers KIND`; prints its port, then serves until it is ended.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any, cast

import uvloop
from panoramisk import fast_agi

_HEADERS = f"X-Customer-ID^42^X-CX-Sec^v1.1700000000.{'0' * 64}"
_ANSWERED = f"U(ringflow-answered^{'0' * 32}.1@1700000000.1)"
_TIMES = "${SHARED(RINGFLOW_ANSWERED_MS)}|${STRFTIME(,,%s%3q)}|${SHARED(RINGFLOW_ENDED_MS)}"
_RELEASE = (
    "${CHANNEL(hangupsource)}|${SHIFT(SHARED(RINGFLOW_TALK))}|${HANGUPCAUSE(${HANGUPCAUSE_KEYS()},tech)}"
)
COMMANDS = (
    'EXEC "Read" "RINGFLOW_KEYS,/sounds/IVR/ivr-please,14,"',
    'GET FULL VARIABLE "${READSTATUS}:${RINGFLOW_KEYS}"',
    f'EXEC "Dial" "PJSIP/441234567890@carrier,60,gb(ringflow-leg^two^1({_HEADERS})){_ANSWERED}"',
    f'GET FULL VARIABLE "${{DIALSTATUS}}|${{HANGUPCAUSE}}|{_TIMES}|{_RELEASE}"',
)
"""What Ringflow sends for the shipped flow `calling_card`."""


class BarePeer(asyncio.Protocol):
    """As little as can be: the next command for every line that arrives."""

    def __init__(self) -> None:
        self._lines = (command.encode() + b"\n" for command in COMMANDS)
        self._buffer = b""
        self._in_headers = True
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the headers."""
        # uvloop's transports are not subclasses of asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Take the header block or one reply, and send the next command."""
        self._buffer += data
        end = b"\n\n" if self._in_headers else b"\n"
        assert self._transport is not None
        while end in self._buffer:
            _, _, self._buffer = self._buffer.partition(end)
            self._in_headers, end = False, b"\n"
            line = next(self._lines, None)
            if line is None:
                self._transport.close()
                return
            self._transport.write(line)


async def _panoramisk_call(request: fast_agi.Request) -> None:
    for command in COMMANDS:
        await request.send_command(command)


async def _listen_bare(loop: asyncio.AbstractEventLoop) -> asyncio.Server:
    return await loop.create_server(BarePeer, "127.0.0.1", 0, backlog=1024)


async def _listen_panoramisk(loop: asyncio.AbstractEventLoop) -> asyncio.Server:
    application = fast_agi.Application(loop=loop)
    application.add_route("call", _panoramisk_call)
    return await asyncio.start_server(application.handler, "127.0.0.1", 0, backlog=1024)


Listen = Callable[[asyncio.AbstractEventLoop], Coroutine[Any, Any, asyncio.Server]]
Run = Callable[[Coroutine[Any, Any, None]], None]

BARE = "bare"

KINDS: dict[str, tuple[Listen, Run]] = {
    BARE: (_listen_bare, asyncio.run),
    "bare on uvloop": (_listen_bare, uvloop.run),
    "panoramisk": (_listen_panoramisk, asyncio.run),
    "panoramisk on uvloop": (_listen_panoramisk, uvloop.run),
}
"""The servers: each on asyncio's own loop, which is what one gets, and on the loop that Ringflow has."""


async def _serve(listen: Listen) -> None:
    server = await listen(asyncio.get_running_loop())
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    wanted, run = KINDS[sys.argv[1]]
    run(_serve(wanted))
