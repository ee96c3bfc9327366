"""Open files: every call is one, and systems give a process 1,024 unless it asks for more."""

from __future__ import annotations

import resource

OTHERS_SHARE = 10
"""Of how many descriptors one, at the most, may go to something else than calls."""


def raise_open_file_limit() -> int:
    """Raise the limit to what the system lets this process have; gives that number."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def reserve_for_calls(wanted: int) -> int:
    """How many of `wanted` descriptors something else than calls may have: at least 1, and a tenth of all."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return wanted
    return max(1, min(wanted, limit // OTHERS_SHARE))
