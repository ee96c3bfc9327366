"""How much JavaScript each page of the console loads, compressed, before somebody does anything on it."""

from __future__ import annotations

import gzip
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.browser.conftest import PROJECT

BUILT = PROJECT / "src" / "console" / ".made" / "console"
"""What Vite has built, with its notes on which file needs which."""

KB = 1024
"""Lists are within 40,000 bytes too; zlib does not compress alike everywhere."""
LIST, BUILDER, TELEPHONE, OTHER = 40 * KB, 230 * KB, 60 * KB, 60 * KB


@cache
def manifest() -> dict[str, dict[str, Any]]:
    """Return Vite's notes, by the source of a file."""
    notes = BUILT / ".vite" / "manifest.json"
    if not notes.is_file():
        pytest.skip("the console is not built: make console")
    read: dict[str, dict[str, Any]] = json.loads(notes.read_text())
    return read


def loaded(source: str, known: frozenset[str] = frozenset()) -> frozenset[str]:
    """Return the files that are fetched where `source` is, without what it fetches later."""
    if source in known:
        return known
    known |= {source}
    for one in manifest()[source].get("imports", []):
        known = loaded(one, known)
    return known


@cache
def compressed(source: str) -> int:
    return len(gzip.compress((BUILT / manifest()[source]["file"]).read_bytes()))


def sizes() -> dict[str, int]:
    """Return the bytes of each page and of the telephone, each with the frame around it."""
    frame = loaded("index.html")
    shown = [
        source
        for source, notes in manifest().items()
        if notes.get("isDynamicEntry") and re.match(r"app/(pages|telephone)/.*\.svelte$", source)
    ]
    return {Path(source).stem: sum(map(compressed, with_views(source, frame))) for source in shown}


def with_views(source: str, frame: frozenset[str]) -> frozenset[str]:
    """Return what is fetched for a page; for the builder with the text beside its picture."""
    files = loaded(source, frame)
    return files | loaded("app/flow/text_view.ts") if source.endswith("/apps/App.svelte") else files


LISTS = [
    "Cards",
    "Customers",
    "Clis",
    "Dids",
    "Vouchers",
    "Apps",
    "Lists",
    "Calendars",
    "Trunks",
    "RateCards",
    "Live",
    "Calls",
    "Audit",
    "Jobs",
    "Operators",
    "AllTokens",
]


def test_each_page_loads_no_more_than_its_share() -> None:
    found = sizes()
    limits = dict.fromkeys(found, OTHER) | dict.fromkeys(LISTS, LIST) | {"App": BUILDER, "Drawer": TELEPHONE}
    assert limits.keys() == found.keys(), "a list or the builder has another name"
    assert {name: size for name, size in found.items() if size > limits[name]} == {}
