"""When Asterisk counts a key, from when it was pressed and how long (`__ast_read` in main/channel.c)."""

from __future__ import annotations

from dataclasses import dataclass

MIN_KEY_MS = 80
"""`dtmf_minduration`: a shorter key is drawn out to this, and counts at the end of it."""

MIN_GAP_MS = 45
"""`AST_MIN_DTMF_GAP`: a key that begins sooner after the one before waits for its turn. None is lost."""


@dataclass(frozen=True, slots=True)
class KeyPress:
    """One key: pressed at `at_ms`, held for `length_ms`."""

    key: str
    at_ms: int
    length_ms: int


def counted_at_ms(press: KeyPress, previous_ms: int | None) -> int:
    """When the key counts; `previous_ms` is when the key before it did, None for the first."""
    begins_ms = press.at_ms
    if previous_ms is not None and begins_ms < previous_ms + MIN_GAP_MS:
        begins_ms = max(press.at_ms + press.length_ms, previous_ms + MIN_GAP_MS)
    return begins_ms + max(press.length_ms, MIN_KEY_MS)
