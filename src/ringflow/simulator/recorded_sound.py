"""What the virtual Asterisk writes into a recording: a tone where the caller speaks, else silence."""

from __future__ import annotations

from ringflow.recordings.folder import BYTES_PER_MS
from ringflow.simulator.line import Line

BLOCK_MS = 20
SILENCE = b"\xff"
"""Of G.711 mu-law."""
TONE = bytes((0x20 + at % 16) | (0x80 if at % 16 < 8 else 0) for at in range(BLOCK_MS * BYTES_PER_MS))
"""500 Hz, as the lab's callers speak."""


def sound_of(line: Line, began_ms: int, length_ms: int) -> bytes:
    """The content of a recording of the caller that began then."""
    blocks = []
    for at_ms in range(began_ms, began_ms + length_ms, BLOCK_MS):
        speaks = 2 * line.spoke_ms(at_ms, at_ms + BLOCK_MS) >= BLOCK_MS
        blocks.append(TONE if speaks else SILENCE * len(TONE))
    return b"".join(blocks)[: length_ms * BYTES_PER_MS]
