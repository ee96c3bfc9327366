"""Answers that are no JSON: a text or a sound, from memory or a file, whole or in part (RFC 9110, 14)."""

from __future__ import annotations

import asyncio
import hashlib
import io
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from aiohttp import web

from ringflow.web.connections import REQUEST_S, allow_longer
from ringflow.web.rest.refusals import RequestRefused

CHUNK_BYTES = 262_144
SLOWEST_BYTES_PER_S = 20_000
"""A reader who is slower, such as one who reads nothing, is cut off."""
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Content:
    """What an answer has in place of JSON: bytes, or a file that is not changed meanwhile.

    `filename`: a browser saves it under this name instead of showing it. `version`: what is the same as long
    as the content is, such as a digest; else it is made of the bytes, or of the file's size and time.
    """

    data: bytes | Path = field(repr=False)
    content_type: str
    filename: str | None = None
    version: str | None = None

    @property
    def entity_tag(self) -> str:
        """The entity tag, in quotes."""
        return f'"{self.version if self.version is not None else self._own_version()}"'

    def _own_version(self) -> str:
        if isinstance(self.data, bytes):
            return hashlib.sha256(self.data).hexdigest()[:32]
        found = self.data.stat()
        return f"{found.st_mtime_ns:x}-{found.st_size:x}"


@dataclass(frozen=True, slots=True)
class _Part:
    first: int
    length: int


async def send_content(
    request: web.Request, content: Content, status: HTTPStatus, headers: dict[str, str]
) -> web.StreamResponse:
    """Answer a request with the content, or with the part of it that `Range` asks for."""
    file = await asyncio.to_thread(_opened, content.data)
    try:
        size = await asyncio.to_thread(file.seek, 0, io.SEEK_END)
        may_be_part = request.method == "GET" and status == HTTPStatus.OK
        part = _part(request, content, size) if may_be_part else None
        own = {"Accept-Ranges": "bytes", "Content-Type": _full_type(content), "ETag": content.entity_tag}
        if content.filename is not None:
            own["Content-Disposition"] = disposition(content.filename)
        if part is not None:
            status = HTTPStatus.PARTIAL_CONTENT
            own["Content-Range"] = f"bytes {part.first}-{part.first + part.length - 1}/{size}"
        answer = web.StreamResponse(status=status, headers=headers | own)
        await _send(request, answer, file, part if part is not None else _Part(0, size))
        return answer
    finally:
        await asyncio.to_thread(file.close)


def disposition(filename: str) -> str:
    """Return the header by which a browser saves an answer as a file (RFC 6266)."""
    return f"attachment; filename*=UTF-8''{quote(filename, safe='')}"


def _opened(data: bytes | Path) -> BinaryIO:
    return io.BytesIO(data) if isinstance(data, bytes) else data.open("rb")


async def _send(request: web.Request, answer: web.StreamResponse, file: BinaryIO, part: _Part) -> None:
    allow_longer(request, REQUEST_S + part.length / SLOWEST_BYTES_PER_S)
    answer.content_length = part.length
    await answer.prepare(request)
    file.seek(part.first)
    left = part.length
    try:
        while left:
            # A slow disk must not keep calls waiting.
            chunk = await asyncio.to_thread(file.read, min(left, CHUNK_BYTES))
            if not chunk:
                raise ConnectionResetError("the file was cut off meanwhile")
            left -= len(chunk)
            await answer.write(chunk)
    except BaseException:
        # Boundary: after its beginning an answer can only be cut off, so that nobody takes it for whole.
        if request.transport is not None:
            request.transport.abort()
        raise


def _full_type(content: Content) -> str:
    is_text = content.content_type.startswith("text/") or content.content_type.endswith("yaml")
    return content.content_type + ("; charset=utf-8" if is_text else "")


def _part(request: web.Request, content: Content, size: int) -> _Part | None:
    """Return the part that is asked for; None for all of it. Raises `RequestRefused` for what is not there.

    What is no single range is answered with all of it, as RFC 9110 has it.
    """
    asked = _RANGE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    if asked is None or asked[1] == asked[2] == "":
        return None
    if request.headers.get("If-Range", content.entity_tag) != content.entity_tag:
        return None
    if asked[1] == "":
        length = min(int(asked[2]), size)
        first = size - length
    else:
        first = int(asked[1])
        if asked[2] and int(asked[2]) < first:
            return None
        end = min(int(asked[2]) + 1, size) if asked[2] else size
        length = end - first
    if length <= 0:
        raise RequestRefused(
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
            "request.no_such_range",
            f"it has {size} bytes",
            (),
            {"Content-Range": f"bytes */{size}"},
            size=size,
        )
    return _Part(first, length)
