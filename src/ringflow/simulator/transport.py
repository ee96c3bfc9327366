"""A connection without a network, between Ringflow's protocol and the virtual Asterisk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

LOOPBACK = ("127.0.0.1", 4573)


class MemoryTransport(asyncio.Transport):
    """What Ringflow's FastAGI protocol writes to; `deliver` and `hang_up` are the peer's side."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: asyncio.Protocol,
        received: Callable[[bytes], None],
        closed: Callable[[], None],
    ) -> None:
        super().__init__({"peername": LOOPBACK, "sockname": LOOPBACK})
        self._loop = loop
        self._protocol: asyncio.BaseProtocol = protocol
        self._received = received
        self._closed = closed
        self._closing = False
        self._lost = False
        self._paused: list[bytes] | None = None

    def deliver(self, data: bytes) -> None:
        """Bytes from Asterisk. They arrive from the loop, never from within a `write`."""
        self._loop.call_soon(self._arrive, data)

    def hang_up(self) -> None:
        """Asterisk closes the connection."""
        if not self._closing:
            self._loop.call_soon(self._lose)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Bytes to Asterisk."""
        if not self._closing:
            self._received(bytes(data))

    def close(self) -> None:
        """Ringflow closes the connection."""
        if not self._closing:
            self._closing = True
            self._closed()
            self._loop.call_soon(self._lose)

    def abort(self) -> None:
        """As `close`: nothing is ever buffered."""
        self.close()

    def is_closing(self) -> bool:
        """Whether either side has closed."""
        return self._closing

    def pause_reading(self) -> None:
        """Keep what arrives until `resume_reading`."""
        self._paused = self._paused or []

    def resume_reading(self) -> None:
        """Hand over what arrived meanwhile."""
        waiting, self._paused = self._paused or [], None
        for data in waiting:
            self.deliver(data)

    def is_reading(self) -> bool:
        """Whether bytes are handed over as they arrive."""
        return self._paused is None and not self._closing

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing is buffered, so there is no limit to set."""

    def get_write_buffer_size(self) -> int:
        """Always nothing."""
        return 0

    def get_protocol(self) -> asyncio.BaseProtocol:
        """The protocol that this transport feeds."""
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Feed another one from now on."""
        self._protocol = protocol

    def _arrive(self, data: bytes) -> None:
        if self._paused is not None:
            self._paused.append(data)
        elif not self._closing and isinstance(self._protocol, asyncio.Protocol):
            self._protocol.data_received(data)

    def _lose(self) -> None:
        if not self._lost:
            self._closing = self._lost = True
            self._protocol.connection_lost(None)
