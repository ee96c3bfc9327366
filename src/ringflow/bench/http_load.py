"""A load of HTTP requests: connections that are kept, each of which asks again when it is answered.

It speaks just enough HTTP/1.1 for this, because a client such as aiohttp's takes more processor time for a
request than the server does.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ringflow.errors import Refused

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")
_LENGTH = re.compile(rb"\r\nContent-Length: (\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request, and the status that its answer must have."""

    method: str
    path: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def encode(self) -> bytes:
        """Return it as it is sent."""
        headers = {"Host": "localhost", **self.headers}
        if self.body:
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(self.body))}
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{name}: {one}" for name, one in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


@dataclass(slots=True)
class HttpResult:
    """How long each answer took until its first byte, and how many bytes all of them had."""

    first_byte_ms: list[float] = field(default_factory=list)
    size: int = 0


async def load_http(port: int, request: HttpRequest, count: int, at_once: int) -> HttpResult:
    """Send a request `count` times, over `at_once` connections.

    Raises `Refused` for an answer of another status than the request's.
    """
    result = HttpResult()
    turns = iter(range(count))
    await asyncio.gather(*(_ask(port, request, turns, result) for _ in range(at_once)))
    return result


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer: its status, its body, and how long it took until its first byte."""

    status: int
    body: bytes
    first_byte_ms: float
    size: int


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> HttpAnswer:
    """Send a request on a connection, and read its answer, which has a `Content-Length` or no body."""
    began = time.perf_counter()
    writer.write(sent)
    head = await reader.readuntil(b"\r\n\r\n")
    took_ms = (time.perf_counter() - began) * 1000
    status, length = _STATUS.match(head), _LENGTH.search(head)
    body = await reader.readexactly(int(length[1])) if length is not None else b""
    return HttpAnswer(int(status[1]) if status else 0, body, took_ms, len(head) + len(body))


async def _ask(port: int, request: HttpRequest, turns: Iterator[int], result: HttpResult) -> None:
    sent = request.encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for _ in turns:
            answer = await exchange(reader, writer, sent)
            result.first_byte_ms.append(answer.first_byte_ms)
            result.size += answer.size
            if answer.status != request.status:
                raise Refused(
                    "measurement.failed",
                    f"{request.method} {request.path} was answered {answer.status}, so the figures mean "
                    f"nothing: {answer.body.decode(errors='replace')[:300]}",
                )
    finally:
        writer.close()
