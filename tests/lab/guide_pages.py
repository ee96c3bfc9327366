"""The configuration that a page of docs/ tells operators to write, for tests that try it."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"

_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```([a-z]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE_LINE = re.compile(r"; ([a-z_.]+)(?:: [a-z ]+)?\n")


def guide_block(page: str, heading: str, file: str) -> str:
    """Return what stands under `heading` of the page for Asterisk's `file`.

    The first line of such a block is a comment with the file's name. Raises `LookupError` if there is none.
    """
    found = []
    for text in guide_fences(page, heading, "ini"):
        line = _FILE_LINE.match(text)
        if line is not None and line[1] == file:
            found.append(text[line.end() :])
    if not found:
        raise LookupError(f"docs/{page} has no lines for {file} under {heading!r}")
    return "\n".join(found)


def guide_fences(page: str, heading: str, language: str = "") -> list[str]:
    """Return the fenced blocks of a language under `heading`. Raises `LookupError` if there are none."""
    parts = _HEADING.split((DOCS / page).read_text("utf-8"))
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        found = [text for word, text in _FENCE.findall(body) if word == language]
        if name == heading and found:
            return found
    raise LookupError(f"docs/{page} has no such block under {heading!r}")
