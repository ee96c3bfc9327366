"""Answers that are sent while they are made, in constant memory.

A stream that breaks off, because something went wrong here or the database is away, ends without HTTP's last
chunk: a client that reads chunked coding (RFC 9112, section 7.1) tells it apart from one that is complete.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog
from aiohttp import web

from ringflow.plain_text import plain
from ringflow.web.connections import allow_longer
from ringflow.web.rest.content import disposition

log = structlog.get_logger("ringflow.api")

STALLED_S = 60.0
"""So long a client may take nothing of a stream before it is cut off."""


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer in pieces. `sent` is called once all of it was handed to the network."""

    content_type: str
    pieces: AsyncIterator[bytes]
    filename: str | None = None
    sent: Callable[[], Awaitable[None]] | None = None


async def send_stream(request: web.Request, stream: Stream, headers: Mapping[str, str]) -> web.StreamResponse:
    """Send a stream. What goes wrong before its first piece is raised; later it is cut off."""
    allow_longer(request, STALLED_S)
    first = await anext(stream.pieces, b"")
    answer = web.StreamResponse(headers={**headers, "Content-Type": stream.content_type})
    if stream.filename is not None:
        answer.headers["Content-Disposition"] = disposition(stream.filename)
    answer.enable_chunked_encoding()
    answer.headers["Vary"] = "Accept, Accept-Encoding"
    if "gzip" in request.headers.get("Accept-Encoding", "").lower():
        answer.enable_compression(web.ContentCoding.gzip)
    try:
        await answer.prepare(request)
        await answer.write(first)
        async for piece in stream.pieces:
            # Each piece has its own time: a stream may take as long as somebody reads it.
            allow_longer(request, STALLED_S)
            await answer.write(piece)
        await answer.write_eof()
    except BaseException as error:
        # Boundary: after its beginning an answer can only be cut off, so that nobody takes it for whole.
        if request.transport is not None:
            request.transport.abort()
        log.warning("stream cut off", path=plain(request.path), detail=str(error) or type(error).__name__)
        raise
    if stream.sent is not None:
        await stream.sent()
    return answer
