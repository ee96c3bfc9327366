"""Messages between the server and a worker: four bytes of length, most significant first, and JSON in UTF-8.

| from the server | |
|---|---|
| `{"run": {...}}` | one script to run: its text, what it is given, its limits |
| `{"answers": [...]}` | what became of calls of the host |

| from a worker | |
|---|---|
| `{"ready": true}` | it waits for a script |
| `{"state": "running", "calls": [...], "log": [...]}` | what the script wants of the host, and has written |
| `{"state": "done" ...}` | how the run ended; the worker waits for the next |

A worker may have been taken over by what it ran, so the server believes nothing that comes from it.
"""

from __future__ import annotations

import json
from typing import Any

HEAD = 4
MAX_FRAME = 4 * 1024 * 1024
"""No message is longer, in either direction."""


def packed(message: dict[str, Any]) -> bytes:
    """Return a message as it is sent. Raises `ValueError` for one that is too long."""
    raw = json.dumps(message, separators=(",", ":"), allow_nan=False).encode("ascii")
    if len(raw) > MAX_FRAME:
        raise ValueError(f"a message of {len(raw)} bytes")
    return len(raw).to_bytes(HEAD, "big") + raw


def length(head: bytes) -> int:
    """Return how many bytes follow. Raises `ValueError` for more than a message may have."""
    size = int.from_bytes(head, "big")
    if size > MAX_FRAME:
        raise ValueError(f"a message of {size} bytes")
    return size
