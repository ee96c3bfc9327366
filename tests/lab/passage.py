"""A way between two parties on loopback that a test can cut."""

from __future__ import annotations

import asyncio


class Passage:
    """Whoever connects to `port` speaks with `to_port`, until it is cut."""

    def __init__(self, port: int, to_port: int) -> None:
        self.port, self.to_port = port, to_port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", self.port)

    def cut(self) -> None:
        """Nobody gets through any more, and whoever was is cut off."""
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.to_port)
        self._writers |= {writer, far_writer}
        both = (self._copy(reader, far_writer), self._copy(far_reader, writer))
        await asyncio.gather(*both, return_exceptions=True)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Who is killed with something unread resets its connection; the other must learn of that end too.
        try:
            while data := await reader.read(4096):
                writer.write(data)
        finally:
            writer.close()
