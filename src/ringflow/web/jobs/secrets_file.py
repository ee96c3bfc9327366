"""The files of PINs and codes that jobs hand out once."""

from __future__ import annotations

import re

from ringflow.jobs.queue import OutputFile

_UNFIT = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)


def secrets_file(batch: str, what: str) -> OutputFile:
    """Return the file that has the secrets of a batch, such as its `pins`."""
    name = _UNFIT.sub("-", batch).strip("-.")[:80] or "batch"
    return OutputFile(f"{name}-{what}.csv", "text/csv; charset=utf-8", secret=True)
