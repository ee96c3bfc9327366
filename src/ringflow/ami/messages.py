"""What we say to Asterisk, checked before it leaves, and what Asterisk says, as plain text fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from panoramisk.message import Message

from ringflow.errors import ProtocolViolation

# Measured on Asterisk 22.10: a line of 1023 bytes is refused and its tail read as the start of the next
# action, and a message of more than 128 lines is refused.
MAX_LINE_BYTES = 1022
MAX_LINES = 128

MAX_QUOTED_CHARACTERS = 300

Fields = dict[str, str | list[str]]

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_FORBIDDEN = re.compile(r"[\r\n\0]")


@dataclass(frozen=True, slots=True)
class AmiMessage:
    """One event or response. `fields` has lower-case keys; a key that came twice has its values on lines."""

    fields: Mapping[str, str]

    @property
    def event(self) -> str:
        """The event's name, or empty for a response."""
        return self.text("Event")

    def text(self, key: str) -> str:
        """A field's value; empty where Asterisk did not send it, or calls it ``<unknown>``."""
        value = self.fields.get(key.lower(), "")
        return "" if value == "<unknown>" else value


def parse_message(text: str) -> Message | None:
    """Panoramisk's reading of one message; None where it is neither an event nor a response.

    Panoramisk makes a list of a key that comes twice and then trips over it, so values are joined here.
    """
    message = Message.from_line(text)
    if message is not None:
        for key, value in list(message.items()):
            if isinstance(value, list):
                message[key] = "\n".join(value)
    return message


def plain_message(message: Message) -> AmiMessage:
    """The same message as a value of ours."""
    return AmiMessage({key.lower(): value for key, value in message.items() if key != "content"})


def check_fields(fields: Mapping[str, str | list[str]]) -> None:
    """Refuse an action that Asterisk would read as something else than we mean.

    Raises `ProtocolViolation` for CR, LF or NUL, for a key that is not a word, for text that is not
    Unicode, and for lines too long or too many. The error names the key, never the value.
    """
    lines = [(key, one) for key, value in fields.items() for one in _as_list(value)]
    if len(lines) > MAX_LINES:
        raise ProtocolViolation(f"an action of {len(lines)} lines; Asterisk takes {MAX_LINES}")
    for key, value in lines:
        if not _KEY.fullmatch(key):
            raise ProtocolViolation(f"{shown(key)} is not a key that an action can have")
        if _FORBIDDEN.search(value):
            raise ProtocolViolation(f"the value of {key} has a line break or a NUL in it")
        try:
            length = len(f"{key}: {value}".encode())
        except UnicodeEncodeError:
            raise ProtocolViolation(f"the value of {key} is not Unicode text") from None
        if length > MAX_LINE_BYTES:
            raise ProtocolViolation(f"{key} makes a line of {length} bytes; Asterisk takes {MAX_LINE_BYTES}")


def _as_list(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]


def shown(text: str) -> str:
    """The peer's text made fit for a log line or an error: escaped and short."""
    short = text if len(text) <= MAX_QUOTED_CHARACTERS else text[:MAX_QUOTED_CHARACTERS] + "..."
    return short if short.isprintable() else ascii(short)
