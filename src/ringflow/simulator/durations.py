"""Lengths of time as scenarios write them: `500ms`, `4s`, `1.5s`, `2m`, `1h`."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

MAX_DURATION_MS = 24 * 3600 * 1000
_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h)")
DURATION_SCHEMA = {"type": "string", "pattern": r"^[0-9]{1,9}(\.[0-9]{1,3})?(ms|s|m|h)$"}
_MEND = "write a number and a unit: 500ms, 4s, 1.5s, 2m, 1h"


def parse_duration_ms(text: object) -> int:
    """Milliseconds. Raises ValueError, with a mend after ` || `."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"`{text}` is not a length of time || {_MEND}")
    milliseconds = round(float(match[1]) * _UNITS_MS[match[2]])
    if milliseconds > MAX_DURATION_MS:
        raise ValueError(f"`{text}` is more than a day || a simulated call is shorter")
    return milliseconds


def show_duration(milliseconds: int) -> str:
    """The shortest way to write a length of time: `1m`, `90s`, `1.5s`, `80ms`."""
    for unit in ("h", "m", "s"):
        if milliseconds and milliseconds % _UNITS_MS[unit] == 0:
            return f"{milliseconds // _UNITS_MS[unit]}{unit}"
    return f"{milliseconds / 1000:g}s" if milliseconds > 1000 else f"{milliseconds}ms"


DurationMs = Annotated[int, BeforeValidator(parse_duration_ms), WithJsonSchema(DURATION_SCHEMA)]
"""Milliseconds, written with a unit."""
