"""SIPp's message trace, read as it is written: every SIP message with the moment it passed the wire.

A record is a line of dashes with the time, a line with direction and length, an empty line, the message and
a line break (SIPp 3.6 to 3.8, `-trace_msg`)::

    ----------------------------------------------- 2026-11-23T06:03:13.756445Z
    UDP message sent [509] bytes:

    INVITE sip:...

The time is UTC: SIPp is run with ``TZ=UTC``. 3.6 writes a blank for ``T``, no ``Z``, and ``(509 bytes)``.
Of what is sent again after the end of a call, as happens on a busy machine, SIPp makes a remark in between: a
line of dashes without a time, a line that begins with ``Dead call`` or ``Unexpected``, and the message, not
its length. Of a message that comes when all calls are over it says so on a line of its own. Both are skipped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from ringflow.errors import ProtocolViolation

MAX_MESSAGE_BYTES = 65_536
_HEAD_BYTES = 256

_HEAD = re.compile(
    rb"\s*-{10,} (?P<date>\d{4}-\d\d-\d\d)[T ](?P<time>\d\d:\d\d:\d\d\.\d{6})Z?\n"
    rb"(?:UDP|TCP) message (?P<way>sent|received) [\[(](?P<length>\d+)\]? ?bytes\)? ?:\n\n"
)
_REMARK = re.compile(rb"\s*-{10,}\n(?:Dead call|Unexpected) ")
_DISCARDED = re.compile(rb"\s*Discarded message for new calls while quitting\n")
_COMPACT = {"f": "From", "t": "To", "i": "Call-ID", "m": "Contact", "v": "Via", "l": "Content-Length"}


@dataclass(frozen=True, slots=True)
class SipMessage:
    """One SIP message off the wire; `at` is in seconds of the epoch, by this machine's clock."""

    at: float
    sent: bool
    first_line: str
    headers: tuple[tuple[str, str], ...]
    body: str

    @property
    def status(self) -> int:
        """The code of a response; 0 for a request."""
        words = self.first_line.split(" ", 2)
        return int(words[1]) if words[0] == "SIP/2.0" and len(words) > 1 and words[1].isdigit() else 0

    @property
    def reason(self) -> str:
        """The reason phrase of a response."""
        return self.first_line.split(" ", 2)[2] if self.status and self.first_line.count(" ") > 1 else ""

    @property
    def method(self) -> str:
        """The method of a request, or of the request that a response answers."""
        return self.header("CSeq").rpartition(" ")[2] if self.status else self.first_line.partition(" ")[0]

    @property
    def uri(self) -> str:
        """The request-URI; empty for a response."""
        return "" if self.status else self.first_line.split(" ")[1]

    def header(self, name: str) -> str:
        """The first header of that name, or nothing."""
        return next(iter(self.all_headers(name)), "")

    def all_headers(self, name: str) -> tuple[str, ...]:
        """Every header of that name, in order."""
        return tuple(value for one, value in self.headers if one.lower() == name.lower())

    def audio_port(self) -> int:
        """The RTP port that the body's SDP names; 0 when there is none."""
        found = re.search(r"^m=audio (\d+) ", self.body, re.MULTILINE)
        return int(found[1]) if found else 0


class SipTraceReader:
    """Turns the bytes of a trace into messages, however they are cut."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[SipMessage]:
        """The messages that are complete now. Raises `ProtocolViolation` when this is no trace of SIPp."""
        self._buffer += data
        found = []
        while (message := self._next()) is not None:
            found.append(message)
        return found

    def _next(self) -> SipMessage | None:
        while discarded := _DISCARDED.match(self._buffer):
            self._buffer = self._buffer[discarded.end() :]
        head = _HEAD.match(self._buffer)
        limit = _HEAD_BYTES
        if head is None and _REMARK.match(self._buffer):
            head, limit = _HEAD.search(self._buffer), MAX_MESSAGE_BYTES
        if head is None:
            if len(self._buffer.lstrip()) > limit:
                raise ProtocolViolation(f"not a message trace of SIPp: {self._buffer[:80]!r}")
            return None
        length = int(head["length"])
        if length > MAX_MESSAGE_BYTES:
            raise ProtocolViolation(f"a SIP message of {length} bytes")
        if len(self._buffer) < head.end() + length:
            return None
        raw = self._buffer[head.end() : head.end() + length]
        self._buffer = self._buffer[head.end() + length :]
        when = datetime.fromisoformat(f"{head['date'].decode()}T{head['time'].decode()}")
        return _parse(raw, when.replace(tzinfo=UTC).timestamp(), head["way"] == b"sent")


def _parse(raw: bytes, at: float, sent: bool) -> SipMessage:
    top, _, body = raw.decode("utf-8", errors="backslashreplace").partition("\r\n\r\n")
    first, *lines = re.sub(r"\r\n[ \t]+", " ", top).split("\r\n")
    pairs = (line.partition(":") for line in lines if ":" in line)
    headers = tuple((_COMPACT.get(name.strip(), name.strip()), value.strip()) for name, _, value in pairs)
    return SipMessage(at, sent, first, headers, body)


def sip_user(address: str) -> str:
    """The user of a SIP URI or of a header that holds one: `"x" <sip:44%2B1@host>;tag=1` gives `44%2B1`."""
    found = re.search(r"sips?:(?:([^@;>]*)@)?", address)
    return (found[1] or "") if found else ""
