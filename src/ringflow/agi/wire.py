r"""The FastAGI wire without I/O: bytes in, values out; words in, bytes out.

Asterisk connects to us and speaks first (res/res_agi.c; 100 comes from apps/app_stack.c). All is lines ending
in LF; we accept CR LF. Asterisk sends each line with a write of its own, so lines come in any pieces.

1. *Headers*: ``agi_network: yes`` first, then ``agi_name: value`` lines, each name once, up to an empty line.
   A value is raw text of the network. A CLI with an encoded line feed in it can end its line and write more:
   what that makes is a name twice, a header without `agi_`, a block without its required headers, or text
   where a reply must stand. Each of these is refused.
2. *Commands*: one line of words. Words are split at blanks and tabs outside double quotes; a backslash takes
   the special meaning from the character after it, inside quotes too (parse_args). At most 127 words; a line
   with its LF is shorter than 8192 bytes (2048 in older versions: `AgiRequest.max_line_bytes`).
3. *Replies*: each command has one, and the next command waits for it, since a command that arrives during
   ``STREAM FILE`` or ``GET DATA`` stops it and takes its reply away.

   - ``200 result=R``, ``200 result=R (value)``, ``200 result=R endpos=N``, ``200 result=R (why) endpos=N``,
     ``200 result=R some text``. R may be empty (``GET DATA`` without a key), -1 for a hang-up or a failure,
     and -2 of ``EXEC`` for an unknown application. The value is raw, and may hold parentheses.
   - ``100 result=0 Trying...``, ``100 Trying...``: not the reply; that follows.
   - ``510 Invalid or unknown command``; ``511 Command Not Permitted on a dead channel ...``.
   - ``520-Invalid command syntax. ...``, lines of any text, ``520 End of proper usage.``; or one line
     ``520 Invalid command syntax. ...``.
4. *Hang-up*: the line ``HANGUP`` between any two other lines, and once more at the end. It is no reply, and
   takes none away. Commands that work on a dead channel (``GET VARIABLE``) still do.

Text that is UTF-8 is read as UTF-8, any other line as Latin-1: that never fails and never makes a lone
surrogate, which a database or a log would refuse later. What we send is UTF-8.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final, Literal

from ringflow.agi.reply import Reply, parse_reply, shown
from ringflow.agi.request import AgiRequest
from ringflow.errors import ProtocolViolation

MAX_LINE_BYTES = 8192
"""A line with its line end is shorter than this, in both directions."""

MAX_WORDS = 127
"""More words than this Asterisk drops (MAX_ARGS in res/res_agi.c)."""

MAX_VALUES = MAX_WORDS - 3
"""Of one command: no name has more than three words."""

MAX_HEADERS = 256
MAX_HEADER_BYTES = 65_536
MAX_USAGE_BYTES = 65_536
"""Of one 520 block."""

MAX_NOTICES = 1000
"""``100`` and ``HANGUP`` lines between two replies: an endless row of them is not a call."""

_NOT_YET = "100 "
_USAGE_BEGINS = "520-"
_USAGE_ENDS = "520 End of proper usage."


class Signal(Enum):
    """What `next_event` gives when it has no event."""

    NEED_DATA = "need data"
    ENDED = "ended"
    HANGUP = "HANGUP"


HangupLine = Literal[Signal.HANGUP]
"""The inline ``HANGUP`` line."""

NEED_DATA: Final = Signal.NEED_DATA
"""Nothing whole is left: feed more."""

ENDED: Final = Signal.ENDED
"""The peer has closed and everything whole has been given; a line cut short is dropped with its sender."""

HANGUP_LINE: Final = Signal.HANGUP

Event = AgiRequest | Reply | Signal
"""An `AgiRequest` once and first, then `Reply` and `HANGUP_LINE`; `NEED_DATA` and `ENDED` between them."""


class AgiParser:
    """Our side's reader of one FastAGI connection.

    `feed` bytes, then call `next_event` until it gives `NEED_DATA` (or `ENDED`, after `feed_eof`); what is
    kept then is less than `MAX_LINE_BYTES` of bytes, and a header or usage block within its bounds. After a
    `ProtocolViolation` the parser gives nothing but that error again: there is no way back into step.
    """

    def __init__(self) -> None:
        self._data = b""
        self._start = 0
        self._ended = False
        self._violation: str | None = None
        self._headers: dict[str, str] | None = {}
        self._seen: Mapping[str, str] = self._headers
        self._block_bytes = 0
        self._usage: list[str] | None = None
        self._notices = 0

    @property
    def buffered_bytes(self) -> int:
        """How much was fed and not yet read."""
        return len(self._data) - self._start

    @property
    def headers_seen(self) -> Mapping[str, str]:
        """The headers that were read so far, also of a block that was refused."""
        return self._seen

    def feed(self, data: bytes) -> None:
        """Take what the peer sent, in any pieces."""
        self._data = self._data[self._start :] + data if self._start < len(self._data) else data
        self._start = 0

    def feed_eof(self) -> None:
        """The peer will send no more."""
        self._ended = True

    def next_event(self) -> Event:
        """The next event. Raises `ProtocolViolation`: the peer is not Asterisk, or not in step with us."""
        if self._violation is not None:
            raise ProtocolViolation(self._violation)
        try:
            if self._headers is not None and (request := self._read_headers()) is not None:
                return request
            while self._headers is None and (line := self._next_line()) is not None:
                event = self._read_reply(line)
                if event is not None:
                    return event
        except ProtocolViolation as violation:
            self._violation = str(violation)
            self._data, self._start = b"", 0
            raise
        # What has been read must not live on because of a few bytes after it.
        self._data, self._start = self._data[self._start :], 0
        return ENDED if self._ended else NEED_DATA

    def _next_line(self) -> str | None:
        data, start = self._data, self._start
        end = data.find(b"\n", start, start + MAX_LINE_BYTES - 1)
        if end < 0:
            if len(data) - start >= MAX_LINE_BYTES - 1:
                raise ProtocolViolation(f"Asterisk: a line of {MAX_LINE_BYTES} bytes or more")
            return None
        self._start = end + 1
        try:
            line = data[start:end].decode()
        except UnicodeDecodeError:
            line = data[start:end].decode("latin-1")
        return line[:-1] if line[-1:] == "\r" else line

    def _read_headers(self) -> AgiRequest | None:
        """Read the header lines that are whole; return the request once their block has ended."""
        headers = self._headers
        assert headers is not None
        while (line := self._next_line()) is not None:
            if not line:
                self._headers = None
                self._block_bytes = 0
                return AgiRequest(headers)
            name, colon, value = line.partition(":")
            if not colon or name[:4] != "agi_":
                raise ProtocolViolation(f"Asterisk: not an agi_ header: {shown(line)}")
            if name in headers:
                raise ProtocolViolation(f"Asterisk: the header {shown(name)} comes twice")
            self._block_bytes += len(line)
            if len(headers) >= MAX_HEADERS or self._block_bytes > MAX_HEADER_BYTES:
                raise ProtocolViolation(
                    f"Asterisk: more than {MAX_HEADERS} headers or {MAX_HEADER_BYTES} bytes"
                )
            headers[name] = value[1:] if value[:1] == " " else value
        return None

    def _read_reply(self, line: str) -> Reply | HangupLine | None:
        if self._usage is not None:
            return self._read_usage(line, self._usage)
        if line == "HANGUP":
            self._count_notice()
            return HANGUP_LINE
        beginning = line[:4]
        if beginning == _NOT_YET:
            self._count_notice()
            return None
        if beginning == _USAGE_BEGINS:
            self._usage = []
            return self._read_usage(line[4:], self._usage)
        self._notices = 0
        return parse_reply(line)

    def _read_usage(self, line: str, usage: list[str]) -> Reply | None:
        if line == _USAGE_ENDS:
            self._usage = None
            self._notices = 0
            self._block_bytes = 0
            return Reply(520, "", None, "\n".join(usage))
        # The line end counts too, or empty lines would cost nothing.
        self._block_bytes += len(line) + 1
        if self._block_bytes > MAX_USAGE_BYTES:
            raise ProtocolViolation(f"Asterisk: a 520 block of more than {MAX_USAGE_BYTES} bytes")
        usage.append(line)
        return None

    def _count_notice(self) -> None:
        self._notices += 1
        if self._notices > MAX_NOTICES:
            raise ProtocolViolation(f"Asterisk: {MAX_NOTICES} lines without a reply among them")


def command_line(name: str, *values: str, max_bytes: int = MAX_LINE_BYTES) -> bytes:
    r"""One command as it goes on the wire: its name as it is, its values quoted so that Asterisk reads these.

    The name is one to three words (``GET FULL VARIABLE``), written by us. Raises `ProtocolViolation` for what
    no quoting can carry: CR, LF, NUL, no name at all, more than `MAX_VALUES`, a line (with its LF) of
    `max_bytes` or more.
    """
    if not name or len(values) > MAX_VALUES:
        raise _unsendable(name, f"without a name, or with more than {MAX_VALUES} values")
    text = " ".join([name, *[_quoted(value) for value in values]])
    # In the text and not in the bytes, where looking for one takes four times as long.
    if "\n" in text or "\r" in text or "\0" in text:
        raise _unsendable(name, "with CR, LF or NUL in it")
    try:
        line = text.encode()
    except UnicodeEncodeError:
        raise _unsendable(name, "that is not valid Unicode") from None
    if len(line) + 1 >= max_bytes:
        raise _unsendable(name, f"of {max_bytes} bytes or more")
    return line + b"\n"


def _unsendable(name: str, what: str) -> ProtocolViolation:
    # The name of the command only: its values may be what no log should hold.
    return ProtocolViolation(f"Ringflow: a command {what}: {shown(name)}")


def _quoted(value: str) -> str:
    # Most values have neither, and to look costs less than to replace nothing.
    if "\\" in value or '"' in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"'
