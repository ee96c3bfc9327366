"""A reply of Asterisk to one AGI command, as a value."""

from __future__ import annotations

from dataclasses import dataclass

from ringflow.errors import ProtocolViolation

MAX_SHOWN = 200
"""Characters of a peer's text that an error or a log line repeats."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One final reply: ``200 result=RESULT (VALUE) TAIL``, or another code with its text in `tail`.

    `result` is the word after ``result=`` (digits that were keyed, a key's ASCII code, 0, 1, -1, ...), empty
    where there is none; `value` is what stands in parentheses, without them, None where there are none.
    """

    code: int
    result: str
    value: str | None = None
    tail: str = ""

    @property
    def number(self) -> int:
        """`result` as a whole number. Raises `ProtocolViolation` when it is not one."""
        try:
            return int(self.result)
        except ValueError:
            raise ProtocolViolation(f"Asterisk: result={shown(self.result)} is not a number") from None

    @property
    def key(self) -> str:
        """The key whose ASCII code `result` is; empty where it is none. Raises `ProtocolViolation`."""
        code = self.number
        return chr(code) if 0 < code < 128 else ""

    @property
    def fields(self) -> dict[str, str]:
        """The further ``key=value`` words of the reply, such as `endpos` (samples) of ``STREAM FILE``."""
        return dict(word.split("=", 1) for word in self.tail.split(" ") if "=" in word)


_PLAIN = {f"200 result={result}": Reply(200, result) for result in ("", "-2", "-1", "0", "1")}


def parse_reply(line: str) -> Reply:
    """Read one reply line, without its line end. Raises `ProtocolViolation`.

    The value is taken up to the *last* parenthesis that can close it: variables hold parentheses too.
    """
    plain = _PLAIN.get(line)
    if plain is not None:
        # Most replies are one of five.
        return plain
    head, equals, rest = line.partition("=")
    code = 200 if head == "200 result" else _code(line)
    if not equals or head[4:] != "result":
        if code == 200:
            raise ProtocolViolation(f"Asterisk: a reply without a result: {shown(line)}")
        return Reply(code, "", None, line[4:])
    result, _, rest = rest.partition(" ")
    if rest[:1] != "(":
        return Reply(code, result, None, rest)
    if rest[-1:] == ")":
        return Reply(code, result, rest[1:-1])
    end = rest.rfind(") ")
    if end < 0:
        raise ProtocolViolation(f"Asterisk: a value that is not closed: {shown(line)}")
    return Reply(code, result, rest[1:end], rest[end + 2 :])


def _code(line: str) -> int:
    code = line[:3]
    if not (code.isascii() and code.isdecimal() and line[3:4] in (" ", "")):
        raise ProtocolViolation(f"Asterisk: not a reply: {shown(line)}")
    return int(code)


def shown(text: str | bytes) -> str:
    """A peer's text as one bounded line of printable ASCII, for errors and logs."""
    if isinstance(text, bytes):
        text = text[: MAX_SHOWN + 1].decode("latin-1")
    more = "..." if len(text) > MAX_SHOWN else ""
    return ascii(text[:MAX_SHOWN]) + more
