"""What `ringflow ledger check` says of the books."""

from __future__ import annotations

from datetime import tzinfo

from ringflow.moments import iso_in


def verdict(findings: int, until_ms: int | None, zone: tzinfo) -> str:
    """Whether the books are right, and up to when they go: what came later is not in them."""
    said = f"{findings} findings: the books are wrong" if findings else "the books are right"
    if until_ms is None:
        return f"{said}; there is no movement in them"
    return f"{said}, up to {iso_in(until_ms, zone)} (the last movement)"
