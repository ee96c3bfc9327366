"""SIP headers that operators and flow authors add to the outgoing INVITE: which they may be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

CUSTOMER_HEADER = "X-Customer-ID"
SECURITY_HEADER = "X-CX-Sec"
IDENTITY_HEADERS = frozenset({CUSTOMER_HEADER.lower(), SECURITY_HEADER.lower()})
"""Only impersonation writes these."""

MAX_HEADERS = 32
"""Of a trunk, and of a slot; more would not fit into a datagram."""
MAX_HEADER_VALUE = 512

_ASTERISKS_OWN = frozenset(
    {
        "via", "from", "to", "call-id", "cseq", "contact", "max-forwards", "route", "record-route",
        "content-length", "content-type", "v", "f", "t", "i", "m", "l", "c",
    }
)  # fmt: skip
"""A second one would contradict Asterisk's, or break the dialogue."""

_NAME = re.compile(r"[A-Za-z0-9!%*_+'~.-]{1,64}", re.ASCII)
"""A header's name is a token (RFC 3261, 25.1), less the back-quote."""


@dataclass(frozen=True, slots=True)
class WrongHeader:
    """Why the header `name` cannot be added, and what to do instead."""

    name: str
    why: str
    mend: str


def wrong_headers(names: Iterable[str]) -> Iterator[WrongHeader]:
    """Those of the names that cannot be added; small and capital letters are the same (RFC 3261, 7.3.1)."""
    seen: set[str] = set()
    for name in names:
        known_as = name.lower()
        if not _NAME.fullmatch(name):
            yield WrongHeader(name, "cannot name a header", "use letters, digits and -")
        elif known_as in IDENTITY_HEADERS:
            yield WrongHeader(name, "is written by Ringflow", "remove it")
        elif known_as in _ASTERISKS_OWN:
            yield WrongHeader(name, "is written by Asterisk", "remove it")
        elif known_as in seen:
            yield WrongHeader(name, "is given twice", "keep one of them")
        seen.add(known_as)
