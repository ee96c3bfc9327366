"""Numbers as a network presents them with an incoming call: any text that fits on one line."""

from __future__ import annotations

import re

MAX_NUMBER = 256
"""Characters of a number; Asterisk cuts an extension at 79."""

ONE_LINE = f"write one line of at most {MAX_NUMBER} characters"

_LINE = re.compile(r"[^\r\n\0]*")


def is_presented(text: str) -> bool:
    """Whether a network could present this number."""
    return len(text) <= MAX_NUMBER and _LINE.fullmatch(text) is not None
