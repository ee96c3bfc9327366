"""AMI's framing without I/O: bytes in, the text of whole messages out.

Asterisk greets with one line, ``Asterisk Call Manager/VERSION`` CRLF. After it come messages: lines of
``Key: value``, each ended by CRLF, and an empty line that ends the message. A read may end anywhere,
within a line end or a UTF-8 character too, so text is decoded only when its message is whole.
"""

from __future__ import annotations

from collections.abc import Iterator

from ringflow.errors import ProtocolViolation

GREETING = b"Asterisk Call Manager"
MAX_GREETING_BYTES = 256
# Far above anything that Asterisk says in one message, far below what would hurt us.
MAX_MESSAGE_BYTES = 256 * 1024

_LINE_END = b"\r\n"
_MESSAGE_END = b"\r\n\r\n"


class FrameReader:
    """Cuts a stream into messages. `greeting` is None until the greeting line is whole."""

    def __init__(self) -> None:
        self.greeting: str | None = None
        self._buffer = bytearray()
        self._searched = 0

    def feed(self, data: bytes) -> Iterator[str]:
        """Give the messages that `data` completes, without their last line end.

        Raises `ProtocolViolation`, after giving what came before: a peer that is not AMI, or a message
        longer than `MAX_MESSAGE_BYTES`. The reader cannot be fed again after that.
        """
        self._buffer += data
        if self.greeting is None and not self._read_greeting():
            return
        while (end := self._buffer.find(_MESSAGE_END, self._searched)) >= 0:
            self._refuse_long(end)
            text = self._buffer[:end].decode("utf-8", "replace").lstrip("\r\n")
            del self._buffer[: end + len(_MESSAGE_END)]
            self._searched = 0
            if text:
                yield text
        self._refuse_long(len(self._buffer))
        self._searched = max(0, len(self._buffer) - len(_MESSAGE_END) + 1)

    def _read_greeting(self) -> bool:
        start = bytes(self._buffer[: len(GREETING)])
        end = self._buffer.find(_LINE_END, 0, MAX_GREETING_BYTES)
        if not GREETING.startswith(start) or (end < 0 and len(self._buffer) >= MAX_GREETING_BYTES):
            raise ProtocolViolation(f"the peer is not Asterisk's manager interface: it says {start!r}")
        if end < 0:
            return False
        self.greeting = self._buffer[:end].decode("utf-8", "replace")
        del self._buffer[: end + len(_LINE_END)]
        return True

    def _refuse_long(self, length: int) -> None:
        if length > MAX_MESSAGE_BYTES:
            raise ProtocolViolation(f"an AMI message is longer than {MAX_MESSAGE_BYTES} bytes")
