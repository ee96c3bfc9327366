"""The configuration that a page of docs/ tells operators to write, for tests that try it."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"

_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_BLOCK = re.compile(r"^```ini\n; ([a-z_.]+)(?:: [a-z ]+)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def guide_block(page: str, heading: str, file: str) -> str:
    """Return what stands under `heading` of the page for Asterisk's `file`.

    The first line of such a block is a comment with the file's name. Raises `LookupError` if there is none.
    """
    text = (DOCS / page).read_text("utf-8")
    parts = _HEADING.split(text)
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        if name == heading:
            found = [block for name, block in _BLOCK.findall(body) if name == file]
            if found:
                return "\n".join(found)
    raise LookupError(f"docs/{page} has no lines for {file} under {heading!r}")
