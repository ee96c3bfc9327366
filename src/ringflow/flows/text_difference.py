"""How two texts of a flow or of a script differ."""

from __future__ import annotations

import difflib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text with its revision, and what the diff calls it."""

    label: str
    revision: str
    text: bytes


@dataclass(frozen=True, slots=True)
class TextDifference:
    """How two texts differ, as the lines of a unified diff; none where they do not."""

    old_revision: str
    new_revision: str
    diff: tuple[str, ...]


def text_difference(old: LabelledText, new: LabelledText) -> TextDifference:
    """Return how two texts differ; what is not UTF-8 in them is shown as U+FFFD."""
    old_lines, new_lines = (one.text.decode("utf-8", "replace").splitlines() for one in (old, new))
    lines = difflib.unified_diff(old_lines, new_lines, old.label, new.label, lineterm="")
    return TextDifference(old.revision, new.revision, tuple(lines))
