"""Servers to measure against: what Ringflow sends in its seed call, without database, record or log.

The bare one sends them whatever it is told. On panoramisk it is the flow: who calls, what is keyed, the key
that is signed and what became of it matter there as well, but nothing of it is kept. Nothing else of Ringflow
is loaded, as in a program of its own: a larger heap would make asyncio's loop twice as quick
(docs/performance.md).

Run as `python -m ringflow.bench.peers KIND`; prints its port, then serves until it is ended.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any, cast

import uvloop
from panoramisk import fast_agi

from ringflow.bench.seed_call import CLI, CUSTOMER, KEYS

_TIMES = "${SHARED(RINGFLOW_ANSWERED_MS)}|${STRFTIME(,,%s%3q)}|${SHARED(RINGFLOW_ENDED_MS)}"
_RELEASE = (
    "${CHANNEL(hangupsource)}|${SHIFT(SHARED(RINGFLOW_TALK))}|${RINGTIME_MS}"
    "|${HANGUPCAUSE(${HANGUPCAUSE_KEYS()},tech)}"
)
_READ = 'EXEC "Read" "RINGFLOW_KEYS,/sounds/IVR/ivr-please,14,"'
_GET_KEYS = 'GET FULL VARIABLE "${READSTATUS}:${RINGFLOW_KEYS}"'
_GET_RESULT = f'GET FULL VARIABLE "${{DIALSTATUS}}|${{HANGUPCAUSE}}|{_TIMES}|{_RELEASE}"'
_ATTEMPTS, _MIN, _MAX = 3, 11, 14


def _dial(number: str, customer_id: int, key: str, leg_id: str) -> str:
    headers = f"X-Customer-ID^{customer_id}^X-CX-Sec^{key}"
    subroutines = f"b(ringflow-silent^two^1({headers}^6))U(ringflow-answered^{leg_id})"
    return f'EXEC "Dial" "PJSIP/{number}@carrier,60,g{subroutines}"'


COMMANDS = (
    _READ,
    _GET_KEYS,
    _dial(KEYS, CUSTOMER, f"v1.1700000000.{'0' * 64}", f"{'0' * 32}.1@1700000000.1"),
    _GET_RESULT,
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


class CallingCard:
    """The flow `calling_card` on panoramisk: its callers are in a dictionary, its results go nowhere."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._customers = {CLI: CUSTOMER}

    async def serve(self, request: fast_agi.Request) -> None:
        """One call."""
        customer_id = self._customers.get(request.headers["agi_callerid"])
        number = await self._keyed(request) if customer_id is not None else None
        if customer_id is None or number is None:
            await request.send_command("HANGUP")
            return
        key = self._key(customer_id, "carrier", int(time.time()))
        leg_id = f"{secrets.token_hex(16)}.1@{request.headers['agi_uniqueid']}"
        await request.send_command(_dial(number, customer_id, key, leg_id))
        await request.send_command(_GET_RESULT)

    def _key(self, customer_id: int, server: str, at_s: int) -> str:
        """As docs/security-key.md says."""
        message = f"ringflow-cx-sec-v1\n{customer_id}\n{server}\n{at_s}"
        return f"v1.{at_s}.{hmac.new(self._secret, message.encode(), 'sha256').hexdigest()}"

    async def _keyed(self, request: fast_agi.Request) -> str | None:
        for _ in range(_ATTEMPTS):
            await request.send_command(_READ)
            reply = await request.send_command(_GET_KEYS)
            status, _, digits = reply["result"][1].partition(":")
            if status == "OK" and digits.isdigit() and _MIN <= len(digits) <= _MAX:
                return str(digits)
            await request.send_command('STREAM FILE "/sounds/MISC/error" ""')
        return None


async def _listen_bare(loop: asyncio.AbstractEventLoop) -> asyncio.Server:
    return await loop.create_server(BarePeer, "127.0.0.1", 0, backlog=1024)


async def _listen_panoramisk(loop: asyncio.AbstractEventLoop) -> asyncio.Server:
    application = fast_agi.Application(loop=loop)
    application.add_route("call", CallingCard(secrets.token_bytes(32)).serve)
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
