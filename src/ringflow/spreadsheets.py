"""What is written as CSV, so that a spreadsheet shows it and never calculates it."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet calculate instead of show (OWASP: CSV Injection)."""


def csv_cell(value: str | int | None) -> str:
    """The value as a cell: text that a spreadsheet would take for a formula has a `'` before it."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
