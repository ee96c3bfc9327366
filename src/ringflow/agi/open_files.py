"""Open files: every call is one, and systems give a process 1,024 unless it asks for more."""

from __future__ import annotations

import resource


def raise_open_file_limit() -> int:
    """Raise the limit to what the system lets this process have; gives that number."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most
