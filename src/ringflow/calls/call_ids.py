"""The IDs under which a call's legs and its places in channel counts are kept.

They are text that carries structure, built and read only here:

CALL.POSITION@UNIQUE_ID     a leg: its call, its position among the call's attempts (from 1)
CALL@UNIQUE_ID              a call, counted at its arrival
CALL.asID@UNIQUE_ID         the same call, counted for the customer ID that was identified later

UNIQUE_ID is Asterisk's unique ID of the caller's channel, by which a server that finds the ID later asks
Asterisk whether the call is still up. It may hold any character; a call's ID holds neither `.` nor `@`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LEG = re.compile(r"([^.@]+)\.([1-9][0-9]{0,5})@(.*)", re.DOTALL)
_MARK = re.compile(r"([^.@]+)(?:\.as([1-9][0-9]*))?@(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class LegId:
    """The ID of one outgoing attempt."""

    call_id: str
    position: int
    unique_id: str

    def __str__(self) -> str:
        return f"{self.call_id}.{self.position}@{self.unique_id}"

    @classmethod
    def read(cls, text: str) -> LegId | None:
        """Return the ID that the text is, or None for a text that no call made."""
        match = _LEG.fullmatch(text)
        return cls(match[1], int(match[2]), match[3]) if match is not None else None


@dataclass(frozen=True, slots=True)
class CallMark:
    """The ID under which a call is counted. `customer_id`: whose it is, if identified after its arrival."""

    call_id: str
    unique_id: str
    customer_id: int | None = None

    def __str__(self) -> str:
        identified = f".as{self.customer_id}" if self.customer_id is not None else ""
        return f"{self.call_id}{identified}@{self.unique_id}"

    @classmethod
    def read(cls, text: str) -> CallMark | None:
        """Return the ID that the text is, or None for a text that no call made."""
        match = _MARK.fullmatch(text)
        return cls(match[1], match[3], int(match[2]) if match[2] else None) if match is not None else None
