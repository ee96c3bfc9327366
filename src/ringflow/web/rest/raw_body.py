"""Bodies that are no JSON: a text, a sound, a sheet. Small ones are kept in memory, large ones in a file."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

from aiohttp import web

from ringflow.web.connections import REQUEST_S, allow_longer
from ringflow.web.rest.refusals import RequestRefused

IN_MEMORY_BYTES = 1_000_000
CHUNK_BYTES = 65_536
SLOWEST_BYTES_PER_S = 50_000
"""A body may take as long as it takes at this rate: 20 MB seven minutes."""
FILE_MODE = 0o600


@dataclass(frozen=True, slots=True)
class Upload:
    """What an operation takes as its body: content types, without parameters, and at most so many bytes."""

    types: tuple[str, ...]
    most_bytes: int = IN_MEMORY_BYTES


@dataclass(slots=True)
class RawBody:
    """The body of a request as it came. `digest`: its SHA-256.

    It is there until the handler returns. Who needs it longer moves or copies `path()`.
    """

    content_type: str
    size: int = 0
    digest: str = ""
    _content: bytearray = field(default_factory=bytearray, repr=False)
    _folder: Path | None = field(default=None, repr=False)

    def read(self) -> bytes:
        """Return all of it. Of a large one prefer `path`."""
        file = self._file
        return file.read_bytes() if file is not None and file.exists() else bytes(self._content)

    def path(self, suffix: str = "") -> Path:
        """Return a file that holds it, with a name that ends in `suffix`. The file belongs to the caller.

        Writes or renames a file: call it in a thread where calls must not wait.
        """
        file = self._file
        if file is None:
            file = self._new_file()
            file.write_bytes(self._content)
        wanted = file.with_name(f"body{suffix}")
        return file if wanted == file else file.rename(wanted)

    @property
    def _file(self) -> Path | None:
        return None if self._folder is None else next(self._folder.iterdir(), None)

    def _new_file(self) -> Path:
        # The folder is its owner's alone.
        self._folder = Path(tempfile.mkdtemp(prefix="ringflow-body-"))
        file = self._folder / "body"
        file.touch(FILE_MODE)
        return file

    async def _take(self, request: web.Request, most: int) -> None:
        digest = hashlib.sha256()
        file: BinaryIO | None = None
        try:
            async for chunk in request.content.iter_chunked(CHUNK_BYTES):
                self.size += len(chunk)
                if self.size > most:
                    raise _too_large(most)
                digest.update(chunk)
                if file is None and self.size > IN_MEMORY_BYTES:
                    file = self._new_file().open("wb")
                    await asyncio.to_thread(file.write, self._content)
                    self._content.clear()
                if file is None:
                    self._content += chunk
                else:
                    # A slow disk must not keep calls waiting.
                    await asyncio.to_thread(file.write, chunk)
        finally:
            if file is not None:
                await asyncio.to_thread(file.close)
        self.digest = digest.hexdigest()

    async def _remove(self) -> None:
        if self._folder is not None:
            await asyncio.to_thread(shutil.rmtree, self._folder, True)


@asynccontextmanager
async def read_raw_body(request: web.Request, upload: Upload) -> AsyncIterator[RawBody]:
    """Read the body of a request, and remove its file at the end of the block. Raises `RequestRefused`."""
    if request.content_type not in upload.types or (request.charset or "utf-8").lower() != "utf-8":
        named = " or ".join(upload.types)
        raise RequestRefused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "request.unsupported_type",
            f"the body is to be {named}, and Content-Type says so",
        )
    if (request.content_length or 0) > upload.most_bytes:
        raise _too_large(upload.most_bytes)
    allow_longer(request, REQUEST_S + upload.most_bytes / SLOWEST_BYTES_PER_S)
    body = RawBody(request.content_type)
    try:
        try:
            await body._take(request, upload.most_bytes)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise RequestRefused(
                HTTPStatus.INSUFFICIENT_STORAGE, "request.no_room", "the server has no room for the body"
            ) from error
        yield body
    finally:
        await body._remove()


def _too_large(most: int) -> RequestRefused:
    return RequestRefused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "request.too_large",
        f"a body has at most {most} bytes here",
        most=most,
    )
