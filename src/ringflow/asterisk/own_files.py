"""Files that Ringflow writes for Asterisk, and how to tell whether somebody edited one since.

The first line of each file has the SHA-256 digest of all that follows it. A file whose digest does not match
was edited; one without a digest was written by hand, or by a Ringflow that kept none. Neither is overwritten
unless the operator asks for it.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from difflib import unified_diff
from enum import Enum
from pathlib import Path

_NOTICE = "Ringflow's own file: do not edit it, your changes would stop upgrades."
_FIRST_LINE = re.compile(r"(?:; |<!-- ).*\bsha256:([0-9a-f]{64})(?: -->)?\n")
_SECRET_LINE = re.compile(r"^(\s*secret\s*=).*$", re.MULTILINE)


class FileState(Enum):
    """What stands where a file is to be written."""

    ABSENT = "is absent"
    SAME = "is what would be written"
    AS_WRITTEN = "is as an earlier run wrote it"
    EDITED = "was edited after an earlier run wrote it"
    UNKNOWN = "has no digest, so nobody can tell whether it was edited"


def with_digest(name: str, body: str) -> str:
    """Return the file's text: a first line with the digest of `body`, then `body`."""
    line = f"{_NOTICE} sha256:{_digest(body)}"
    return f"<!-- {line} -->\n{body}" if name.endswith(".md") else f"; {line}\n{body}"


def file_state(path: Path, text: str) -> FileState:
    """Compare the file at `path` with `text`, which is to be written there."""
    if not path.exists():
        return FileState.ABSENT
    present = _read(path)
    if present == text:
        return FileState.SAME
    first = _FIRST_LINE.match(present)
    if first is None:
        return FileState.UNKNOWN
    return FileState.AS_WRITTEN if first[1] == _digest(present[first.end() :]) else FileState.EDITED


def diff_lines(path: Path, text: str) -> list[str]:
    """Return the unified diff from the file at `path` to `text`; values of `secret =` are left out."""
    old, new = (_SECRET_LINE.sub(r"\1 ****", one).splitlines() for one in (_read(path), text))
    return list(unified_diff(old, new, str(path), f"{path} (new)", lineterm=""))


def write_file(path: Path, text: str, mode: int) -> None:
    """Write the file in one step. One that is there keeps its owner, and its mode as far as `mode` allows.

    Asterisk may be reloading right now: it finds the old file or the new one, never half of it.
    """
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    # Created for its owner alone, because a secret must not be readable even for a moment.
    with os.fdopen(
        os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(text)
        with suppress(FileNotFoundError):
            old = path.stat()
            mode = old.st_mode & 0o777 if mode & 0o004 else old.st_mode & 0o770
            with suppress(PermissionError):
                os.fchown(file.fileno(), old.st_uid, old.st_gid)
        os.fchmod(file.fileno(), mode)
    partial.replace(path)


def keep_old(path: Path) -> Path:
    """Copy the file to a `.bak` beside it, with its owner and mode; no earlier copy is overwritten."""
    number = 1
    while (kept := path.with_name(f"{path.name}.bak{'' if number == 1 else number}")).exists():
        number += 1
    os.link(path, kept)
    return kept


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def _read(path: Path) -> str:
    # Bytes that are not UTF-8 can only come from an editor, and the text then differs from ours all the same.
    # Line ends are kept as they are, because an editor that changes them has edited the file.
    return path.read_bytes().decode("utf-8", errors="replace")
