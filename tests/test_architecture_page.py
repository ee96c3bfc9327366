"""The picture of the house in docs/architecture.md names files that are there."""

from __future__ import annotations

import re
from pathlib import Path

PROJECT = Path(__file__).parents[1]
PAGE = (PROJECT / "docs" / "architecture.md").read_text()


def test_every_file_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"`([a-z_/]+\.py)`", PAGE))
    assert len(named) > 50
    assert [
        one
        for one in sorted(named)
        if not (PROJECT / one).exists() and not (PROJECT / "src" / "ringflow" / one).exists()
    ] == []


def test_how_a_call_is_charged_takes_eighteen_files_to_read() -> None:
    walk = PAGE.partition("## The money walk")[2].partition("\n## ")[0]
    assert len(re.findall(r"^\|.*\| `[a-z_/]+\.py` \|", walk, flags=re.MULTILINE)) == 18
