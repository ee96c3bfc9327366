"""Hostile text made harmless: for logs, records and errors."""

from __future__ import annotations

import re

MAX_LENGTH = 80

_HARMLESS = re.compile(r"""[ !#-&(-\[\]-~]*""")
_PLAIN = {ord(char): char for char in map(chr, range(0x20, 0x7F)) if char not in "\\\"'"}


def plain(text: str) -> str:
    """`text` on one line of printable ASCII, quotes escaped, at most 80 characters: safe in any log line."""
    if len(text) <= MAX_LENGTH and _HARMLESS.fullmatch(text):
        # Nearly every text; a number is written several times in each call.
        return text
    parts: list[str] = []
    room = MAX_LENGTH
    for char in text[:MAX_LENGTH]:
        part = _PLAIN.get(ord(char)) or _escape(char)
        if len(part) > room:
            break
        parts.append(part)
        room -= len(part)
    else:
        if len(text) <= MAX_LENGTH:
            return "".join(parts)
    while parts and room < 3:
        room += len(parts.pop())
    return "".join(parts) + "..."


def _escape(char: str) -> str:
    return "\\" + char if char in "\\\"'" else char.encode("unicode_escape").decode("ascii")
