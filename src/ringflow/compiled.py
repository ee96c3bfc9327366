"""Whether the call path runs as machine code, and whether that was made of the sources beside it.

`tools/compile.py` compiles the modules that `pyproject.toml` lists and leaves a stamp with the digests of
their sources. Python prefers a compiled module to its source, so an edited source would not run, and nobody
would be told. A wheel holds no stamp: nobody edits what is installed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from hashlib import sha256
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path
from typing import Any

STAMP = "compiled.json"
SUFFIX = EXTENSION_SUFFIXES[0]
"""How the name of a compiled module ends; it names the version of Python that can load it."""

SESSION = "ringflow.agi.session"
"""The module that tells whether the call path is compiled: all modules of the list are, or none."""

EXIT_STALE = 2


def is_compiled(module: str = SESSION) -> bool:
    """Whether Python takes `module` from a compiled file. Imports the packages above it."""
    spec = find_spec(module)
    return spec is not None and spec.origin is not None and spec.origin.endswith(SUFFIX)


def code_of_calls() -> str:
    """What calls run on, as `--version`, the log and the metrics say it: `compiled` or `interpreted`."""
    return "compiled" if is_compiled() else "interpreted"


def stamp_of(package: Path, sources: Iterable[str], builder: str) -> dict[str, Any]:
    """What identifies a build: for which Python, by what builder, of which `sources` below `package`."""
    digests = {source: _digest(package / source) for source in sources}
    return {"suffix": SUFFIX, "builder": builder, "sources": digests}


def read_stamp(package: Path) -> dict[str, Any] | None:
    """The stamp of the last build in place, or None where nothing is compiled."""
    try:
        text = (package / STAMP).read_bytes()
    except FileNotFoundError:
        return None
    stamp: dict[str, Any] = json.loads(text)
    return stamp


def refuse_stale(package: Path) -> None:
    """End the process with one line if a compiled module was made of another source than stands there now."""
    stamp = read_stamp(package)
    if stamp is None or stamp["suffix"] != SUFFIX:
        return
    for source, digest in stamp["sources"].items():
        if _digest(package / source) != digest:
            line = f"{package / source} is not what was compiled: run `make compile`, "
            print(f"ringflow: {line}or `make interpreted` to run from source", file=sys.stderr)
            raise SystemExit(EXIT_STALE)


def _digest(source: Path) -> str | None:
    """SHA-256 of a source; None where it was deleted or renamed."""
    try:
        return sha256(source.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None
